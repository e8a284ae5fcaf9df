"""Other people of this machine: the workbench of one person isn't theirs, though they reach it.

127.0.0.1 is everybody's who has an account here, and whoever opens the workbench may have it read
files and run code as the person who started it. Linux says whose process is at the other end of a
connection; where nobody says it, those who can reach the workbench are believed.
"""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.responses import PlainTextResponse

from app.workflows.team import is_for_a_team

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

_TABLES = {socket.AF_INET: Path("/proc/net/tcp"), socket.AF_INET6: Path("/proc/net/tcp6")}
_LOCAL, _REMOTE, _USER = 1, 2, 7
"""Columns of such a table (the kernel's networking/proc_net_tcp)."""
NOBODY = -1
_PUBLIC = ("/static/", "/_stcore/health")
TOLD = (
    "This workbench is another person's on this machine. Start your own with `assay ui`, or have "
    "one for several people started with `assay ui --team`."
)


class Neighbours:
    """Refuses requests of other users of this machine, where there is no login to tell people."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 403."""
        if scope["type"] not in ("http", "websocket") or not is_anothers(scope):
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await PlainTextResponse(TOLD, status_code=403)(scope, receive, send)


def is_anothers(scope: Scope) -> bool:
    """Whether a request comes from a process of another user than the server's; root may all."""
    if is_for_a_team() or scope["path"].startswith(_PUBLIC):
        return False
    user = user_of(scope.get("client"), scope.get("server"))
    return user is not None and user not in (0, os.getuid())


def user_of(client: Any, server: Any) -> int | None:
    """Return whose process connects from `client` to `server`, both (address, port) of this
    machine; None where the system doesn't tell, `NOBODY` where there is no such connection.

    A header may have changed what the server takes for the client (X-Forwarded-For).
    """
    if sys.platform != "linux" or not client or not server:
        return None
    try:
        family = socket.AF_INET6 if ":" in server[0] else socket.AF_INET
        table = _TABLES[family].read_text()
    except (OSError, TypeError):  # no such table, or a socket that has no address
        return None
    try:
        ends = [_shown(family, *client[:2]), _shown(family, *server[:2])]
    except (OSError, ValueError, TypeError):
        return NOBODY
    for line in table.splitlines():
        columns = line.split()
        if columns[_LOCAL : _REMOTE + 1] == ends:
            return int(columns[_USER])
    return NOBODY


def _shown(family: socket.AddressFamily, address: str, port: int) -> str:
    """Return an end of a connection as the kernel prints it: words of 32 bits in its own order."""
    packed = socket.inet_pton(family, address)
    words = (packed[at : at + 4] for at in range(0, len(packed), 4))
    return "".join(f"{int.from_bytes(word, sys.byteorder):08X}" for word in words) + f":{port:04X}"
