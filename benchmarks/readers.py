"""Other readers of PDFs, each as a function of a path: what the analysis is measured beside.

Imports the standard library only, so that a Python with the rivals but without the project can run
it: python benchmarks/readers.py NAME REPEATS FILE… prints pages, CPU seconds and memory as JSON.
"""

from __future__ import annotations

import gc
import json
import resource
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

Work = Callable[[Path], int]
"""Reads a file and returns its number of pages."""


def library_build() -> Work:
    """MuPDF's page build alone: nothing on top of it can be faster."""
    pymupdf: Any = import_module("pymupdf")

    def work(path: Path) -> int:
        with pymupdf.open(path) as document:
            for page in document:
                page.get_textpage()
            return len(document)

    return work


def library_text() -> Work:
    """MuPDF's plain text, in the order of the file."""
    pymupdf: Any = import_module("pymupdf")

    def work(path: Path) -> int:
        with pymupdf.open(path) as document:
            for page in document:
                page.get_text()
            return len(document)

    return work


def pypdf() -> Work:
    """Plain text by pypdf."""
    module: Any = import_module("pypdf")

    def work(path: Path) -> int:
        pages = module.PdfReader(path).pages
        for page in pages:
            page.extract_text()
        return len(pages)

    return work


def pdfplumber() -> Work:
    """Words and tables by pdfplumber."""
    module: Any = import_module("pdfplumber")

    def work(path: Path) -> int:
        with module.open(path) as document:
            for page in document.pages:
                page.extract_words()
                page.extract_tables()
                page.close()
            return len(document.pages)

    return work


def pymupdf4llm() -> Work:
    """Markdown with tables by pymupdf4llm, as it comes."""
    module: Any = import_module("pymupdf4llm")
    pymupdf: Any = import_module("pymupdf")

    def work(path: Path) -> int:
        module.to_markdown(str(path), show_progress=False)
        with pymupdf.open(path) as document:
            return len(document)

    return work


READERS: dict[str, Callable[[], Work]] = {
    "library_build": library_build,
    "library_text": library_text,
    "pypdf": pypdf,
    "pdfplumber": pdfplumber,
    "pymupdf4llm": pymupdf4llm,
}


def measure(work: Work, paths: list[Path], repeats: int) -> dict[str, float]:
    """Return pages, CPU seconds (of each file's best reading) and the process' memory in MB."""
    work(paths[0])  # imports and caches are no part of reading
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)  # as a worker of the analysis has it; the others gain too
    best = dict.fromkeys(paths, float("inf"))
    pages = dict.fromkeys(paths, 0)
    for _ in range(repeats):
        for path in paths:
            started = time.process_time()
            pages[path] = work(path)
            best[path] = min(best[path], time.process_time() - started)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"pages": sum(pages.values()), "seconds": sum(best.values()), "megabytes": peak}


def main() -> None:
    """Measure one reader."""
    name, repeats, *files = sys.argv[1:]
    try:
        work = READERS[name]()
    except ImportError:
        sys.exit(3)
    answer = measure(work, [Path(file) for file in files], int(repeats))
    sys.stdout.write("\n" + json.dumps(answer))


if __name__ == "__main__":
    main()
