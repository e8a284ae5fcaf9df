"""Files whose children were killed from outside are read again, once, in their places."""

from __future__ import annotations

import signal
from collections import deque
from concurrent.futures import BrokenExecutor, Future
from typing import Any

from analyzers.children import Begun, Children


class DiedError(Exception):
    exitcode = -signal.SIGKILL


class CrashedError(Exception):
    exitcode = -signal.SIGSEGV


class Pool:
    """Hands out futures that a test ends; `broken` refuses, as pebble's does."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.broken = self.stopped = False

    def schedule(self, function: Any, *, args: tuple[Any, ...], timeout: float) -> Future[Any]:
        if self.broken:
            raise RuntimeError("Unexpected error within the Pool")
        self.asked.append(args[0])
        return Future()

    def stop(self) -> None:
        self.stopped = True

    def join(self) -> None:
        assert self.stopped


class Reading:
    def __init__(self, *files: str) -> None:
        self.pools: list[Pool] = []
        self.children = Children(self._make)
        self.begun: Begun = deque((name, self.begin(name)) for name in files)

    def _make(self) -> Pool:
        self.pools.append(Pool())
        return self.pools[-1]

    def begin(self, path: str) -> Future[Any]:
        future: Future[Any] = self.children.begin(str, path, timeout_s=1.0)
        return future

    def revive(self) -> None:
        self.children.revive(self.begun, self.begin)


def test_a_file_whose_child_was_killed_has_a_second_try_and_no_third() -> None:
    reading = Reading("a", "b", "c")
    reading.begun[0][1].set_exception(CrashedError())
    reading.begun[1][1].set_exception(DiedError())
    reading.revive()
    assert reading.pools[0].asked == ["a", "b", "c", "b"]
    assert [name for name, _ in reading.begun] == ["a", "b", "c"]
    assert isinstance(reading.begun[0][1].exception(), CrashedError), (
        "that was the file's own doing"
    )
    assert not reading.begun[1][1].done()
    reading.begun[1][1].set_exception(DiedError())
    reading.revive()
    assert isinstance(reading.begun[1][1].exception(), DiedError)


def test_a_pool_that_broke_is_made_anew_and_what_was_read_stays() -> None:
    reading = Reading("a", "b", "c")
    reading.begun[0][1].set_result("read")
    reading.begun[2][1].set_exception(BrokenExecutor())
    reading.pools[0].broken = True
    late = reading.begin("d")
    assert isinstance(late.exception(), BrokenExecutor)
    reading.begun.append(("d", late))
    reading.revive()
    assert reading.pools[0].stopped
    assert reading.pools[1].asked == ["b", "c", "d"]
    assert reading.begun[0][1].result() == "read"


def test_pools_that_break_one_after_another_are_given_up() -> None:
    reading = Reading("a")
    for _ in range(20):
        reading.pools[-1].broken = True
        if not reading.begun[0][1].done():
            reading.begun[0][1].set_exception(BrokenExecutor())
        reading.revive()
    assert len(reading.pools) == 6
    assert isinstance(reading.begun[0][1].exception(), BrokenExecutor)
