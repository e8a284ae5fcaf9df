"""Progress for people (stderr) and for a job runner (JSON lines on a descriptor)."""

from __future__ import annotations

import json
import os
import sys
import time

STEPS = 100
"""Steps of progress in one measurement."""


class Progress:
    """Tells how far a session is: `{"done", "total", "message"}` with 100 steps a measurement."""

    def __init__(self, measurements: int, descriptor: int | None, quiet: bool = False) -> None:
        self.total = (measurements + 1) * STEPS  # the probe of the device is one more
        self._descriptor = descriptor
        self._quiet = quiet
        self._finished = 0
        self._label = ""
        self._printed_at = 0.0

    def begin(self, label: str) -> None:
        """Name the measurement that starts now."""
        self._label = label
        self._emit(0, label)
        self._print(label)

    def step(self, fraction: float, message: str) -> None:
        """Say how far the present measurement is (0…1)."""
        self._emit(int(STEPS * min(max(fraction, 0), 1)), f"{self._label}: {message}")
        if time.monotonic() - self._printed_at > 5:
            self._print(f"  … {message}")

    def end(self, message: str) -> None:
        """Close the present measurement with its result in a few words."""
        self._finished += 1
        self._emit(0, f"{self._label}: {message}")
        self._print(f"  {message}")

    def _print(self, text: str) -> None:
        self._printed_at = time.monotonic()
        if not self._quiet:
            number = min(self._finished + 1, self.total // STEPS)
            prefix = "" if text.startswith(" ") else f"[{number}/{self.total // STEPS}] "
            print(prefix + text, file=sys.stderr, flush=True)

    def _emit(self, steps: int, message: str) -> None:
        if self._descriptor is None:
            return
        done = min(self._finished * STEPS + steps, self.total)
        line = json.dumps({"done": done, "total": self.total, "message": message}) + "\n"
        try:
            os.write(self._descriptor, line.encode())
        except OSError:
            self._descriptor = None  # nobody reads any more: measuring goes on
