"""How long a search takes in a catalog of ten thousand papers, beside a scan by LIKE.

python -m benchmarks.search [PAPERS] [PAGES]

PAGES are the pages of text that each paper has (8), of some 450 words drawn by Zipf's law, so
that some words stand on nearly every page and most on few.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Engine, insert
from sqlalchemy.orm import Session

from app.workflows.search import search_papers
from benchmarks.timing import print_times, seconds_of
from db import schema, search_index
from db.engine import open_engine, session_scope
from db.models import Paper
from db.queries import counters, search

WORDS = 60_000
PAGE_WORDS = 450


def fill(engine: Engine, papers: int, pages: int) -> None:
    """Put made papers with their files' pages into an empty catalog."""
    chance = random.Random(0)
    weights = [1 / (rank + 2) for rank in range(WORDS)]
    vocabulary = [f"w{number}" for number in range(WORDS)]
    with session_scope(engine) as session:
        counters.bump(session)
        rows = [
            {
                "id": f"p{number}",
                "title": " ".join(chance.choices(vocabulary, weights, k=9)),
                "title_key": "",
                "authors": [f"Author {chance.randrange(9000)}"],
                "abstract": " ".join(chance.choices(vocabulary, weights, k=180)),
            }
            for number in range(papers)
        ]
        session.execute(insert(Paper), rows)
    fill_pages(engine, [f"p{number}" for number in range(papers)], pages, chance)


def fill_pages(engine: Engine, paper_ids: Sequence[str], pages: int, chance: random.Random) -> None:
    """Give papers that are there the pages of a file each: words as often as in a language."""
    weights = [1 / (rank + 2) for rank in range(WORDS)]
    vocabulary = [f"w{number}" for number in range(WORDS)]
    for first in range(0, len(paper_ids), 500):
        with session_scope(engine) as session:
            for paper_id in paper_ids[first : first + 500]:
                words = chance.choices(vocabulary, weights, k=PAGE_WORDS * pages)
                text = [
                    (page + 1, " ".join(words[page * PAGE_WORDS : (page + 1) * PAGE_WORDS]))
                    for page in range(pages)
                ]
                search_index.store_pages(session.connection(), paper_id, text)


def scan(session: Session, query: str) -> None:
    """Search as where there is no FTS5."""
    found = search_index.has_words_index
    search_index.has_words_index = lambda _: False
    try:
        search.find(session, query)
    finally:
        search_index.has_words_index = found


def main() -> None:
    """Measure and print."""
    papers = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    pages = int(sys.argv[2]) if len(sys.argv) > 2 else 8
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "assay.db"
        schema.upgrade(f"sqlite:///{path}")
        engine = open_engine(f"sqlite:///{path}")
        began = time.perf_counter()
        fill(engine, papers, pages)
        took = time.perf_counter() - began
        print(f"{papers} papers, {papers * pages} pages: filled in {took:.0f} s,", end=" ")
        print(f"{path.stat().st_size / 1e6:.0f} MB")
        queries = {
            "a rare word": "w50000",
            "a word on one page in ten": "w300 ",
            "a word on nearly every page": "w3 ",
            "two common words": "w3 w7 ",
            "a beginning of a thousand words": "w30",
            "a phrase": '"w0 w1 w2"',
        }
        rows = []
        with session_scope(engine) as session:
            for name, query in queries.items():
                count = len(search.find(session, query))
                found = f"{name} ({count} papers)"
                rows.append((found, seconds_of(lambda q=query: search_papers(session, q), 5)))
            for name in ("a rare word", "a word on nearly every page"):
                taken = seconds_of(lambda q=queries[name]: scan(session, q), 1)
                rows.append((f"LIKE: {name}", taken))
        print_times(rows)
        engine.dispose()


if __name__ == "__main__":
    main()
