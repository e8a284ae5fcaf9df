from __future__ import annotations

import csv
import io

import pytest
from sqlalchemy.orm import Session

from app.reports.cells import FORMULA, NUMBER, harmless
from app.reports.text import clean
from app.workflows.report import build_report, render
from tests.app.reports.small_catalog import NOW


def table(session: Session, language: str = "en") -> list[dict[str, str]]:
    text = render(session, format="csv", language=language, now=NOW).decode("utf-8")
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text[1:], newline=""), strict=True))


def test_each_paper_has_its_row(session: Session) -> None:
    model = build_report(session, now=NOW)
    rows = table(session)
    assert [row["Paper"] for row in rows] == [row.title for row in model.ranking]
    measured = next(row for row in rows if row["Name"] == "quick")
    assert float(measured["Measured speedup"]) == pytest.approx(1.9, rel=0.01)
    assert measured["Verdict"] == "confirmed"
    assert measured["Device"] == "Test CPU"
    dense = next(row for row in rows if row["Name"] == "dense")
    assert dense["Open risks"] == "accuracy (high)"
    assert dense["Rank before"] == "1"
    later = next(row for row in rows if row["Name"] == "later")
    assert (later["Measured speedup"], later["Rank before"]) == ("", "")


def test_it_is_chinese_too(session: Session) -> None:
    rows = table(session, "zh")
    assert len(rows) == 3
    assert rows[0]["名次"] == "1"
    assert {row["建议"] for row in rows} == {"先测量", "长期价值", "谨慎"}


@pytest.mark.parametrize(
    "cell",
    ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", " =1", "|x", "＝1+1", "-2..5", "--1"],
)
def test_a_formula_is_text(cell: str) -> None:
    assert harmless(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["-1.5", "2.3", "1e-05", "", "plain", "−1"])
def test_a_number_or_a_word_stays(cell: str) -> None:
    assert harmless(cell) == cell


def test_hostile_text_is_a_cell(session: Session, hostile: str) -> None:
    rows = table(session)
    assert len(rows) == 3
    assert all(None not in row and None not in row.values() for row in rows)
    assert clean(hostile) in {row["Paper"].removeprefix("'") for row in rows}
    for row in rows:
        for cell in row.values():
            assert not cell.lstrip().startswith(FORMULA) or NUMBER.fullmatch(cell), cell
            assert not any(ord(mark) < 32 for mark in cell)
