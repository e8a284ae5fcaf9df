"""A piece of work on its way through the hosts, and what is told of it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from app.jobs.hosts.code import MEASURING, READING


@dataclass(frozen=True, slots=True)
class Event:
    """What is to be told of a piece of work: "began" on a host, "progress", "retried" with why."""

    kind: str
    value: Any


@dataclass(eq=False)
class Work:
    """A piece of work that was handed over, until its future is done."""

    function: Callable[..., Any]
    args: tuple[Any, ...]
    needs: tuple[str, ...]
    on_event: Callable[[Event], None]
    future: Future[Any]
    id: str = field(default_factory=lambda: uuid4().hex)
    given: Any = None
    """Dask's future, while the scheduler has the work."""
    tries: int = 0
    attempts: int = 0
    """How often it was given out: as the tries, and once more for each host with other code."""
    code: str = ""
    """The code that it was given out with."""
    host: str = ""
    log: str = ""
    unfit: dict[str, str] = field(default_factory=dict)
    """Hosts whose code differs: their address and code."""
    given_to: frozenset[str] = frozenset()
    is_begun: bool = False
    homeless_since: float | None = None

    @property
    def kind(self) -> str:
        """Which files it runs: those for reading papers, or for measuring."""
        return READING if READING in self.needs else MEASURING
