"""How many pages one person may hold open, and all who didn't log in."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from app.web import crowds
from app.web.crowds import Crowds

TEAM = """
login = "proxy"
hosts = ["localhost"]
[proxy]
header = "X-Forwarded-Email"
from = ["127.0.0.1"]
[people]
"ann@example.org" = "run"
"bob@example.org" = "read"
"""


class Hall:
    """What lies behind: keeps each who was let in until all may leave."""

    def __init__(self) -> None:
        self.inside: list[str] = []
        self.leave = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.inside.append(dict(scope["headers"])[b"x-forwarded-email"].decode())
        await self.leave.wait()


async def rounds(asked: list[str], count: int) -> list[list[str]]:
    """Open a connection for each name, close them all, and again; return who got in each time."""
    refused: list[Any] = []

    async def send(told: Any) -> None:
        refused.append(told)

    crowd, found = Crowds(Hall()), []
    for _ in range(count):
        crowd.app = hall = Hall()
        visits = []
        for name in asked:
            scope: Any = {"type": "websocket", "headers": [(b"x-forwarded-email", name.encode())]}
            visits.append(asyncio.create_task(crowd(scope, send, send)))
        await asyncio.sleep(0)
        hall.leave.set()
        await asyncio.gather(*visits)
        found.append(hall.inside)
        assert len(refused) == len(found) * (len(asked) - len(hall.inside))
    return found


def test_nobody_takes_all_the_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowds, "EACH", 2)
    monkeypatch.setattr(crowds, "NAMELESS", 3)
    (tmp_path / "team.toml").write_text(TEAM)
    monkeypatch.setenv("ASSAY_TEAM", str(tmp_path / "team.toml"))
    asked = ["ann@example.org"] * 4 + ["Bob@example.org", "ANN@example.org"] + ["eve"] * 5
    first, again = asyncio.run(rounds(asked, 2))
    assert first == ["ann@example.org"] * 2 + ["Bob@example.org"] + ["eve"] * 3
    assert again == first, "a place that was left is free"
