"""A piece of work on its way through the hosts, and what is told of it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4


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
    host: str = ""
    log: str = ""
    unfit: dict[str, str] = field(default_factory=dict)
    """Hosts whose code differs: their address and code."""
    given_to: frozenset[str] = frozenset()
    is_begun: bool = False
    homeless_since: float | None = None
