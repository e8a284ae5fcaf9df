"""What isolation costs: papers read by one worker, by two, and by a fresh worker for each file.

    python -m benchmarks.workers FILE…

Wall time means little on a busy machine; the CPU seconds beside it say what two idle cores would
make of it: the workers' total and the parent's, shared between two cores, or the busier worker's.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from analyzers import isolation

LOOK_EVERY_S = 0.25


@dataclass
class Usage:
    """What the workers of one run took: CPU seconds and the most memory (bytes), by process."""

    cpu_s: dict[int, float] = field(default_factory=dict)
    peak: dict[int, int] = field(default_factory=dict)

    def watch(self, over: threading.Event) -> None:
        """Look at the children until it is over."""
        me = psutil.Process()
        while not over.wait(LOOK_EVERY_S):
            for child in me.children(recursive=True):
                try:
                    times, memory = child.cpu_times(), child.memory_info()
                except psutil.Error:
                    continue
                self.cpu_s[child.pid] = times.user + times.system
                self.peak[child.pid] = max(self.peak.get(child.pid, 0), memory.rss)


@dataclass(frozen=True)
class Run:
    """One run over all files."""

    pages: int
    wall_s: float
    workers_s: float
    busiest_s: float
    parent_s: float
    peak_mb: float

    @property
    def two_cores_s(self) -> float:
        """How long two idle cores need at least."""
        return max((self.workers_s + self.parent_s) / 2, self.busiest_s)


def measure(files: list[Path], workers: int, files_per_worker: int) -> Run:
    """Read all files and return what it took."""
    isolation.FILES_PER_WORKER = files_per_worker
    usage, over = Usage(), threading.Event()
    watch = threading.Thread(target=usage.watch, args=(over,))
    before = os.times()
    started, pages = time.perf_counter(), 0
    watch.start()
    for result in isolation.analyze_files(files, workers=workers, ordered=False):
        pages += result.get("document", {}).get("pages") or 0
    wall = time.perf_counter() - started
    over.set()
    watch.join()
    after = os.times()
    workers_s = (after.children_user + after.children_system) - (
        before.children_user + before.children_system
    )
    parent_s = (after.user + after.system) - (before.user + before.system)
    return Run(
        pages,
        wall,
        workers_s,
        max(usage.cpu_s.values(), default=0.0),
        parent_s,
        max(usage.peak.values(), default=0) / 1e6,
    )


def main() -> None:
    """Measure and print."""
    files = [Path(name) for name in sys.argv[1:]]
    if not files:
        sys.exit("Name some PDF files: python -m benchmarks.workers papers/*.pdf")
    kept = isolation.FILES_PER_WORKER
    runs = [
        ("one worker", measure(files, 1, kept)),
        ("two workers", measure(files, 2, kept)),
        ("two, a fresh one for each file", measure(files, 2, 1)),
    ]
    print(f"{len(files)} files, {runs[0][1].pages} pages, load {os.getloadavg()[0]:.1f}")
    print(f"{'':32}  wall s  workers' CPU s  busiest  parent's  MB a worker")
    for name, run in runs:
        print(
            f"{name:32} {run.wall_s:7.1f} {run.workers_s:15.1f} {run.busiest_s:8.1f} "
            f"{run.parent_s:9.2f} {run.peak_mb:12.0f}"
        )
    one, two = runs[0][1], runs[1][1]
    print(
        f"two workers are {one.wall_s / two.wall_s:.2f}x one by the clock, and "
        f"{one.workers_s / two.two_cores_s:.2f}x by CPU time on two idle cores"
    )


if __name__ == "__main__":
    main()
