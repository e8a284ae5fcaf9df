"""The paper's page in four states: empty, a seed paper, one from a file, a hostile one; undoing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine
from streamlit.testing.v1 import AppTest

from app.web.components.breakdown import in_words, waterfall_rows
from app.web.components.claims import chosen_verdict
from app.workflows.correct import set_facts
from app.workflows.paper import show_paper
from app.workflows.triage import rescore
from db.engine import session_scope
from db.queries import notes, papers
from tests.app.test_findings import contradicting_paper
from tests.app.web.conftest import HOSTILE, Open, words
from tests.app.web.test_paper import SECTIONS, same, score_of

LONG = HOSTILE + " \u202e\u0645\u0631\u062d\u0628\u0627 $$\\frac{a}{b}$$ " + "word " * 400


def told(page: AppTest) -> str:
    return words(page).replace("\\", "")


def tables(page: AppTest) -> str:
    return "\n".join(table.value.to_string() for table in page.table).replace("\\", "")


def test_an_empty_catalog_says_what_to_do(empty: Engine, open_page: Open) -> None:
    page = open_page("paper")
    assert not page.error
    assert not page.metric
    assert page.get("page_link") or page.button


def test_a_seed_paper_tells_what_would_change_its_rank(seeded: Engine, open_page: Open) -> None:
    page = open_page("paper", paper="flatquant")
    assert "What would change this rank" in told(page)
    assert re.search(r"High-value investment, rank \d+: from 1\.\d\dx measured on", told(page))
    assert "A run on a CPU confirms the claim" in tables(page)
    assert "Complexity medium instead of high" in tables(page)
    assert "▲" in tables(page)
    assert "Related papers" in told(page)
    assert "Same technique: quantization" in told(page)


def test_in_chinese_no_english_is_left_in_the_story(seeded: Engine, open_page: Open) -> None:
    page = open_page("paper", paper="int_flash", lang="zh")
    assert "什么会改变这个名次" in told(page)
    assert "相关论文" in told(page)
    english = re.compile(r"\b(?:run|claim|measured|instead|technique|rank|both)\b")
    assert not english.search(tables(page))


@pytest.fixture
def analysed(seeded: Engine, tmp_path: Path) -> Iterator[str]:
    yield contradicting_paper(seeded, tmp_path)


def test_an_analysed_paper_shows_its_findings_and_claims(
    analysed: str, seeded: Engine, open_page: Open
) -> None:
    page = open_page("paper", paper=analysed, view="claims")
    assert "⚠ findings about its claims: 2" in told(page)
    assert "The paper contradicts itself" in told(page)
    assert "“QuickKV speeds up decoding by up to 2.4x over vLLM.”" in told(page)
    assert "Above what a part can give" in told(page)
    assert "1/(1 − 0.2) = 1.25x" in told(page)
    frame = page.dataframe[0].value
    assert list(frame["figure"]) == ["up to 2.4x speedup", "up to 3.1x speedup"]
    assert list(frame["verdict"]) == ["○ untested"] * 2
    assert frame["claim"][0].startswith("★ ")
    with session_scope(seeded) as session:
        other = show_paper(session, analysed)["claims"][1]
    page.selectbox(key="claim").select(other["key"]).run()
    assert "against vLLM" in told(page)
    assert page.query_params["claim"] in (other["key"], [other["key"]])


@pytest.mark.parametrize("section", SECTIONS)
def test_a_hostile_paper_is_plain_text_everywhere(
    section: str, seeded: Engine, open_page: Open
) -> None:
    with session_scope(seeded) as session:
        papers.add(session, title=LONG, paper_id="hostile", abstract=LONG)
        notes.add(session, "hostile", HOSTILE, HOSTILE)
        rescore(session, {"kind": "analysis", "ref": "hostile"}, ["hostile"])
    page = open_page("paper", paper="hostile", view=section)
    assert not page.error
    for element in (*page.markdown, *page.title, *page.caption, *page.subheader):
        unescaped = re.sub(r"\\.", "", element.value)
        assert "<" not in unescaped
        assert "$" not in unescaped
        assert "\u202e" not in unescaped


def test_a_correction_can_be_undone_on_the_spot(seeded: Engine, open_page: Open) -> None:
    page = open_page("paper", paper="sage", view="facts")
    before = score_of(page)
    page.number_input(key="correct-value-sage-relevance").set_value(0.75)
    page.text_input(key="correct-why-sage-relevance").input("two users asked for it")
    page.text_input(key="correct-who-sage-relevance").input("Ada")
    page.button[0].click().run()
    assert score_of(page) > before
    page.button(key="flash-undo").click().run()
    assert score_of(page) == before
    assert "Undone." in told(page)
    page.segmented_control(key="view").set_value("history").run()
    assert "undone by Ada" in told(page)
    assert not [b for b in page.button if str(b.key).startswith("undo-")]


def test_a_status_and_a_note_can_be_undone(seeded: Engine, open_page: Open) -> None:
    page = open_page("paper", paper="sage", view="notes")
    page.selectbox(key="status-sage").select("building").run()
    assert "Its status is now: building." in told(page)
    page.button(key="flash-undo").click().run()
    page.text_area(key="note-text-sage").input("look again")
    page.text_input(key="note-who-sage").input("Ada")
    next(b for b in page.button if b.label == "Save the note").click().run()
    page.button(key="note-remove-1").click().run()
    assert not page.text
    page.button(key="flash-undo").click().run()
    assert [text.value for text in page.text] == ["look again"]
    with session_scope(seeded) as session:
        assert papers.get(session, "sage").status == "inbox"
    page.segmented_control(key="view").set_value("history").run()
    assert "Status: inbox → building" in told(page)
    assert "Note: look again" in told(page)


def test_a_prototype_is_linked_and_unlinked(seeded: Engine, open_page: Open) -> None:
    with session_scope(seeded) as session:
        set_facts(session, "teal", {"prototype.teal": "unlinked"}, why="try", who="Ada")
    page = open_page("paper", paper="teal", view="prototype")
    assert "There is no prototype of this paper yet" in told(page)
    page.selectbox(key="link-prototype").select("sampling").run()
    page.text_input(key="link-why-teal-sampling").input("the same kernel")
    page.text_input(key="link-who-teal-sampling").input("Ada")
    next(b for b in page.button if b.label == "Link sampling").click().run()
    assert "Linked: sampling." in told(page)
    assert "no claim that it tests" in told(page)
    assert "linked by Ada" in told(page)
    page.button(key="flash-undo").click().run()
    assert "There is no prototype of this paper yet" in told(page)


def test_missing_evidence_is_grey_and_said() -> None:
    known = {"points": 1.0, "low": 1.0, "high": 1.0, "minimum": 0, "maximum": 1, "reason": "r"}
    unknown = known | {"points": 0.0, "low": 0.0, "high": 0.0, "minimum": -1}
    scored = {
        "breakdown": [
            known | {"name": "core", "missing": False},
            unknown | {"name": "ease", "missing": True},
        ],
        "value": 1.0, "low": 1.0, "high": 1.0,
    }  # fmt: skip
    rows = waterfall_rows(scored, same)
    assert [row["missing"] for row in rows] == [False, True, False]
    assert (rows[1]["ghost_low"], rows[1]["ghost_high"]) == (0.0, 2.0)
    assert rows[1]["color"] not in (rows[0]["color"], rows[2]["color"])
    assert "ease 0.00 (evidence missing, could be −1 to 1)" in in_words(scored, same)


def test_the_ranking_devices_verdict_speaks_for_a_claim() -> None:
    verdicts = [
        {"device": "a", "verdict": "confirmed"},
        {"device": "b", "verdict": "unclear"},
        {"device": "c", "verdict": "untested"},
    ]
    assert chosen_verdict(verdicts, "b") == verdicts[1]
    assert chosen_verdict(verdicts, "c") == verdicts[0]
    assert chosen_verdict(verdicts[2:], "c") is None
