"""The ranking: what next, filters in the address, hostile titles, opening a paper."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine
from streamlit.testing.v1 import AppTest

from app.web.components.filters import matching
from app.web.components.ranking_table import ALL, FEW, move, ranking_frame, table_key
from app.web.components.text import folded
from app.workflows.ranked import CRITERIA, Ranking
from app.workflows.ranking import list_papers
from db.engine import session_scope
from db.queries import counters, notes, papers
from tests.app.web.conftest import HOSTILE, Open, words


def shown(page: AppTest) -> list[str]:
    return [] if not page.dataframe else list(page.dataframe[0].value["paper"])


def test_the_answer_stands_on_top(seeded: Engine, open_page: Open) -> None:
    page = open_page()
    headline = next(m.value for m in page.markdown if m.value.startswith("### "))
    assert headline.endswith((".", "\\."))
    frame = page.dataframe[0].value
    assert list(frame["rank"]) == list(range(1, 11))
    assert "EAGLE-3" in set(frame["paper"])
    assert frame["why"].str.len().min() > 5


def test_all_that_is_asked_for_is_a_column(seeded: Engine, open_page: Open) -> None:
    frame = open_page().dataframe[0].value
    sampling = frame[frame["technique"] == "sampling"].iloc[0]
    assert sampling["speedups"] == "2.00x → 12.0x"
    assert sampling["verdict"].startswith("✓")
    flatquant = frame[frame["paper"] == "FlatQuant"].iloc[0]
    assert flatquant["report"] == 7.0
    assert flatquant["complexity"] == "high"
    assert flatquant["relevance"] == 0.4
    assert flatquant["in_target"] == "partly"
    assert "–" in flatquant["interval"]


@pytest.mark.parametrize(
    ("name", "code", "count"),
    [("technique", "attention", 2), ("complexity", "high", 6), ("verdict", "confirmed", 1)],
)
def test_a_filter_lives_in_the_address(
    name: str, code: str, count: int, seeded: Engine, open_page: Open
) -> None:
    by_address = shown(open_page(**{name: code}))
    page = open_page()
    page.selectbox(key=name).select(code).run()
    assert shown(page) == by_address
    assert len(by_address) == count
    assert page.query_params[name] in (code, [code])
    page.selectbox(key=name).select("").run()
    assert len(shown(page)) == 10
    assert name not in page.query_params


def test_a_filter_survives_another_page(seeded: Engine, open_page: Open) -> None:
    page = open_page()
    page.selectbox(key="technique").select("attention").run()
    page.switch_page("views/jobs.py").run()
    page.switch_page("views/ranking.py").run()
    assert len(shown(page)) == 2
    assert page.query_params["technique"] in ("attention", ["attention"])


def test_a_filter_keeps_its_code_in_chinese(seeded: Engine, open_page: Open) -> None:
    page = open_page(lang="zh", technique="attention")
    assert len(shown(page)) == 2
    page.selectbox(key="language").select("en").run()
    assert len(shown(page)) == 2
    assert page.selectbox(key="technique").value == "attention"


@pytest.mark.parametrize("name", ["technique", "verdict", "order", "device", "status"])
def test_an_unknown_code_in_the_address_is_ignored(
    name: str, seeded: Engine, open_page: Open
) -> None:
    page = open_page(**{name: "'; DROP TABLE paper; --"})
    assert not page.error
    assert len(shown(page)) == 10


@pytest.mark.parametrize(
    ("text", "count"), [("flatness matters", 1), ("2410.09426", 1), ("Ceze", 1)]
)
def test_the_search_finds_titles_ids_and_authors(
    text: str, count: int, seeded: Engine, open_page: Open
) -> None:
    page = open_page()
    page.text_input(key="q").input(text).run()
    assert len(shown(page)) == count
    assert page.query_params["q"] in (text, [text])


def test_no_match_says_so(seeded: Engine, open_page: Open) -> None:
    page = open_page(q="no such paper anywhere")
    assert not page.dataframe
    assert "No paper matches" in words(page)


def test_one_device_can_rank(seeded: Engine, open_page: Open) -> None:
    page = open_page()
    devices = page.selectbox(key="device").options
    assert len(devices) == 2  # all, and the one that was measured on
    page.selectbox(key="device").select_index(1).run()
    assert not page.error
    assert len(shown(page)) == 10


def test_the_safe_order_ranks_by_the_low_end(seeded: Engine, open_page: Open) -> None:
    expected, safe = open_page(), open_page(order="safe")
    assert not safe.error
    assert sorted(shown(safe)) == sorted(shown(expected))
    with session_scope(seeded) as session:
        wanted = [row["rank"] for row in list_papers(session, order="safe")]
    assert list(safe.dataframe[0].value["rank"]) == wanted


def test_a_hostile_title_is_plain_text(seeded: Engine, open_page: Open) -> None:
    with session_scope(seeded) as session:
        papers.update(session, "sage", title=HOSTILE)
    page = open_page()
    assert any("<script>" in title for title in shown(page))
    for element in page.markdown:
        assert "<script>" not in element.value
        assert "](javascript" not in element.value


def test_a_click_opens_the_paper(seeded: Engine, open_page: Open) -> None:
    page = open_page()
    clicked = page.dataframe[0].value.iloc[3]["paper"]
    with session_scope(seeded) as session:
        key = table_key(list_papers(session), counters.read(session))
    page.session_state[key] = {"selection": {"rows": [], "columns": [], "cells": [(3, "paper")]}}
    page.run()
    assert clicked in page.title[0].value.replace("\\", "")


def test_matching_wants_every_word_and_every_code() -> None:
    row = {
        "title": "Fast ＡＴＴＮ",
        "paper_id": "x",
        "arxiv_id": None,
        "authors": ["Ann Bo"],
    }
    row |= {"technique": "attention", "points": dict.fromkeys(CRITERIA, 0.0)}
    ranking = Ranking.of([row])
    names = {row["paper_id"]: folded(f"{row['title']} {row['authors'][0]}")}
    assert matching(ranking, names, "attn ann", (), {"technique": ""}) == {0}
    assert matching(ranking, names, "", (), {"technique": "attention"}) == {0}
    assert not matching(ranking, names, "attn carl", (), {})
    assert matching(ranking, names, "attn carl", {row["paper_id"]}, {}) == {0}
    assert not matching(ranking, names, "", (), {"technique": "sampling"})


def test_missing_figures_are_empty_cells() -> None:
    row = {"rank": 1, "title": "T", "recommendation": "measure_first", "why": "w", "score": 0.5}
    row |= {"score_interval": None, "verdict": "untested", "provisional": False, "paper_id": "t"}
    for name in ("score_report", "score_claimed", "run_speedup", "claimed_speedup"):
        row[name] = None
    for name in ("measured_speedup", "technique", "complexity", "relevance", "in_target"):
        row[name] = None
    frame = ranking_frame([row], lambda text: text)
    assert frame.iloc[0]["speedups"] == "– → –"
    assert frame.iloc[0]["technique"] is None


def test_fewer_columns_for_a_narrow_window(seeded: Engine, open_page: Open) -> None:
    page = open_page(columns="few")
    assert list(page.dataframe[0].proto.column_order) == list(FEW)
    page.selectbox(key="columns").select("").run()
    assert not page.error
    assert list(page.dataframe[0].proto.column_order) == list(ALL)
    assert "columns" not in page.query_params


def test_another_engine_ranks_and_its_paper_opens(seeded: Engine, open_page: Open) -> None:
    page = open_page(target="vllm")
    assert page.selectbox(key="target").value == "vllm"
    assert shown(page) != shown(open_page())
    by_id = page.dataframe[0].value.set_index("paper")["in_target"]
    assert by_id["MARLIN"] == "merged"
    page.selectbox(key="target").select("llama.cpp").run()
    assert shown(page) == shown(open_page())
    assert "target" not in page.query_params
    opened = open_page("paper", paper="marlin", target="vllm")
    assert "already there" in _badge(opened)
    assert "already there" not in _badge(open_page("paper", paper="marlin"))


def _badge(page: AppTest) -> str:
    """The first recommendation on a paper's page: its own; related papers show theirs below."""
    return next(m.value for m in page.markdown if "-badge[" in m.value)


