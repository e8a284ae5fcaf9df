"""What people wait for in the catalog, by the number of papers and the database.

python -m benchmarks.catalogs [PAPERS…] [--database sqlite|postgresql|URL]

Without numbers 1,000, 10,000 and 100,000 papers are made, one catalog after the other: each a new
SQLite file (ASSAY_KEEP=FOLDER takes the catalog of a folder instead), or a new database of a
PostgreSQL that is started for it, as its package sets it up. A database that is named by its URL
takes one number: it is filled if it is empty, and keeps the made papers. Times are of the
processor, the database server's after a +, and in brackets of the clock: a busy machine hardly
changes the former. The ranking is read and reckoned without the page: see benchmarks.ranking_page
for what the browser adds.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.workflows import inbox, ranking, related
from app.workflows.benchmarks import compare_claims
from app.workflows.compare import compare
from app.workflows.correct import set_facts
from app.workflows.firmness import firmness
from app.workflows.opening import open_catalog
from app.workflows.paper import show_paper
from app.workflows.ranked import Ranking
from app.workflows.report import render
from app.workflows.search import matching, search_papers
from app.workflows.triage import rescore
from app.workflows.weights import Weights, reordered
from app.workflows.what_if import what_if
from benchmarks.database_servers import ServerTime, own_server
from benchmarks.ranking_page import fill
from db.engine import place_of, read_scope, session_scope
from db.models import Paper
from db.queries.search_matches import Pieces, pieces

Work = tuple[str, Callable[[], object], int]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.catalogs")
    parser.add_argument("papers", nargs="*", type=int, default=[1_000, 10_000, 100_000])
    parser.add_argument("--database", default="sqlite", help="sqlite, postgresql or a URL")
    asked = parser.parse_args()
    found: dict[str, list[str]] = {}
    with ExitStack() as stack:
        server = stack.enter_context(own_server()) if asked.database == "postgresql" else None
        for papers in asked.papers:
            if server is not None:
                server.execute(f"CREATE DATABASE papers_{papers} TEMPLATE template0")
            url = asked.database if server is None else server.url(f"papers_{papers}")
            for name, told in measured(papers, None if url == "sqlite" else url):
                found.setdefault(name, []).append(told)
    width = max(map(len, found))
    heads = "".join(f"{number:>24,}" for number in asked.papers)
    print(f"{'ms of CPU, + the server (by the clock)':{width}}{heads}")
    for name, values in found.items():
        print(f"{name:{width}}" + "".join(f"{value:>24}" for value in values), flush=True)


def measured(papers: int, url: str | None) -> Iterator[tuple[str, str]]:
    """Yield what was measured in a catalog of so many papers, and what each took at the median."""
    with tempfile.TemporaryDirectory() as home:
        os.environ["ASSAY_HOME"] = os.environ.get("ASSAY_KEEP") or home
        os.environ.pop("ASSAY_DATABASE_URL", None)
        if url is not None:
            os.environ["ASSAY_DATABASE_URL"] = url
        engine = open_catalog(create=True)
        began = time.perf_counter()
        with read_scope(engine) as session:
            is_filled = session.get(Paper, "made-0") is not None
        if not is_filled:
            fill(engine, papers)
        print(f"{place_of(engine)}: {papers} papers in {time.perf_counter() - began:.0f} s")
        yield from timed(engine)
        engine.dispose()


def timed(engine: Engine) -> Iterator[tuple[str, str]]:
    """Yield of each piece of work what it took at the median."""
    server = ServerTime(engine)
    for name, work, repeats in works(engine):
        work()
        taken = []
        for _ in range(repeats):
            began = time.process_time(), server.seconds(), time.perf_counter()
            work()
            ended = time.process_time(), server.seconds(), time.perf_counter()
            taken.append([1000 * (end - start) for start, end in zip(began, ended, strict=True)])
        cpu, _, clock = (statistics.median(times) for times in zip(*taken, strict=True))
        # A server counts in steps of 10 ms.
        served = f" + {statistics.mean(of_server for _, of_server, _ in taken):.0f}"
        yield name, f"{cpu:.1f}{served if server.is_known else ''} ({clock:.1f})"
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    yield "memory at most so far, MB", f"{peak:.0f}"


def works(engine: Engine) -> list[Work]:
    """Return what to measure, and how often."""

    @contextmanager
    def reading() -> Iterator[Session]:
        with read_scope(engine) as session:
            yield session

    def inside(work: Callable[[Session], object]) -> Callable[[], object]:
        def run() -> object:
            with reading() as session:
                return work(session)

        return run

    def ranked(order: str = "expected") -> Ranking:
        return ranking.ranking(reading, order=order)

    rows = ranked()
    moved = Weights(relevance=0.5, ease=1.5)
    known = inside(lambda session: related.known(session, rows))()
    assert isinstance(known, related.Known)
    every = inside(pieces)()
    assert isinstance(every, Pieces)
    queue = inside(lambda session: inbox.queue(session, rows))()
    assert isinstance(queue, inbox.Queue)
    chance = iter(range(1, 100))

    def corrected() -> None:
        with session_scope(engine) as session:
            value = str(next(chance) / 100)
            set_facts(session, "made-77", {"relevance": value}, who="Ann", why="to see")

    def all_anew() -> None:
        with session_scope(engine) as session:
            rescore(session, {"kind": "rule", "ref": "benchmark"})

    def searched(query: str) -> Callable[[], object]:
        return inside(lambda session: search_papers(session, query, pieces=lambda: every))

    def typed(query: str) -> Callable[[], object]:
        return inside(lambda session: search_papers(session, query))

    ids = ["made-1", "made-2", "made-3"]
    return [
        ("the ranking, its rows unread", ranked, 5),
        ("the ranking by the safe score", lambda: ranked("safe"), 3),
        ("a page of a hundred rows", lambda: rows[100:200], 5),
        ("all in the order of other weights", lambda: reordered(rows, moved), 5),
        ("how firm that order is", lambda: firmness(rows, moved), 3),
        ("what searches need of all, once a change", inside(pieces), 3),
        ("filter: a word of nearly all", inside(lambda s: matching(s, "kernel", lambda: every)), 5),
        ("search: a word of nearly all", searched("kernel "), 9),
        ("search: its beginning", searched("kern"), 9),
        ("search: a phrase", searched('"sparse attention"'), 9),
        ("search: a rare word", searched("rotation 777"), 9),
        ("search: one paper", searched("made-77"), 9),
        ("a command's search: a word of nearly all", typed("kernel "), 3),
        ("a command's search: a phrase", typed('"sparse attention"'), 3),
        ("a command's search: a rare word", typed("rotation 777"), 9),
        ("a paper with its evidence", inside(lambda s: show_paper(s, "made-77", listed=rows)), 5),
        ("what would change its rank", inside(lambda s: what_if(s, "made-77")), 5),
        ("related papers", inside(lambda s: related.related(s, "made-77", known)), 5),
        ("three papers side by side", inside(lambda s: compare(s, rows.rows(ids))), 5),
        ("the inbox, its papers unread", inside(lambda s: inbox.queue(s, rows)), 5),
        ("what the inbox shows", inside(lambda s: queue.rows(s, 100, 114)), 5),
        ("claimed and measured", inside(compare_claims), 3),
        ("a correction, its paper ranked anew", corrected, 5),
        ("all ranked anew", all_anew, 1),
        ("a report, Markdown", inside(lambda s: render(s, format="md")), 1),
    ]


if __name__ == "__main__":
    main()
