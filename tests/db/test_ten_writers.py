"""Ten people write at once, on either database: nothing is lost, who comes second is told so."""

from __future__ import annotations

import json
import subprocess
import sys

from sqlalchemy import Engine

from db.check import check
from db.engine import session_scope
from db.models import InboxDecision, Note
from db.queries import counters, facts, papers, runs, search
from tests.conftest import PROJECT
from tests.db.builders import add_paper
from tests.db.ten_writers import PEOPLE, ROUNDS

PROCESSES = 2


def test_ten_people_at_once(engine: Engine, catalog_url: str) -> None:
    with session_scope(engine) as session:
        add_paper(session, "shared")
        for number in range(ROUNDS):
            add_paper(session, f"new-{number}")
            fact = facts.set_correction(session, "shared", "technique", "x", "Ann", "wrong")
            assert fact.id == number + 1
        before = counters.read(session)
    command = [sys.executable, "-m", "tests.db.ten_writers", catalog_url]
    started = [
        subprocess.Popen(
            [*command, name], cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for name in "ab"
    ]
    told = []
    for process in started:
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        told += json.loads(out)
    writers = PROCESSES * PEOPLE
    assert len(told) == writers == 10
    assert [one["failed"] for one in told] == [[]] * writers
    # Each decision and each reverting went through once; the others were told that it was done.
    for what, name in (("decided", "new"), ("reverted", "wrong")):
        done = sorted(one for person in told for one in person[what])
        assert done == [f"{name}-{number}" for number in range(ROUNDS)]
    refused = [words for one in told for words in one["refused"]]
    assert len(refused) == 2 * ROUNDS * (writers - 1)
    assert {words.partition(" ")[2] for words in refused} == {
        "is not in the inbox any more: its status was changed elsewhere.",
        "correction was reverted already.",
    }
    with session_scope(engine) as session:
        assert len(papers.list_papers(session)) == 1 + ROUNDS + writers * ROUNDS
        corrections = [f for f in facts.history(session, "shared") if f.field == "relevance"]
        assert sorted(tuple(f.value) for f in corrections) == sorted(
            (one["me"], number) for one in told for number in range(ROUNDS)
        )
        # Of several words on one field the last counts, and the history names all.
        last = max(corrections, key=lambda fact: fact.id)
        assert facts.effective(session)["shared"]["relevance"].value == last.value
        assert session.query(Note).count() == writers * ROUNDS
        assert session.query(InboxDecision).count() == ROUNDS
        assert len(runs.for_prototypes(session)) == ROUNDS + writers * ROUNDS
        assert len(search.find(session, "words ")) == writers * ROUNDS
        # Every write that counted was counted: none worked on a stale number.
        assert counters.read(session) > before + writers * ROUNDS * 5
    assert check(catalog_url) == []
