"""Five of ten people at work on one catalog: `python -m tests.db.ten_writers URL PROCESS`.

Prints as JSON what each was told: what was accepted, and what was refused, in which words.
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sqlalchemy import Engine

from db import search_index
from db.engine import open_engine, session_scope
from db.errors import CatalogError, RefusedError
from db.queries import counters, facts, inbox, notes, papers, runs
from tests.db.builders import document, run

PEOPLE = 5
ROUNDS = 6


def work(url: str, me: str) -> dict[str, Any]:
    """Add papers, correct them, import runs, and decide about what others decide about too."""
    engine = open_engine(url)
    told: dict[str, Any] = {"me": me, "decided": [], "reverted": [], "refused": [], "failed": []}
    for number in range(ROUNDS):
        try:
            _one_round(engine, me, number, told)
        except CatalogError as error:  # busy, lost: what a person would have seen
            told["failed"].append(str(error))
    engine.dispose()
    return told


def _one_round(engine: Engine, me: str, number: int, told: dict[str, Any]) -> None:
    with session_scope(engine) as session:  # ingest
        counters.bump(session)
        paper = papers.add(session, title=f"Paper {number} of {me}", paper_id=f"{me}-{number}")
        facts.replace_analysis(session, paper.id, {"relevance": {"value": 0.5}})
        search_index.store_pages(session.connection(), paper.id, [(1, f"words of {me}")])
    with session_scope(engine) as session:  # the same run from all, and one's own
        shared, own = run(f"case {number}"), run(f"case {number} of {me}")
        runs.import_document(session, document(shared, own))
    with session_scope(engine) as session:
        facts.effective(session)
        facts.set_correction(session, "shared", "relevance", [me, number], me, "to see")
    with session_scope(engine) as session:
        notes.add(session, "shared", f"note {number} of {me}", me)
    for what, name in (("decided", f"new-{number}"), ("reverted", f"wrong-{number}")):
        try:
            with session_scope(engine) as session:
                if what == "decided":
                    inbox.decide(session, name, "keep", me)
                else:
                    facts.revert(session, number + 1, me)
        except RefusedError as error:
            told["refused"].append(str(error))
        else:
            told[what].append(name)


if __name__ == "__main__":
    url, process = sys.argv[1:]
    with ThreadPoolExecutor(PEOPLE) as pool:
        people = [f"{process}{number}" for number in range(PEOPLE)]
        print(json.dumps(list(pool.map(lambda me: work(url, me), people))))
