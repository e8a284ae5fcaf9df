from __future__ import annotations

import json

import pytest
from sqlalchemy.orm import Session

from app.reports.formats.json import plain
from app.reports.text import clean
from app.workflows.report import build_report, render
from tests.app.reports.small_catalog import NOW


@pytest.mark.parametrize("language", ["en", "zh"])
def test_all_that_the_model_holds_is_there(session: Session, language: str) -> None:
    model = build_report(session, language=language, now=NOW)
    written = json.loads(render(session, format="json", language=language, now=NOW))
    assert written["schema"] == "assay-report-1"
    assert written["language"] == language
    assert tuple(written["decision"]) == model.decision
    assert [row["paper_id"] for row in written["ranking"]] == [r.paper_id for r in model.ranking]
    assert written["ranking"][1]["run"]["value"] == model.ranking[1].run.value  # type: ignore[union-attr]
    claim = written["papers"][1]["claims"][0]
    assert claim["key"] == "quick/speed"
    assert claim["verdicts"][0]["run_id"]
    assert written["provenance"]["fingerprint"] == model.provenance.fingerprint
    assert {insight["code"] for insight in written["insights"]} >= {"tested", "promised", "reach"}


def test_a_number_that_is_none_is_null() -> None:
    assert plain({"a": (float("nan"), float("inf"), 1.5, True)}) == {"a": [None, None, 1.5, True]}


def test_hostile_text_is_a_string(session: Session, hostile: str) -> None:
    written = json.loads(render(session, format="json", now=NOW))
    assert clean(hostile) in {row["title"] for row in written["ranking"]}
