"""The children that read files, and what becomes of a file whose child was killed from outside.

A child that reaches its own limits dies in ways that `analyzers.isolation` tells apart. One that
dies of SIGKILL was killed by somebody else, such as a system that ran out of memory: the file gets
a second try. One that dies between two files takes its pool with it: there is another pool then.
"""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Future
from typing import Any

_MOST_POOLS = 5
"""Made anew in a row with no file read meanwhile."""

Begun = deque[tuple[str, Future[Any]]]


class Children:
    """A pool that `make` makes, and makes anew when it breaks."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._pool = make()
        self._again: set[str] = set()
        self._broken = 0

    def begin(self, function: Callable[..., Any], path: str, *args: Any, timeout_s: float) -> Any:
        """Have a child call `function(path, *args)`; return the future."""
        try:
            return self._pool.schedule(function, args=(path, *args), timeout=timeout_s)
        except RuntimeError:  # the pool broke just now
            future: Future[Any] = Future()
            future.set_exception(BrokenExecutor("the pool broke"))
            return future

    def revive(self, begun: Begun, begin: Callable[[str], Future[Any]]) -> None:
        """Begin again, in their places, the files whose children were killed from outside."""
        ended = [(n, future.exception()) for n, (_, future) in enumerate(begun) if _ended(future)]
        broken = [n for n, error in ended if isinstance(error, BrokenExecutor)]
        if broken and self._broken < _MOST_POOLS:
            self._broken += 1
            self.close()
            self._pool = self._make()
            broken = [n for n, (_, future) in enumerate(begun) if _is_lost(future)]
            for number in broken:
                begun[number] = begun[number][0], begin(begun[number][0])
        for number, error in ended:
            path = begun[number][0]
            if getattr(error, "exitcode", None) == -signal.SIGKILL and path not in self._again:
                self._again.add(path)
                begun[number] = path, begin(path)
            elif error is None:
                self._broken = 0

    def close(self) -> None:
        """Kill them all."""
        self._pool.stop()
        self._pool.join()


def _ended(future: Future[Any]) -> bool:
    return future.done() and not future.cancelled()


def _is_lost(future: Future[Any]) -> bool:
    return not _ended(future) or isinstance(future.exception(), BrokenExecutor)
