"""The search finds what is there, whoever wrote it, and no query is an error."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from db import search_index
from db.engine import session_scope
from db.models import Claim, Place
from db.queries import counters, notes, papers, search, search_matches
from db.queries.search import CLOSE, OPEN


def ids(session: Session, query: str) -> list[str]:
    return [found.paper_id for found in search.find(session, query)]


def shown(session: Session, query: str) -> list[search.Hit]:
    found = search.find(session, query)
    told = search.hits(session, query, [f.piece for f in found])
    return [told[f.piece] for f in found]


@pytest.fixture
def filled(engine: Engine) -> Engine:
    with session_scope(engine) as session:
        papers.add(
            session,
            title="FlatQuant: Flatness Matters",
            arxiv_id="2410.09426",
            paper_id="flatquant",
            authors=["Yuxuan Sun", "Zoë Müller"],
            abstract="Post-training quantization with learnable transforms.",
        )
        papers.add(
            session, title="注意力机制的量化方法", paper_id="zh", abstract="键值缓存 KV cache"
        )
        session.add(
            Claim(
                key="flatquant/speed",
                paper_id="flatquant",
                source="analysis",
                metric="speedup",
                value=2.3,
                unit="x",
                bound="up_to",
                baseline="FP16 Marlin",
                baseline_kind="plain",
                places=[Place(kind="sentence", quote="prefill runs 2.3x faster", page=7)],
            )
        )
        notes.add(session, "zh", "ask about head_dim 80", "Ann")
        search_index.store_pages(
            session.connection(),
            "flatquant",
            [(1, "Kronecker products keep it cheap."), (9, "Hadamard 旋转 is the rival.")],
        )
    return engine


@pytest.mark.parametrize(
    ("query", "paper", "kind", "page"),
    [
        ("flatness", "flatquant", "title", None),
        ("muller sun", "flatquant", "title", None),
        ("2410.09426", "flatquant", "title", None),
        ("learnable transf", "flatquant", "abstract", None),
        ('"prefill runs"', "flatquant", "claim", 7),
        ("marlin", "flatquant", "claim", 7),
        ("head_dim", "zh", "note", None),
        ("hadamard rival", "flatquant", "page", 9),
        ("注意力", "zh", "title", None),
        ("量化", "zh", "title", None),
        ("缓存 cache", "zh", "abstract", None),
        ("旋转", "flatquant", "page", 9),
        ("ＦＬＡＴＮＥＳＳ", "flatquant", "title", None),
    ],
)
def test_found_where_it_stands(
    query: str, paper: str, kind: str, page: int | None, filled: Engine
) -> None:
    with session_scope(filled) as session:
        (hit,) = shown(session, query)
    assert (hit.paper_id, hit.kind, hit.page) == (paper, kind, page)
    assert OPEN in hit.snippet
    assert CLOSE in hit.snippet
    assert search_index.GAP not in hit.snippet


def test_chinese_characters_must_stand_together(filled: Engine) -> None:
    with session_scope(filled) as session:
        assert ids(session, "意注") == []
        assert ids(session, "机量") == []


def test_only_the_last_word_may_be_a_beginning(filled: Engine) -> None:
    with session_scope(filled) as session:
        assert ids(session, "flatn") == ["flatquant"]
        assert ids(session, "fl") == []
        assert ids(session, "flatn ") == []
        assert ids(session, "flatn matters") == []
        assert ids(session, '"flatn"') == []
        assert ids(session, '"matters flatness"') == []


@pytest.mark.parametrize("query", ["", "  ", '"', '""', "*", "- + ( )", "()*:^{}", "…", "\0"])
def test_a_query_without_words_finds_nothing(query: str, filled: Engine) -> None:
    with session_scope(filled) as session:
        assert search.find(session, query) == []


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    query=st.text(
        alphabet=st.sampled_from("ab AND OR NOT NEAR(,)\"*:^-+{}\\%_\0'量化é\n"), max_size=30
    )
)
def test_no_query_is_an_error(query: str, filled: Engine) -> None:
    with session_scope(filled) as session:
        shown(session, query)


def test_edits_are_followed(filled: Engine, backend: str) -> None:
    with session_scope(filled) as session:
        papers.update(session, "zh", title="Renamed")
        notes.remove(session, notes.for_paper(session, "zh")[0].id)
    with session_scope(filled) as session:
        assert ids(session, "renamed") == ["zh"]
        assert ids(session, "注意力") == []
        assert ids(session, "head_dim") == []
        papers.remove(session, "flatquant")
    with session_scope(filled) as session:
        assert ids(session, "hadamard") == []
        assert ids(session, "flatness") == []
        if backend == "sqlite":
            session.connection().exec_driver_sql(
                "INSERT INTO search_index (search_index, rank) VALUES ('integrity-check', 1)"
            )


def test_another_programs_edit_is_followed_too(filled: Engine, catalog_path: Path) -> None:
    with sqlite3.connect(catalog_path) as connection:
        connection.execute("UPDATE place SET quote = 'decode runs slower'")
    with session_scope(filled) as session:
        assert search_index.is_stale(session.connection())
        counters.bump(session)
    with session_scope(filled) as session:
        assert not search_index.is_stale(session.connection())
        assert ids(session, "slower") == ["flatquant"]
        assert ids(session, "prefill") == []


def test_a_status_makes_nothing_stale(filled: Engine) -> None:
    with session_scope(filled) as session:
        papers.update(session, "zh", status="done")
        session.flush()
        assert not search_index.is_stale(session.connection())


def test_without_fts5_the_pieces_are_scanned(
    filled: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_index, "has_words_index", lambda connection: False)
    with session_scope(filled) as session:
        for query, paper in (
            ("flatness", "flatquant"),
            ("注意力", "zh"),
            ("hadamard", "flatquant"),
        ):
            (hit,) = shown(session, query)
            assert hit.paper_id == paper
            assert OPEN in hit.snippet
        assert ids(session, "100%") == []


@pytest.mark.parametrize(
    "query", ["flatquant", "quantization", "quant", '"flatness matters"', "的", "nothing", "speed"]
)
def test_many_hits_are_those_that_are_looked_up_one_by_one(
    query: str, filled: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_matches, "FEW", 0)
    with session_scope(filled) as session:
        every = search_matches.pieces(session)
        found = search_matches.matches(session, query, lambda: every)
        assert found is not None
        assert dict(found) == {hit.paper_id: hit for hit in search.find(session, query)}
        assert isinstance(found, search_matches.Matches) == bool(len(found))
        if isinstance(found, search_matches.Matches):
            assert set(found) == found.ids and "no-such-paper" not in found
