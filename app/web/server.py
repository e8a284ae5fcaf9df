"""The web server: Streamlit, with the headers that keep other sites out of the workbench.

Start it with `streamlit run app/web/server.py`; `main.py` beside it is the script it serves.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.responses import RedirectResponse

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


@asynccontextmanager
async def asking_for_watches(app: st.App) -> AsyncIterator[dict[str, Any]]:
    """Ask for watches that are due, as long as the server runs."""
    schedule = Schedule()
    schedule.start()
    try:
        yield {}
    finally:
        schedule.stop()


app = st.App(
    SCRIPT,
    middleware=[Middleware(SecurityHeaders), Middleware(RankingAddress)],
    lifespan=asking_for_watches,
)
