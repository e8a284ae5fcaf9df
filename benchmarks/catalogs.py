"""What the ranking page waits for in the catalog: on SQLite, and on PostgreSQL.

python -m benchmarks.catalogs [PAPERS] [DATABASE_URL]

Without a URL the catalog is a new SQLite file; a database that is named must be empty, and keeps
the made papers. The ranking is read and reckoned without the page: see benchmarks.ranking_page for
what the browser adds.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time

from app.workflows import ranking
from app.workflows.correct import set_facts
from app.workflows.firmness import firmness
from app.workflows.opening import create_catalog
from app.workflows.ranked import Ranking
from app.workflows.search import matching, search_papers
from app.workflows.triage import rescore
from app.workflows.weights import Weights, reordered
from benchmarks.ranking_page import fill
from benchmarks.timing import print_times, seconds_of
from db.engine import place_of, read_scope, session_scope


def main() -> None:
    """Measure and print."""
    papers = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as home:
        os.environ["ASSAY_HOME"] = home
        os.environ.pop("ASSAY_DATABASE_URL", None)
        if len(sys.argv) > 2:
            os.environ["ASSAY_DATABASE_URL"] = sys.argv[2]
        engine, _ = create_catalog()
        began = time.perf_counter()
        fill(engine, papers)
        print(f"{place_of(engine)}: {papers} papers in {time.perf_counter() - began:.0f} s")

        def ranked() -> Ranking:
            return ranking.ranking(lambda: read_scope(engine))

        rows = ranked()
        moved = Weights(relevance=0.5, ease=1.5)

        def narrowed(query: str) -> None:
            with session_scope(engine) as session:
                matching(session, query)

        def searched(query: str) -> None:
            with session_scope(engine) as session:
                search_papers(session, query)

        def reranked() -> None:
            with session_scope(engine) as session:
                rescore(session, {"kind": "rule", "ref": "benchmark"})

        chance = iter(range(1, 100))

        def corrected() -> None:
            with session_scope(engine) as session:
                value = str(next(chance) / 100)
                set_facts(session, "made-77", {"relevance": value}, who="Ann", why="to see")

        print_times(
            [
                ("the ranking, its rows unread", seconds_of(ranked, 5)),
                ("a page of a hundred rows", seconds_of(lambda: rows[100:200], 5)),
                (
                    "all in the order of other weights",
                    seconds_of(lambda: reordered(rows, moved), 5),
                ),
                ("how firm that order is", seconds_of(lambda: firmness(rows, moved), 3)),
                (
                    "filter by a word of a quarter of all",
                    seconds_of(lambda: narrowed("kernel "), 5),
                ),
                ("filter by a phrase", seconds_of(lambda: narrowed('"sparse attention"'), 5)),
                ("search: a common word", seconds_of(lambda: searched("kernel "), 5)),
                ("search: one paper", seconds_of(lambda: searched("made-77"), 5)),
                ("a correction, its paper ranked anew", seconds_of(corrected, 5)),
                ("all ranked anew", seconds_of(reranked, 1)),
            ]
        )
        engine.dispose()


if __name__ == "__main__":
    main()