def test_the_search_looks_into_claims_and_notes_and_shows_the_place(
    seeded: Engine, open_page: Open
) -> None:
    with session_scope(seeded) as session:
        notes.add(session, "teal", "Zebra <b>stripes</b> [x](javascript:alert(1))", "Ann")
    page = open_page(q="zebr")
    assert [title[:13] for title in shown(page)] == ["Training-Free"]
    (hit,) = [m.value for m in page.markdown if "**Zebra**" in m.value]
    assert "note" in hit
    assert "<b>" not in hit
    assert "](javascript" not in hit
    page.text_input(key="q").input("").run()
    assert len(shown(page)) == 10


@pytest.mark.parametrize("text", ['"', "AND", "*", "a NEAR/2 (b", "量化"])
def test_no_search_is_an_error(text: str, seeded: Engine, open_page: Open) -> None:
    assert not open_page(q=text).error


def test_weights_reorder_at_once_and_live_in_the_address(seeded: Engine, open_page: Open) -> None:
    page = open_page()
    usual = shown(page)
    assert "weighted" not in page.dataframe[0].proto.column_order
    page.select_slider(key="w_relevance").set_value("2").run()
    assert page.query_params["w_relevance"] in ("2", ["2"])
    assert shown(page) != usual
    assert "by the weighted score alone" in words(page)
    scores = list(page.dataframe[0].value["weighted"])
    assert scores == sorted(scores, reverse=True)
    assert shown(open_page(w_relevance="2")) == shown(page)
    page.select_slider(key="w_relevance").set_value("1").run()
    assert shown(page) == usual
    assert "w_relevance" not in page.query_params


