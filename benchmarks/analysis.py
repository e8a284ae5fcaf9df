"""How fast papers are read and analysed, beside the PDF library alone.


python -m benchmarks.analysis FILE…
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def main() -> None:
    """Measure pages a second of CPU time on one core, and print."""
    paths = [Path(name) for name in sys.argv[1:]]
    if not paths:
        sys.exit("Name some PDF files: python -m benchmarks.analysis papers/*.pdf")
    from analyzers.analysis import analyze_file

    pages = 0
    for path in paths:
        result = analyze_file(path)
        pages += result.get("document", {}).get("pages", 0)
    rows: list[tuple[str, Callable[[Path], Any]]] = [
        ("page build (the library's limit)", _build),
        ("text of the library", _text),
        ("analysis: places, claims, facts", analyze_file),
    ]
    print(f"{len(paths)} papers, {pages} pages")
    for name, work in rows:
        started = time.process_time()
        for path in paths:
            work(path)
        taken = time.process_time() - started
        print(
            f"{name:34} {pages / taken:7.0f} pages/s of one core   "
            f"{1000 * taken / len(paths):7.1f} ms/paper"
        )


def _build(path: Path) -> None:
    import pymupdf

    with pymupdf.open(path) as document:
        for page in document:
            page.get_textpage()


def _text(path: Path) -> None:
    import pymupdf

    with pymupdf.open(path) as document:
        for page in document:
            page.get_text()


if __name__ == "__main__":
    main()
