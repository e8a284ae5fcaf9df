"""How long a catalog takes from SQLite to PostgreSQL and back, and how much memory.

python -m benchmarks.copying DATABASE_URL [PAPERS] [PAGES]

The database must be empty, and keeps the copy. PAGES are the pages of text of each paper (8), as
benchmarks.search makes them.
"""

from __future__ import annotations

import os
import random
import resource
import sys
import tempfile
import time
from pathlib import Path

from sqlalchemy import Engine

from app.workflows.opening import create_catalog
from benchmarks.ranking_page import fill
from benchmarks.search import fill_pages
from db.check import check
from db.copying import copy_catalog
from db.engine import open_engine


def copy(source: Engine, url: str, name: str) -> None:
    """Copy and print what it took."""
    began, used = time.perf_counter(), time.process_time()
    steps: dict[str, float] = {}

    def tell(step: str, _done: int, _total: int | None) -> None:
        steps.setdefault(step, time.perf_counter() - began)

    copied = copy_catalog(source, url, lost={}, on_progress=tell)
    took, used = time.perf_counter() - began, time.process_time() - used
    marks = ", ".join(f"{step} from {at:.0f} s" for step, at in steps.items())
    print(
        f"{name}: {sum(copied.rows.values())} rows in {took:.0f} s ({used:.0f} s of CPU; {marks})"
    )
    print(f"  most memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3:.0f} MB")
    print(f"  assay db check: {[str(problem) for problem in check(url)] or 'whole'}", flush=True)


def main() -> None:
    """Measure and print."""
    url = sys.argv[1]
    papers = int(sys.argv[2]) if len(sys.argv) > 2 else 10_000
    pages = int(sys.argv[3]) if len(sys.argv) > 3 else 8
    with tempfile.TemporaryDirectory() as home:
        os.environ["ASSAY_HOME"] = home
        os.environ.pop("ASSAY_DATABASE_URL", None)
        engine, _ = create_catalog()
        fill(engine, papers)
        made = [f"made-{number}" for number in range(papers)]
        fill_pages(engine, made, pages, random.Random(0))
        size = Path(str(engine.url.database)).stat().st_size
        print(f"{papers} papers, {papers * pages} pages: {size / 1e6:.0f} MB, {os.getloadavg()}")
        copy(engine, url, "SQLite to PostgreSQL")
        engine.dispose()
        team = open_engine(url)
        copy(team, f"sqlite:///{Path(home) / 'back.db'}", "PostgreSQL to SQLite")
        team.dispose()


if __name__ == "__main__":
    main()