def test_how_firm_the_order_is_is_told(seeded: Engine, open_page: Open) -> None:
    told = words(open_page())
    assert "Among the top three when the weights wobble" in told
    assert "smallest change of one weight" in told


@pytest.mark.parametrize("weight", ["3", "x", "-1", "1.05"])
def test_a_wrong_weight_in_the_address_is_ignored(
    weight: str, seeded: Engine, open_page: Open
) -> None:
    assert shown(open_page(w_ease=weight)) == shown(open_page())


def test_papers_come_by_the_page(
    seeded: Engine, open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = shown(open_page())
    monkeypatch.setattr("app.web.components.filters.PAGE", 4)
    page = open_page()
    assert shown(page) == whole[:4]
    page.get_by_key("from-page").set_value(3).run()
    assert shown(page) == whole[8:]
    assert shown(open_page(**{"from": "5"})) == whole[4:8]
    page.selectbox(key="complexity").select("high").run()  # six papers: their first page
    assert len(shown(page)) == 4
    assert "from" not in page.query_params


def test_years_are_a_filter(seeded: Engine, open_page: Open) -> None:
    page = open_page()
    years = page.selectbox(key="year").options
    assert len(years) > 1
    page.selectbox(key="year").select_index(1).run()
    assert 0 < len(shown(page)) < 10


def test_ranks_gained_and_lost_are_told_by_sign(seeded: Engine, open_page: Open) -> None:
    changes = open_page().dataframe[0].value.set_index("paper")["moved"]
    assert changes["FlatQuant"][0] in "▲▼="
    assert [move(n, str) for n in (2, -3, 0, None)] == ["▲ 2", "▼ 3", "=", None]


def test_papers_side_by_side_by_address(seeded: Engine, open_page: Open) -> None:
    page = open_page(compare="sampling,flatquant")
    (table,) = [m.value for m in page.markdown if m.value.startswith("| ")]
    lines = table.split("\n")
    assert lines[0].index("Sorting") < lines[0].index("FlatQuant")
    ranks = next(line for line in lines if "Rank" in line)
    assert ranks.startswith("| ≠\u00a0**Rank**")
    assert ranks.count("▲ **") == 1
    assert "✓ confirmed" in table
    page.button(key="compare_back").click().run()
    assert len(shown(page)) == 10
    assert "compare" not in page.query_params


@pytest.mark.parametrize("ids", ["sampling", "sampling,sampling", "nobody,else", ",", "<b>,x"])
def test_less_than_two_known_papers_are_no_comparison(
    ids: str, seeded: Engine, open_page: Open
) -> None:
    assert len(shown(open_page(compare=ids))) == 10


def test_ticked_papers_are_compared(seeded: Engine, open_page: Open) -> None:
    page = open_page()
    with session_scope(seeded) as session:
        rows = list_papers(session)
        key = table_key(rows, counters.read(session))
    page.session_state[key] = {"selection": {"rows": [0, 2], "columns": [], "cells": []}}
    page.run()
    page.button(key="compare_chosen").click().run()
    wanted = f"{rows[0]['paper_id']},{rows[2]['paper_id']}"
    assert page.query_params["compare"] in (wanted, [wanted])
    assert any(m.value.startswith("| ") for m in page.markdown)


def test_a_hostile_title_is_compared_as_text(seeded: Engine, open_page: Open) -> None:
    with session_scope(seeded) as session:
        papers.update(session, "sage", title=HOSTILE)
    page = open_page(compare="sage,teal")
    for element in page.markdown:
        assert "<script>" not in element.value
        assert "](javascript" not in element.value
