"""The server's part of a login: who may speak to a workbench that serves a team at all.

What a person may do on a page is decided there (`app.web.components.access`); here it is decided
whether a request came through the proxy that is trusted to say who asks, and how much may be sent.
"""

from __future__ import annotations

import ipaddress
import sys
from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse

from analyzers.message import Message, message
from app.errors import AssayError
from app.i18n import LANGUAGES, translator
from app.web.rates import Rates
from app.workflows.team import Team, known_as, may, team

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

Refusal = tuple[int, Message]
"""A status and why."""
UPLOADS = "/_stcore/upload_file"
HEALTH = "/_stcore/health"
METRICS = "/_stcore/metrics"


def check_exposure(address: str | None) -> None:
    """Raise `AssayError` where the workbench would be open to others without a login."""
    if is_local(address) or team() is not None:
        return
    raise AssayError(
        message(
            "The workbench would listen on {address}, where others reach it, and has no login: "
            "start it with `assay ui`, or for a team with `assay ui --team` (docs/team.md).",
            address=address or "0.0.0.0",
        )
    )


def is_local(address: str | None) -> bool:
    """Whether only this machine reaches what listens there; no address means every one."""
    if not address:
        return False
    if address == "localhost" or address.startswith("unix://"):
        return True
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


class Members:
    """Lets in, where there is a team: the trusted proxy's people, each with as much as they may.

    With a login of Streamlit's own every page asks for it, so that requests pass; files are taken
    from whom Streamlit's cookie names.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._rates = Rates()
        self._told = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on where it may; else 403, 413 or 429 with a sentence."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        try:
            members = team()
        except AssayError as error:  # a file that was broken while the server ran
            self._tell(str(error))
            told = message(
                "Who may come in can't be read: whoever runs this workbench finds the reason in "
                "its log."
            )
            await _refuse(scope, receive, send, 503, told)
            return
        if members is None:
            await self.app(scope, receive, send)
            return
        if (refusal := self._refusal(members, scope)) is not None:
            await _refuse(scope, receive, send, *refusal)
            return
        await self.app(scope, receive, send)

    def _tell(self, trouble: str) -> None:
        """Put what is wrong with the file into the server's log, once: visitors may be anybody."""
        if trouble != self._told:
            self._told = trouble
            print(f"team.toml: {trouble}", file=sys.stderr, flush=True)

    def _refusal(self, members: Team, scope: Scope) -> Refusal | None:
        headers = Headers(scope=scope)
        who = ""
        if members.login == "proxy":
            if not members.trusts((scope.get("client") or ("",))[0]):
                return 403, message("This workbench is reached through its proxy only.")
            if scope["path"] == HEALTH:
                return None  # the proxy itself asks whether anybody is there
            said = headers.getlist(members.header)
            if len(said) != 1 or not said[0].strip():
                return 403, message(
                    "The proxy doesn't say who asks: it has to set {header} once.",
                    header=members.header,
                )
            who = known_as(said[0])
            if members.role_of(who) is None:
                return 403, message(
                    "You are not of this workbench's team. Whoever runs it can add you."
                )
        if scope["path"].startswith(METRICS) and not who:
            return 403, message("How this server is doing isn't told to everybody.")
        if scope["type"] == "http" and scope["path"].rstrip("/").startswith(UPLOADS):
            if scope["method"] not in ("PUT", "POST"):
                return None
            who = who or logged_in(headers)
            if not may(members.role_of(who), "curate"):
                return 403, message("Your role lets you read, not send files.")
            return self._upload(members, who, headers.get("content-length"))
        return None

    def _upload(self, members: Team, who: str, length: str | None) -> Refusal | None:
        if length is None or not length.isdecimal() or len(length) > 15:
            return 411, message("A file has to say how long it is.")
        megabytes = -(-int(length) // 2**20)
        if self._rates.wait_s(who, members.upload_mb, megabytes) > 0:
            return 429, message(
                "More than {count} MB were sent within an hour: wait a while.",
                count=members.upload_mb,
            )
        return None


def logged_in(headers: Headers) -> str:
    """Return whom Streamlit's own login vouches for, by the cookie that it signed; "" for nobody.

    A page learns it from Streamlit; a file that is sent comes past every page.
    """
    from starlette.requests import cookie_parser
    from streamlit.web.server.starlette import starlette_websocket as own
    from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

    cookies = cookie_parser(headers.get("cookie", ""))
    try:
        signed = own._get_signed_cookie_with_chunks(cookies, USER_COOKIE_NAME)
        origin = headers.get("origin", "")
        told = own._parse_decoded_user_cookie(signed, origin) if signed else {}
    except Exception:  # whatever a made up cookie does to it: nobody
        return ""
    if told.get("is_logged_in") is not True or told.get("email_verified") in (False, "false"):
        return ""
    email = told.get("email")
    return known_as(email) if isinstance(email, str) else ""


async def _refuse(scope: Scope, receive: Receive, send: Send, status: int, told: Message) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    said = told.render(translator(_language(Headers(scope=scope))))
    await PlainTextResponse(said, status_code=status)(scope, receive, send)


def _language(headers: Headers) -> str:
    """Return the language that a browser asks for first, English where it isn't spoken here."""
    first = headers.get("accept-language", "").split(",")[0].split("-")[0].strip().lower()
    return first if first in LANGUAGES else "en"
