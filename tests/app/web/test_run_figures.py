"""Figures beside a time, and what the measurements mean: on the paper's page and in the record."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine

from app.web.components.run_figures import amount
from db.engine import session_scope
from db.queries import runs
from tests.app.run_documents import document, run
from tests.app.web.conftest import HOSTILE, Open, words

FIGURES = [
    {"name": "error at 4096", "value": 0.0312, "unit": "%", "paper": 0.5, "note": "table 9"},
    {"name": HOSTILE, "value": None, "unit": "", "paper": None, "note": HOSTILE},
    "no record at all",
]


@pytest.fixture
def told(seeded: Engine) -> Engine:
    with session_scope(seeded) as session:
        runs.import_document(session, document(run("b1-told", figures=FIGURES)))
    return seeded


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_papers_page_shows_the_figures_beside_the_papers_own(
    told: Engine, open_page: Open, language: str
) -> None:
    page = open_page("paper", paper="sampling", view="prototype", lang=language)
    assert not page.exception
    table = next(f.value for f in page.dataframe if "error at 4096" in f.value.to_string())
    assert list(table.iloc[0]) == ["error at 4096", "0.0312 %", "0.5 %", "table 9"]
    assert len(table) == 2


def test_a_runs_record_shows_them_too(told: Engine, open_page: Open) -> None:
    with session_scope(told) as session:
        (found,) = [r.id for r in runs.for_prototypes(session) if r.case == "b1-told"]
    page = open_page("benchmarks", run=found)
    assert any("error at 4096" in f.value.to_string() for f in page.dataframe)


def test_a_paper_says_what_its_measurements_mean(seeded: Engine, open_page: Open) -> None:
    for language, part in (("en", "What it means for the engine"), ("zh", "对引擎意味着什么")):
        page = open_page("paper", paper="sampling", view="prototype", lang=language)
        assert part in words(page)


def test_a_run_that_is_not_timed_says_why(seeded: Engine, open_page: Open) -> None:
    why = {"kind": "quality_only", "message": "No integer units here."}
    quiet = run("b1-quiet", status="quality_only", quality_pass=True, error=why)
    with session_scope(seeded) as session:
        result = runs.import_document(session, document(quiet))
    assert not result.refusals
    page = open_page("benchmarks", run=result.added[0])
    assert "No integer units here" in words(page)
    assert "quality only, not timed" in words(page)


def test_amounts_have_their_units() -> None:
    assert amount(14.2, "x") == "14.2x"
    assert amount(1234567.0, "tokens/s") == "1.235e+06 tokens/s"
    assert amount(None, "%") == amount(True, "%") == "–"
