"""A piece of work on its way through the hosts, and what is told of it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from analyzers.message import Message
from app.jobs.hosts.code import MEASURING, READING


@dataclass(frozen=True, slots=True)
class Event:
    """What is to be told of a piece of work: "began" on a host, "progress", "retried" with why,
    "waiting" with for what, "busy" with what hosts that could do it are."""

    kind: str
    value: Any


@dataclass(frozen=True, slots=True)
class Unfit:
    """Why a host can't do a piece of work."""

    host: str
    why: str
    """Its code, where that differs; else what went wrong there."""
    has_other_code: bool

    def __str__(self) -> str:
        return f"{self.host} ({self.why})"


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
    unfit: dict[str, Unfit] = field(default_factory=dict)
    """By address."""
    given_to: frozenset[str] = frozenset()
    given_at: float = 0.0
    is_begun: bool = False
    homeless_since: float | None = None
    told: str = ""
    """For what it waits, as was told last."""

    def wait_for(self, why: Message, kind: str = "waiting") -> None:
        """Tell for what it waits, once."""
        if self.told != str(why):
            self.told = str(why)
            self.on_event(Event(kind, why))

    @property
    def kind(self) -> str:
        """Which files it runs: those for reading papers, or for measuring."""
        return READING if READING in self.needs else MEASURING
