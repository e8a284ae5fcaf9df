"""The paper's page: its evidence, corrections that move the score, notes, hostile text."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import Engine
from streamlit.testing.v1 import AppTest

from app.web.components.breakdown import waterfall_rows
from app.web.components.claims import claim_value
from app.workflows.paper import show_paper
from app.workflows.triage import rescore
from db.engine import session_scope
from db.queries import notes, papers, runs
from tests.app.run_documents import document, run
from tests.app.web.conftest import HOSTILE, Open, words

SECTIONS = ("score", "claims", "prototype", "facts", "history", "notes")


def paper_page(open_page: Open, paper: str = "sage", **parameters: str) -> AppTest:
    return open_page("paper", paper=paper, **parameters)


def score_of(page: AppTest) -> float:
    return float(page.metric[0].value)


def same(text: str) -> str:
    return text


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("section", SECTIONS)
@pytest.mark.parametrize("paper", ["sampling", "flatquant"])
def test_every_section_draws(
    paper: str, section: str, language: str, seeded: Engine, open_page: Open
) -> None:
    page = paper_page(open_page, paper, view=section, lang=language)
    assert not page.error
    assert len(page.metric) == 4
    with session_scope(seeded) as session:
        shown = show_paper(session, paper)
    assert score_of(page) == round(shown["row"]["score"], 2)


def test_the_address_names_the_paper_and_the_choice_follows(
    seeded: Engine, open_page: Open
) -> None:
    page = paper_page(open_page, "eagle3")
    assert "EAGLE" in page.title[0].value
    page.selectbox(key="paper").select("marlin").run()
    assert "MARLIN" in page.title[0].value
    assert page.query_params["paper"] in ("marlin", ["marlin"])


def test_an_arxiv_id_is_a_deep_link_too(seeded: Engine, open_page: Open) -> None:
    assert "FlatQuant" in paper_page(open_page, "2410.09426").title[0].value


@pytest.mark.parametrize("asked", ["nothing-like-it", HOSTILE, "' OR 1=1 --", "x" * 5000])
def test_an_unknown_paper_is_said_with_a_way_back(
    asked: str, seeded: Engine, open_page: Open
) -> None:
    page = paper_page(open_page, asked)
    assert len(page.error) == 1
    assert "<script>" not in page.error[0].value.replace("\\<", "")
    links = [link for link in page.main if getattr(link, "type", "") == "page_link"]
    assert page.get("page_link") or links


def test_a_correction_moves_the_score_and_its_undoing_moves_it_back(
    seeded: Engine, open_page: Open
) -> None:
    page = paper_page(open_page, "sage", view="facts")
    before = score_of(page)
    page.number_input(key="correct-value-sage-relevance").set_value(0.75)
    page.text_input(key="correct-why-sage-relevance").input("two users asked for it")
    page.text_input(key="correct-who-sage-relevance").input("Ada")
    page.button[0].click().run()
    after = score_of(page)
    assert after == pytest.approx(before + 5 * 0.40, abs=0.011)
    told = words(page).replace("\\", "")
    assert f"The score moved: {before:.2f} → {after:.2f}." in told
    assert "two users asked for it" in told
    revert = next(b for b in page.button if b.label == "Take back")
    revert.click().run()
    assert score_of(page) == before
    assert f"{after:.2f} → {before:.2f}" in words(page).replace("\\", "")


def test_a_correction_of_a_code_moves_the_score(seeded: Engine, open_page: Open) -> None:
    page = paper_page(open_page, "flatquant", view="facts")
    before = score_of(page)
    page.selectbox(key="correct-field").select("complexity").run()
    page.selectbox(key="correct-value-flatquant-complexity").select("low")
    page.text_input(key="correct-why-flatquant-complexity").input("a port exists")
    page.text_input(key="correct-who-flatquant-complexity").input("Ada")
    page.button[0].click().run()
    assert score_of(page) == pytest.approx(before + 2, abs=0.011)


def test_a_correction_needs_a_reason(seeded: Engine, open_page: Open) -> None:
    page = paper_page(open_page, "sage", view="facts")
    before = score_of(page)
    page.number_input(key="correct-value-sage-relevance").set_value(1.0)
    page.button[0].click().run()
    assert len(page.error) == 1
    assert score_of(page) == before
    with session_scope(seeded) as session:
        assert show_paper(session, "sage")["overrides"] == []


def test_a_note_is_kept_as_it_was_typed(seeded: Engine, open_page: Open) -> None:
    page = paper_page(open_page, "sage", view="notes")
    page.text_area(key="note-text-sage").input(HOSTILE)
    page.text_input(key="note-who-sage").input("Ada")
    page.button[0].click().run()
    assert [text.value for text in page.text] == [HOSTILE]
    with session_scope(seeded) as session:
        assert [note.text for note in notes.for_paper(session, "sage")] == [HOSTILE]


def test_the_status_is_stored(seeded: Engine, open_page: Open) -> None:
    page = paper_page(open_page, "sage")
    page.selectbox(key="status-sage").select("building").run()
    with session_scope(seeded) as session:
        assert papers.get(session, "sage").status == "building"
    page.switch_page("views/ranking.py").run()
    page.selectbox(key="status").select("building").run()
    assert list(page.dataframe[0].value["paper"]) == ["SageAttention"]


@pytest.mark.parametrize("section", SECTIONS)
def test_hostile_text_is_plain_text(section: str, seeded: Engine, open_page: Open) -> None:
    with session_scope(seeded) as session:
        papers.update(session, "sage", title=HOSTILE, authors=[HOSTILE], venue=HOSTILE)
    page = paper_page(open_page, "sage", view=section)
    assert not page.error
    for element in (*page.markdown, *page.title, *page.caption, *page.subheader):
        unescaped = re.sub(r"\\.", "", element.value)
        assert "<" not in unescaped
        assert re.findall(r"\]\((?!https://)", unescaped) == []
        assert ":red[" not in unescaped
        assert "$" not in unescaped


def test_the_verdict_stands_beside_the_claim(seeded: Engine, open_page: Open) -> None:
    told = words(paper_page(open_page, "sampling", view="claims")).replace("\\", "")
    assert "headline claim" in told
    assert "✓ confirmed" in told
    assert "2.00x → 12.0x [11.8x, 12.2x] against torch_sort" in told
    assert "found in: Figure 1, caption" in told


def test_what_was_measured_is_a_chart_and_a_table(seeded: Engine, open_page: Open) -> None:
    page = paper_page(open_page, "sampling", view="prototype")
    frame = page.dataframe[0].value
    assert list(frame["Case"]) == ["b8-v128256-k0"]
    assert frame.iloc[0]["vs paper's kind"] == "12.0x"
    assert frame.iloc[0]["vs engine's"] == "1.50x"
    assert page.get("vega_lite_chart") or page.get("arrow_vega_lite_chart")


def test_the_device_measured_last_is_shown_until_another_is_chosen(
    seeded: Engine, open_page: Open
) -> None:
    page = paper_page(open_page, "sampling", view="prototype")
    first = page.selectbox(key="on").value
    measured = document(
        run("b1-v32000"), device_id="another-cpu", started_at="2026-12-01T00:00:00+00:00"
    )
    with session_scope(seeded) as session:
        runs.import_document(session, measured)
        rescore(session, {"kind": "run", "ref": "test"})
    page.run()
    assert page.selectbox(key="on").value == "another-cpu" != first
    page.selectbox(key="on").select(first).run()
    assert page.selectbox(key="on").value == first


def test_a_click_wins_over_an_address_that_is_not_there_yet(
    seeded: Engine, open_page: Open
) -> None:
    page = paper_page(open_page, "sampling", view="prototype")
    page.segmented_control(key="view").set_value("history").run()
    page.query_params["view"] = "prototype"  # a second click, before the browser heard of the first
    page.segmented_control(key="view").set_value("facts").run()
    assert page.segmented_control(key="view").value == "facts"
    page.query_params["view"] = "claims"  # a link, or the way back
    page.run()
    assert page.segmented_control(key="view").value == "claims"


def test_a_paper_without_prototype_says_so(seeded: Engine, open_page: Open) -> None:
    with session_scope(seeded) as session:
        fresh = papers.add(session, paper_id="fresh", title="A fresh paper", authors=[])
        rescore(session, {"kind": "analysis", "ref": fresh.id})
    page = paper_page(open_page, "fresh", view="prototype")
    assert "no prototype" in words(page)
    assert not [button for button in page.button if button.key == "bench-run"]


def test_the_waterfall_adds_up() -> None:
    criteria = [
        {"name": "relevance", "points": 4.0, "low": 4.0, "high": 4.0},
        {"name": "performance", "points": -1.5, "low": -2.0, "high": 0.5},
    ]
    common = {"minimum": -2, "maximum": 5, "reason": "r", "missing": False}
    criteria = [criterion | common for criterion in criteria]
    criteria[1]["missing"] = True
    scored = {"breakdown": criteria, "value": 2.5, "low": 2.0, "high": 4.5}
    rows = waterfall_rows(scored, same)
    assert [(row["start"], row["end"]) for row in rows] == [(0, 4), (4, 2.5), (0, 2.5)]
    assert (rows[1]["low"], rows[1]["high"]) == (2.0, 4.5)
    assert "evidence missing" in rows[1]["label"]
    assert len({row["color"] for row in rows}) == 3


@pytest.mark.parametrize(
    ("claim", "said"),
    [
        ({"value": 2.3, "unit": "x", "bound": "up_to", "metric": "speedup"}, "up to 2.3x speedup"),
        (
            {"value": 30.0, "value_high": 50.0, "unit": "%", "bound": "range", "metric": "other"},
            "30–50%",
        ),
        (
            {"value": 1.0, "unit": "bits", "bound": "exact", "metric": "bitwidth"},
            "1 bit",
        ),
    ],
)
def test_a_claim_is_said_as_it_was_made(claim: dict[str, object], said: str) -> None:
    assert claim_value({"value_high": None} | claim, same) == said
