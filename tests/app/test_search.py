"""Searching: what a person finds, in which order, and how it is shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine, update

from app.workflows.add import add_sources, refresh_papers
from app.workflows.search import search_papers
from db.engine import read_scope, session_scope
from db.models import Score
from db.queries import notes, papers, search_matches
from tests.app.conftest import Assay
from tests.app.test_add import POST

pytestmark = pytest.mark.both


def test_the_seed_is_found_by_what_it_claims(catalog: Engine, assay: Assay) -> None:
    found = assay("search", "flatquant", "--json")
    assert found.status == 0
    assert found.json[0]["paper_id"] == "flatquant"
    assert found.json[0]["where"] == "title"
    start, end = found.json[0]["marks"][0]
    assert found.json[0]["snippet"][start:end].lower() == "flatquant"
    told = assay("search", "flatquant").out
    assert "[FlatQuant]" in told


def test_titles_first_then_claims_then_notes(catalog: Engine) -> None:
    with session_scope(catalog) as session:
        notes.add(session, "teal", "compare with EAGLE", "Ann")
        found = search_papers(session, "eagle")
    with session_scope(catalog) as session:
        found = search_papers(session, "eagle")
    places = [hit["where"] for hit in found]
    order = ("title", "claim", "note", "abstract", "page")
    assert places == sorted(places, key=order.index)
    assert found[0]["paper_id"] == "eagle3"
    assert "teal" in [hit["paper_id"] for hit in found]


@pytest.mark.parametrize("limit", [1, 3, 20])
@pytest.mark.parametrize("query", ["attention", "quant", "the", '"kv cache"', "zebra"])
def test_a_common_word_finds_the_same_in_the_same_order(
    catalog: Engine, query: str, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with read_scope(catalog) as session:
        session.execute(update(Score).where(Score.paper_id.in_(["sage", "teal"])).values(rank=None))
        usual = search_papers(session, query, limit=limit)
        monkeypatch.setattr(search_matches, "MANY", 0)
        assert search_papers(session, query, limit=limit) == usual
        monkeypatch.setattr(search_matches, "FEW", 0)
        kept = search_matches.pieces(session)
        assert search_papers(session, query, limit=limit, pieces=lambda: kept) == usual
        assert bool(usual) == (query != "zebra")


def test_no_word_and_no_match_are_told(catalog: Engine, assay: Assay) -> None:
    empty = assay("search", '"*')
    assert empty.status == 2
    assert "no word" in empty.err
    none = assay("search", "zebra")
    assert none.status == 0
    assert none.out == ""
    assert "No paper has all these words" in none.err


def test_the_limit_says_what_is_left(catalog: Engine, assay: Assay) -> None:
    shown = assay("search", "attention", "--limit", "1")
    assert shown.out.count("\n") == 2
    assert "--limit shows more" in shown.err


def test_a_files_text_is_found_and_follows_the_file(catalog: Engine, tmp_path: Path) -> None:
    path = tmp_path / "turbo.md"
    path.write_text(POST + "\nThe xylophone appears in no claim at all.\n", encoding="utf-8")
    add_sources(catalog, [str(path)])
    with session_scope(catalog) as session:
        (hit,) = search_papers(session, "xylophone")
        assert hit["where"] == "page"
        paper = papers.get(session, hit["paper_id"])
        assert "texts" not in (paper.analysis or {})
    path.write_text(POST + "\nThe marimba appears in no claim at all.\n", encoding="utf-8")
    refresh_papers(catalog, [hit["paper_id"]])
    with session_scope(catalog) as session:
        assert search_papers(session, "xylophone") == []
        assert search_papers(session, "marimba")[0]["paper_id"] == hit["paper_id"]


def test_a_hostile_title_stays_text_on_a_terminal(catalog: Engine, assay: Assay) -> None:
    with session_scope(catalog) as session:
        papers.update(session, "sage", title="Sage \x1b[31m\u202e<b>red</b>")
    told = assay("search", "sage red").out
    assert "\x1b" not in told
    assert "\u202e" not in told
