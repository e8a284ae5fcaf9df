"""How long a person waits for the page that a claim stands on: drawn for the first time, and kept.

python -m benchmarks.pictures FILE…
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from analyzers.pictures import PictureError, draw_page

PAGES = (1, 2, 5)
BOX = [[60.0, 380.0, 300.0, 392.0]]


def main() -> None:
    """Draw some pages of each file twice, cut and whole, and print the milliseconds."""
    files = [Path(name) for name in sys.argv[1:]]
    if not files:
        sys.exit("Name some PDF files: python -m benchmarks.pictures papers/*.pdf")
    print(f"{len(files)} files, load {os.getloadavg()[0]:.1f}")
    print(f"{'':40}   median      95 %       max  ms    CPU ms, mean")
    with tempfile.TemporaryDirectory() as folder:
        for name, whole in (("around the marks", False), ("whole page", True)):
            for when in ("drawn", "kept"):
                before = _cpu_s()
                taken = [
                    seconds
                    for file in files
                    for page in PAGES
                    if (seconds := _seconds(file, page, whole, Path(folder))) is not None
                ]
                _print(f"{name}, {when} ({len(taken)} pages)", taken, _cpu_s() - before)


def _seconds(file: Path, page: int, whole: bool, cache: Path) -> float | None:
    started = time.perf_counter()
    try:
        draw_page(file, page, BOX, whole=whole, cache=cache)
    except PictureError:
        return None  # a paper with fewer pages
    return time.perf_counter() - started


def _cpu_s() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _print(name: str, taken: list[float], cpu_s: float) -> None:
    ordered = sorted(1000 * seconds for seconds in taken)
    late = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    print(
        f"{name:40} {statistics.median(ordered):8.1f} {late:9.1f} {ordered[-1]:9.1f} "
        f"{1000 * cpu_s / len(taken):15.1f}"
    )


if __name__ == "__main__":
    main()
