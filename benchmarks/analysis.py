"""How fast papers are read and analysed, beside the PDF library alone and other readers.

python -m benchmarks.analysis FILE… [--rivals PYTHON] [--slow N] [--repeats N]

Each row is measured in a process of its own, in CPU time, so that a busy machine spoils it least
(one worker against two goes by the clock, and wants an idle machine). `--rivals` names a Python
that has pypdf, pdfplumber and pymupdf4llm (they are no part of the project), `--slow` how many of
the files the slow ones get.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

from benchmarks import readers

ROWS = (
    ("page build of the PDF library, the limit", "library_build"),
    ("its text", "library_text"),
    ("analysis without tables", "analysis"),
    ("analysis with tables", "analysis_with_tables"),
)
RIVALS = (
    ("pypdf: text", "pypdf"),
    ("pdfplumber: words and tables", "pdfplumber"),
    ("pymupdf4llm: Markdown with tables", "pymupdf4llm"),
)
NOT_INSTALLED = 3


def main() -> None:
    """Print pages a second of CPU time for each reader, then one worker against two."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--rivals", default=sys.executable, help="a Python that has the rivals")
    parser.add_argument("--slow", type=int, default=4, help="files for the slow readers")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--row", help=argparse.SUPPRESS)
    given = parser.parse_args()
    paths: list[Path] = given.files
    if given.row == "workers":  # in a process of its own, so that its children are all workers
        _workers(paths, given.repeats)
        return
    if given.row:
        answer = readers.measure(_ours(given.row), paths, given.repeats)
        sys.stdout.write("\n" + json.dumps(answer))
        return
    print(f"{len(paths)} papers; best of {given.repeats} readings of each file, CPU time")
    for label, name in ROWS:
        _print(label, _row(sys.executable, name, paths, given.repeats))
    some = paths[:: max(1, len(paths) // given.slow)][: given.slow]
    for label, name in RIVALS:
        _print(label, _row(given.rivals, name, some, 1))
    command = [sys.executable, "-m", "benchmarks.analysis", "--row", "workers"]
    command += ["--repeats", str(given.repeats), *map(str, paths)]
    sys.stdout.flush()
    sys.exit(subprocess.run(command, check=False).returncode)


def _ours(name: str) -> readers.Work:
    from analyzers.analysis import analyze_file

    def work(path: Path) -> int:
        found = analyze_file(path, tables=name == "analysis_with_tables")
        return int(found["document"]["pages"]) if "document" in found else 0

    return work


def _row(python: str, name: str, paths: list[Path], repeats: int) -> dict[str, float] | None:
    """Measure in a fresh process; None if that Python lacks the reader."""
    files = [str(path) for path in paths]
    if name.startswith("analysis"):
        command = [python, "-m", "benchmarks.analysis", "--row", name]
        command += ["--repeats", str(repeats), *files]
    else:
        command = [python, readers.__file__, name, str(repeats), *files]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode == NOT_INSTALLED:
        return None
    if done.returncode:
        sys.exit(f"{name} failed: {done.stderr.strip().splitlines()[-1]}")
    answer: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return answer


def _print(label: str, answer: dict[str, float] | None) -> None:
    if answer is None:
        print(f"{label:42} not installed")
        return
    speed = answer["pages"] / answer["seconds"]
    print(
        f"{label:42} {speed:7.1f} pages/s of one core {1000 / speed:8.1f} ms/page"
        f" {answer['megabytes']:6.0f} MB  ({answer['pages']:.0f} pages)"
    )


def _workers(paths: list[Path], repeats: int) -> None:
    """Time the workers that commands and jobs use: one against two, their start included."""
    from analyzers.isolation import analyze_files

    best = dict.fromkeys((1, 2), float("inf"))
    pages = 0
    for _ in range(repeats):
        for workers in best:
            started = time.perf_counter()
            results = list(analyze_files(paths, workers=workers, ordered=False))
            best[workers] = min(best[workers], time.perf_counter() - started)
            pages = sum(result.get("document", {}).get("pages") or 0 for result in results)
    for workers, wall in best.items():
        print(
            f"{workers} worker{'s' * (workers > 1)}, with tables"
            f"{pages / wall:14.1f} pages/s of wall time"
        )
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    load = os.getloadavg()[0]
    print(f"two against one: {best[1] / best[2]:.2f}x (load {load:.1f} on {os.cpu_count()} cores)")
    print(f"largest worker: {peak:.0f} MB")


if __name__ == "__main__":
    main()
