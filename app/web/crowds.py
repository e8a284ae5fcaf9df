"""How many pages may be open at once: each is a session, and takes memory until it is closed."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from starlette.datastructures import Headers

from app.errors import AssayError
from app.web.members import logged_in
from app.workflows.team import known_as, team

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

EACH, NAMELESS = 50, 200
"""Connections of one person who logged in, and of all others together.

A session takes 0.1 MB at first; nobody's hand opens fifty tabs, and who didn't log in yet gets one
page at a time.
"""
_TRY_LATER = 1013


class Crowds:
    """Refuses a websocket beyond the number that one person, or all the nameless, may hold."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._open: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, a websocket counted as long as it is open."""
        if scope["type"] != "websocket":
            await self.app(scope, receive, send)
            return
        who = _who(scope)
        if self._open[who] >= (EACH if who else NAMELESS):
            await send({"type": "websocket.close", "code": _TRY_LATER})
            return
        self._open[who] += 1
        try:
            await self.app(scope, receive, send)
        finally:
            self._open[who] -= 1
            if not self._open[who]:
                del self._open[who]


def _who(scope: Scope) -> str:
    """Return who opens it; "" where nobody logged in, or nobody has to."""
    try:
        members = team()
    except AssayError:  # nobody is let in: `Members` says so
        return ""
    if members is None:
        return ""
    headers = Headers(scope=scope)
    who = known_as(headers.get(members.header)) if members.header else logged_in(headers)
    return who if members.role_of(who) else ""
