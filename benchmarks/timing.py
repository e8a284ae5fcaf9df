"""Timing whole commands and functions, and printing what came out."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence


def seconds_of(work: Callable[[], object], repeats: int = 7) -> list[float]:
    """Return the wall time of each of `repeats` calls, after one that is thrown away."""
    work()
    taken = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return taken


def command(*arguments: str, environment: Mapping[str, str] | None = None) -> Callable[[], object]:
    """Return a function that runs Python with `arguments` and waits."""
    return lambda: subprocess.run(
        [sys.executable, *arguments], check=True, capture_output=True, env=environment
    )


def print_times(rows: Sequence[tuple[str, Sequence[float]]]) -> None:
    """Print median, best and worst, in milliseconds."""
    width = max(len(name) for name, _ in rows)
    print(f"{'':{width}}  median      min      max  ms")
    for name, taken in rows:
        middle, low, high = (1000 * f(taken) for f in (statistics.median, min, max))
        print(f"{name:{width}} {middle:7.1f}  {low:7.1f}  {high:7.1f}")
