"""Notes, corrections in words, report snapshots, and the counter that tells pages what is stale."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session

from db.errors import DuplicateError, NotFoundError, RefusedError
from db.models import Correction
from db.queries import (
    claims,
    corrections,
    counters,
    facts,
    jobs,
    notes,
    papers,
    readings,
    runs,
    scores,
    snapshots,
)
from db.queries.scores import ScoreValue
from tests.db.builders import add_paper, document, run


def test_notes_are_kept_in_order_and_can_be_removed(session: Session) -> None:
    add_paper(session)
    first = notes.add(session, "fast", "  read page 3 ", "Ada")
    notes.add(session, "fast", "done", "Bob")
    assert [(n.text, n.who) for n in notes.for_paper(session, "fast")] == [
        ("read page 3", "Ada"),
        ("done", "Bob"),
    ]
    notes.remove(session, first.id)
    assert len(notes.for_paper(session, "fast")) == 1
    with pytest.raises(NotFoundError):
        notes.remove(session, first.id)
    with pytest.raises(NotFoundError):
        notes.add(session, "nobody", "x", "Ada")
    with pytest.raises(RefusedError, match="empty"):
        notes.add(session, "fast", " \n", "Ada")


def test_corrections_come_by_paper(session: Session) -> None:
    for paper_id in ("fast", "slow"):
        add_paper(session, paper_id)
        for key, date in (("late", "2026-02-01"), ("early", "2026-01-01")):
            session.add(
                Correction(paper_id=paper_id, key=key, field="speedup", text={"en": key}, date=date)
            )
    session.flush()
    found = corrections.for_papers(session)
    assert {paper: [c.key for c in rows] for paper, rows in found.items()} == {
        "fast": ["early", "late"],
        "slow": ["early", "late"],
    }
    assert set(corrections.for_papers(session, ["slow"])) == {"slow"}


def test_a_report_freezes_what_counts(session: Session) -> None:
    add_paper(session)
    facts.set_correction(session, "fast", "relevance", 0.5, "Ada", "why")
    report = {"rows": [{"paper": "fast", "score": 5.0}]}
    title = {"en": "Report", "zh": "报告"}
    snapshots.create(session, "report-2026-01", date="2026-01-31", title=title, record=report)
    facts.set_correction(session, "fast", "relevance", 0.9, "Ada", "why")
    stored = snapshots.get(session, "report-2026-01")
    assert stored.record == report
    assert facts.effective(session, stored.reading_id)["fast"]["relevance"].value == 0.5
    snapshots.create(session, "report-2026-02", date="2026-02-28", title=title, record=report)
    assert [s.id for s in snapshots.list_snapshots(session)] == ["report-2026-02", "report-2026-01"]
    with pytest.raises(DuplicateError, match="another name"):
        snapshots.create(session, "report-2026-02", date="2026-02-28", title=title, record=report)
    with pytest.raises(NotFoundError, match="report-2026-02, report-2026-01"):
        snapshots.get(session, "report-1999")


WRITES: dict[str, Callable[[Session], object]] = {
    "papers.add": lambda s: papers.add(s, title="Another"),
    "papers.update": lambda s: papers.update(s, "fast", status="read"),
    "papers.remove": lambda s: papers.remove(s, "fast"),
    "facts.set_correction": lambda s: facts.set_correction(s, "fast", "x", 1, "Ada", "why"),
    "facts.replace_analysis": lambda s: facts.replace_analysis(s, "fast", {"x": {"value": 1}}),
    "readings.freeze": lambda s: readings.freeze(s, "r", title={}, date="2026"),
    "claims.replace": lambda s: claims.replace_analysis_claims(s, "fast", []),
    "notes.add": lambda s: notes.add(s, "fast", "x", "Ada"),
    "runs.import": lambda s: runs.import_document(s, document(run())),
    "scores.save": lambda s: scores.save(
        s, [ScoreValue("fast", "t", "believed", 1, 1, 1, 1, {})], {"kind": "rule"}
    ),
    "snapshots.create": lambda s: snapshots.create(s, "r", date="2026", title={}, record={}),
}


@pytest.mark.parametrize("name", WRITES)
def test_every_write_that_a_page_shows_is_counted(session: Session, name: str) -> None:
    add_paper(session)
    before = counters.read(session)
    WRITES[name](session)
    assert counters.read(session) > before


def test_reads_and_jobs_leave_the_catalogs_count_alone(session: Session) -> None:
    add_paper(session)
    before = counters.read(session), counters.read(session, "jobs")
    papers.list_papers(session)
    facts.effective(session)
    claims.rows(session)
    jobs.create(session, kind="benchmark", spec={})
    assert counters.read(session) == before[0]
    assert counters.read(session, "jobs") == before[1] + 1
