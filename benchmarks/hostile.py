"""A thousand damaged PDFs, and all bombs: how each ends, and what that costs.

    python -m benchmarks.hostile [--count 1000] [--seed 0] [--timeout 20] [FILE…]

The papers that are damaged are made here, and the FILEs beside them (real papers) where some are
named. Every file is analysed, and its first page drawn. Ends with 1 if an answer isn't typed.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil

from analyzers.errors import ErrorKind
from analyzers.isolation import analyze_files
from analyzers.pictures import PictureError, draw_page
from tests.hostile.bombs import all_bombs
from tests.hostile.mutants import mutant, small_bases

WORKERS = 2
KINDS = {kind.value for kind in ErrorKind}
Ends = dict[str, tuple[str, float]]
"""How each file ended, and after how many seconds."""


def main() -> None:
    """Make the files, read and draw them, print what became of them."""
    asked = _arguments()
    with tempfile.TemporaryDirectory() as folder:
        mutants = _make_mutants(Path(folder), asked)
        bombs = _make_bombs(Path(folder))
        untyped = 0
        for title, files in ((f"{len(mutants)} mutants", mutants), (f"{len(bombs)} bombs", bombs)):
            for what, work in (("read", _read), ("drawn", _draw)):
                with _Peak() as peak:
                    started, cpu = time.monotonic(), _children_cpu()
                    ends = work(files, asked.timeout)
                    taken, used = time.monotonic() - started, _children_cpu() - cpu
                untyped += _print(f"{title} {what}", ends, len(files))
                print(
                    f"  {taken:.0f} s, {used:.0f} s of CPU; slowest "
                    f"{_slowest(ends)}; largest child {peak.child >> 20} MB, "
                    f"this process {peak.parent >> 20} MB"
                )
    sys.exit(1 if untyped else 0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, help="real papers to damage as well")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--timeout", type=float, default=20.0, help="seconds a file")
    return parser.parse_args()


def _make_mutants(folder: Path, asked: argparse.Namespace) -> list[Path]:
    made = folder / "mutants"
    made.mkdir()
    small = small_bases(folder)
    real = [path.read_bytes() for path in asked.files]
    paths = []
    for number in range(asked.count):
        # every second one of a real paper, where there are any
        name, data = mutant(number, real if real and number % 2 else small, asked.seed)
        paths.append(made / name)
        paths[-1].write_bytes(data)
    return paths


def _make_bombs(folder: Path) -> list[Path]:
    made = folder / "bombs"
    made.mkdir()
    for name, data in all_bombs():
        (made / name).write_bytes(data)
    return sorted(made.iterdir())


def _read(files: list[Path], timeout_s: float) -> Ends:
    ends: Ends = {}
    started = time.monotonic()
    for result in analyze_files(files, workers=WORKERS, timeout_s=timeout_s, ordered=False):
        error = result.get("error")
        now = time.monotonic()
        ends[Path(result["source"]).name] = (error["kind"] if error else "ok", now - started)
        started = now  # the time since the answer before: with two workers about the file's own
    return ends


def _draw(files: list[Path], timeout_s: float) -> Ends:
    def one(path: Path) -> tuple[str, tuple[str, float]]:
        started = time.monotonic()
        try:
            draw_page(path, 1, [[50, 50, 300, 70]], timeout_s=timeout_s)
            end = "ok"
        except PictureError as error:
            end = str(error.kind)
        return path.name, (end, time.monotonic() - started)

    pdfs = [path for path in files if path.suffix == ".pdf"]
    with ThreadPoolExecutor(WORKERS) as pool:
        return dict(pool.map(one, pdfs))


def _print(title: str, ends: Ends, files: int) -> int:
    counts = Counter(end for end, _ in ends.values())
    untyped = sum(count for end, count in counts.items() if end not in KINDS | {"ok"})
    told = ", ".join(f"{end} {count}" for end, count in counts.most_common())
    print(f"{title}: {len(ends)} answers of {files} files, {untyped} untyped\n  {told}", flush=True)
    if crashed := [name for name, (end, _) in ends.items() if end == ErrorKind.CRASH]:
        print(f"  crashed: {', '.join(crashed)}")
    return untyped


def _slowest(ends: Ends) -> str:
    name, (_, seconds) = max(ends.items(), key=lambda item: item[1][1])
    return f"{seconds:.1f} s ({name})"


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class _Peak:
    """The most memory that one child, and this process, held while it was watched (bytes)."""

    child = 0
    parent = 0

    def __enter__(self) -> _Peak:
        self._over = threading.Event()
        self._watch = threading.Thread(target=self._look, daemon=True)
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._watch.join()

    def _look(self) -> None:
        me = psutil.Process()
        while not self._over.wait(0.05):
            self.parent = max(self.parent, _held([me]))
            self.child = max(self.child, _held(me.children(recursive=True)))


def _held(processes: Iterable[psutil.Process]) -> int:
    sizes = [0]
    for process in processes:
        try:
            sizes.append(int(process.memory_info().rss))
        except psutil.Error:
            continue
    return max(sizes)


if __name__ == "__main__":
    main()
