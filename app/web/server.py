"""The web server: Streamlit, with the headers that keep other sites out of the workbench.

Start it with `streamlit run app/web/server.py`; `main.py` beside it is the script it serves.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import streamlit as st
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse, RedirectResponse

from app.errors import AssayError
from app.web.crowds import Crowds
from app.web.members import Members, check_exposure
from app.web.neighbours import Neighbours
from app.web.warming import start_warming
from app.workflows.watch_schedule import Schedule

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

SCRIPT = Path(__file__).parent / "main.py"


def inline_scripts() -> list[str]:
    """Return the CSP sources of the scripts that Streamlit's own page holds in itself."""
    html = (Path(st.__file__).parent / "static" / "index.html").read_bytes()
    found = re.findall(rb"<script>(.*?)</script>", html, flags=re.DOTALL)
    digests = [base64.b64encode(hashlib.sha256(script).digest()).decode() for script in found]
    return [f"'sha256-{digest}'" for digest in digests]


# Styles are written into the page by Streamlit and by the charts; scripts come from here only.
CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'self'",
        " ".join(["script-src 'self' 'wasm-unsafe-eval'", *inline_scripts()]),
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self' ws://localhost:* ws://127.0.0.1:*",
        "frame-src data:",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ]
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


class SecurityHeaders:
    """Adds `HEADERS` to every HTTP response; websockets pass untouched."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and put the headers on what comes back."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
            await send(message)

        await self.app(scope, receive, send_with_headers)


def _host(value: str) -> str | None:
    """Return the host name of a Host header or an origin's rest, None for what is neither."""
    try:
        parts = urlsplit(f"//{value}")
        _ = parts.port
    except ValueError:
        return None
    extra = parts.path or parts.query or parts.fragment or "@" in parts.netloc
    return None if extra or not parts.hostname else parts.hostname.rstrip(".")


def is_allowed_host(host: str | None) -> bool:
    """Whether a Host header names the workbench: one of `server.allowedHosts`."""
    name = _host(host) if host else None
    if name is None:
        return False
    allowed = [item.strip().lower().rstrip(".") for item in st.get_option("server.allowedHosts")]
    return any(
        item == "*" or name == item or (item.startswith("*.") and name.endswith(item[1:]))
        for item in allowed
    )


def is_same_origin(origin: str | None, host: str) -> bool:
    """Whether a page of this very host and port asks; programs that are no browser say nothing."""
    if origin is None or origin in st.get_option("server.corsAllowedOrigins"):
        return True
    scheme, _, rest = origin.lower().partition("://")
    return scheme in ("http", "https") and rest == host.lower()


class Visitors:
    """Refuses what isn't meant for the workbench, or was sent by another site's page.

    Streamlit looks at the Host header of websockets only, so that a name which resolves to this
    machine (DNS rebinding) could read and upload files; and it takes pages of every port of this
    machine for its own. A page may be opened from anywhere, so a plain GET needs no origin.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on where it may, answer 403 where not."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if "content-length" in headers and "transfer-encoding" in headers:
            # A proxy in front may see one request where this server sees two, the second made up
            # whole by a visitor, with the header that says who asks (RFC 9112, section 6.1).
            told = "A request says its length once."
            closing = {"Connection": "close"}
            await PlainTextResponse(told, 400, closing)(scope, receive, send)
            return
        host = headers.get("host")
        if len(headers.getlist("host")) == 1 and host is not None and is_allowed_host(host):
            if is_same_origin(headers.get("origin"), host):
                await self.app(scope, receive, send)
                return
            told = "This request comes from a page of another site, and was refused."
        else:
            told = "This name isn't one of the workbench's (server.allowedHosts)."
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        await PlainTextResponse(told, status_code=403)(scope, receive, send)


class RankingAddress:
    """Sends `/ranking` to `/`, where Streamlit serves its first page; the view is kept."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer for the one address, pass all others on."""
        if scope["type"] == "http" and scope["path"].rstrip("/") == "/ranking":
            query = scope["query_string"].decode("ascii", "replace")
            await RedirectResponse(f"/?{query}" if query else "/")(scope, receive, send)
            return
        await self.app(scope, receive, send)


def _check_exposure() -> None:
    """End the server, with a sentence, before it answers others without a login."""
    try:
        check_exposure(st.get_option("server.address"))
    except AssayError as error:
        print(f"Error: {error}", file=sys.stderr, flush=True)
        os._exit(2)  # from within the server's loop any other way out prints a traceback


@asynccontextmanager
async def asking_for_watches(app: st.App) -> AsyncIterator[dict[str, Any]]:
    """Ask for watches that are due, as long as the server runs; read ahead what pages show."""
    _check_exposure()
    schedule = Schedule()
    schedule.start()
    start_warming()
    try:
        yield {}
    finally:
        schedule.stop()


app = st.App(
    SCRIPT,
    middleware=[
        Middleware(SecurityHeaders),
        Middleware(Visitors),
        Middleware(Neighbours),
        Middleware(Members),
        Middleware(Crowds),
        Middleware(RankingAddress),
    ],
    lifespan=asking_for_watches,
)
