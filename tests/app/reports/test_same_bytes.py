"""The same catalog gives the same bytes: on another day, in another copy, in every format."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine

from app.reports.formats import FORMATS
from app.workflows.correct import set_facts
from app.workflows.report import build_report, render, save_snapshot
from db.engine import session_scope
from tests.app.reports import small_catalog


@pytest.mark.parametrize("format_", FORMATS)
def test_no_clock_moves_a_report(
    small: Engine, own_home: Path, format_: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def written(engine: Engine) -> bytes:
        with session_scope(engine) as session:
            return render(session, format=format_, language="zh")

    first = written(small)
    # The copy's seed facts and scores are written at another moment; python-docx and zipfile
    # would ask this clock.
    monkeypatch.setattr("time.localtime", lambda *_: datetime(2031, 1, 2).timetuple())
    copy = own_home / "copy"
    copy.mkdir()
    assert written(small_catalog.build(copy)) == first


def test_a_report_is_of_the_catalog_s_newest_entry(small: Engine) -> None:
    with session_scope(small) as session:
        before = build_report(session)
        assert before.date == "2026-02-01"  # the run: newer than corrections and the target file
        set_facts(session, "quick", {"relevance": "0.1"}, why="x", who="Mei")
        assert build_report(session).date == datetime.now(UTC).date().isoformat()


def test_keeping_a_report_changes_nothing_until_the_data_do(small: Engine) -> None:
    with session_scope(small) as session:
        before = render(session)
        kept = save_snapshot(session)
        assert render(session) == before
        set_facts(session, "quick", {"relevance": "0.1"}, why="x", who="Mei")
        after = build_report(session)
        assert after.since is not None
        assert after.since.id == kept
        steps = [
            reason
            for chapter in after.corrections
            for paper in chapter.papers
            for change in paper.changes
            if (chapter.base.id, paper.paper_id, change.field) == (kept, "quick", "score")
            for reason in change.reasons
        ]
        assert any("Mei: relevance = 0.1" in step for step in steps), steps
