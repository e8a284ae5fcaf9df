"""How far adding papers is, how fast it goes, and how long the rest will take."""

from __future__ import annotations

import time
from collections import deque

from analyzers.message import Message, message
from app.workflows.adding import OnProgress


class Pace:
    """Tells how far a run is, how fast it goes, and how long the rest will take."""

    def __init__(self, total: int, on_progress: OnProgress) -> None:
        self._total = total
        self._on_progress = on_progress
        self._done = 0
        self._times: deque[float] = deque([time.monotonic()], maxlen=200)

    def step(self, name: str, *, read: bool = True) -> None:
        """Say that one more is done; `read` where it took its time."""
        self._done += 1
        if read:
            self._times.append(time.monotonic())
        elif len(self._times) == 1:
            self._times[0] = time.monotonic()  # the clock starts with the first that is read
        self._on_progress(self._done, self._total, self._note(name))

    def wait(self, why: Message) -> None:
        """Say why nothing is done for now."""
        self._on_progress(self._done, self._total, why)

    def _note(self, name: str) -> Message:
        span = self._times[-1] - self._times[0]
        if span <= 0.0:
            return message("Known already: {paper}", paper=name)
        rate = (len(self._times) - 1) / span
        left = round((self._total - self._done) / rate)
        return message(
            "Read {paper}: {rate} papers a second, {left} left",
            paper=name,
            rate=f"{rate:.1f}",
            left=f"{left // 60}:{left % 60:02d}",
        )
