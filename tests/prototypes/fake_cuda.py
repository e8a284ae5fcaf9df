"""torch.cuda's streams as far as ordering needs them, played through in simulated time.

Each stream runs its work in order; streams run beside each other. Work is queued when it is called
and takes effect when something synchronizes, at the moment at which a device would have done it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

CYCLES_PER_US = 2000


@dataclass(eq=False)
class Work:
    us: float
    effect: Callable[[], None]
    after: Work | None = None
    """Other work that must be done first (an event that was waited for)."""
    done_at: float | None = None


@dataclass(eq=False)
class Stream:
    cuda: FakeCuda
    queue: list[Work] = field(default_factory=list)
    idle_at: float = 0.0

    def wait_stream(self, other: Stream) -> None:
        last = other.queue[-1] if other.queue else None
        self.queue.append(Work(0.0, lambda: None, after=last))

    def synchronize(self) -> None:
        self.cuda.play()
        self.cuda.now = max(self.cuda.now, self.idle_at)


class FakeCuda:
    """Stands where `torch.cuda` would."""

    POOL = 32

    def __init__(self) -> None:
        self.now = 0.0
        self.main = Stream(self)
        self._pool = {p: [Stream(self) for _ in range(self.POOL)] for p in (0, -1)}
        self._next = {p: count() for p in (0, -1)}
        self._current = self.main

    def Stream(self, device: Any = None, priority: int = 0) -> Stream:
        return self._pool[priority][next(self._next[priority]) % self.POOL]

    def unknown_stream(self) -> Stream:
        """A stream that another library made."""
        made = Stream(self)
        self._pool.setdefault(1, []).append(made)
        return made

    def current_stream(self, device: Any = None) -> Stream:
        return self._current

    @contextmanager
    def stream(self, stream: Stream) -> Iterator[None]:
        before, self._current = self._current, stream
        try:
            yield
        finally:
            self._current = before

    def launch(self, us: float, effect: Callable[[], None]) -> None:
        self._current.queue.append(Work(us, effect))

    def _sleep(self, cycles: int) -> None:
        self.launch(cycles / CYCLES_PER_US, lambda: None)

    def synchronize(self, device: Any = None) -> None:
        self.play()
        self.now = max([self.now, *(s.idle_at for s in self._streams())])

    def _streams(self) -> list[Stream]:
        return [self.main, *(s for pool in self._pool.values() for s in pool)]

    def play(self) -> None:
        """Do all that is queued, in the order of when it would end."""
        waiting = [s for s in self._streams() if s.queue]
        for stream in waiting:
            stream.idle_at = max(stream.idle_at, self.now)
        ended: list[tuple[float, int, Work]] = []
        order = count()
        while waiting:
            ready = [
                s
                for s in waiting
                if s.queue[0].after is None or s.queue[0].after.done_at is not None
            ]
            for stream in ready:
                work = stream.queue.pop(0)
                begin = stream.idle_at
                if work.after is not None and work.after.done_at is not None:
                    begin = max(begin, work.after.done_at)
                work.done_at = stream.idle_at = begin + work.us
                ended.append((work.done_at, next(order), work))
            waiting = [s for s in waiting if s.queue]
        for _, _, work in sorted(ended, key=lambda e: e[:2]):
            work.effect()
