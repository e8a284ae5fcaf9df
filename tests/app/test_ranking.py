"""The seed catalog as it is ranked, before anything is measured."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine

from app.errors import UsageError
from app.workflows.opening import create_catalog
from app.workflows.paper import show_paper
from app.workflows.ranking import list_papers, moved, ranks_before
from app.workflows.triage import rank_now
from db.engine import session_scope
from db.queries import snapshots

pytestmark = pytest.mark.both

ROW = {
    "rank", "paper_id", "arxiv_id", "title", "technique", "score", "score_interval", "score_safe",
    "score_claimed", "rank_claimed", "score_report", "rank_report", "claimed_speedup",
    "measured_speedup", "engine_speedup", "run_speedup", "device", "verdict", "complexity",
    "relevance", "in_target", "recommendation", "phase", "why", "prototype",
}  # fmt: skip
PAPER = {
    "paper", "facts", "claims", "score", "breakdown", "history", "overrides", "notes",
}  # fmt: skip


def test_rows_have_the_contract_s_keys(catalog: Engine) -> None:
    with session_scope(catalog) as session:
        rows = list_papers(session)
    assert len(rows) == 10
    assert all(row.keys() >= ROW for row in rows)
    assert [row["rank"] for row in rows] == list(range(1, 11))
    assert all(row["verdict"] == "untested" for row in rows)


def test_the_report_of_2025_is_scored_as_it_was(catalog: Engine) -> None:
    with session_scope(catalog) as session:
        rows = {row["paper_id"]: row for row in list_papers(session)}
        snapshot = snapshots.get(session, "report-2025-08").record
    scored = sorted(
        (row for row in rows.values() if row["rank_report"]), key=lambda r: r["rank_report"]
    )
    assert [(r["paper_id"], r["score_report"]) for r in scored] == [
        ("flatquant", pytest.approx(7.0)),
        ("coupled_quant", pytest.approx(7.0)),
        ("int_flash", pytest.approx(6.5)),
        ("sage", pytest.approx(5.0)),
        ("kv_compress", pytest.approx(5.0)),
    ]
    assert all(
        rows[p]["score_report"] is None for p in ("eagle3", "marlin", "sampling", "teal", "qspec")
    )
    assert snapshot["totals"] == {"papers": 10, "analysed": 7}


def test_what_the_engine_has_is_never_recommended_as_new(catalog: Engine) -> None:
    with session_scope(catalog) as session:
        rows = {row["paper_id"]: row for row in list_papers(session)}
    assert rows["eagle3"]["in_target"] == "merged"
    assert rows["eagle3"]["recommendation"] == "already_there"
    assert rows["coupled_quant"]["recommendation"] == "careful"


def test_groups_come_in_order_and_scores_fall_within_them(catalog: Engine) -> None:
    with session_scope(catalog) as session:
        for order, key in (("expected", "score"), ("safe", "score_safe")):
            rows = list_papers(session, order=order)
            groups = [row["recommendation"] for row in rows]
            assert groups == sorted(groups, key=groups.index)
            for group in set(groups):
                values = [row[key] for row in rows if row["recommendation"] == group]
                assert values == sorted(values, reverse=True)


def test_a_paper_shows_all_its_evidence(catalog: Engine) -> None:
    with session_scope(catalog) as session:
        record = show_paper(session, "2409.16997v2")
    assert record.keys() >= PAPER
    assert record["paper"]["paper_id"] == "int_flash"
    assert sum(c["points"] for c in record["breakdown"]) == pytest.approx(
        record["score"]["believed"]["value"]
    )
    keys = {claim["key"] for claim in record["claims"]}
    assert "2409.16997/attention-speedup" in keys
    assert record["facts"]["complexity"]["reasons"]
    assert record["corrections"]
    assert record["history"][0]["cause"] == "the catalog was loaded"


def test_everything_is_said_in_chinese_too(catalog: Engine) -> None:
    with session_scope(catalog) as session:
        record = show_paper(session, "sage", language="zh")
    told = [
        record["row"]["why"],
        *(c["reason"] for c in record["breakdown"]),
        *(claim["text"] for claim in record["claims"]),
        *(c["text"] for c in record["corrections"]),
        *(step["cause"] for step in record["history"]),
    ]
    untold = [text for text in told if not any("\u4e00" <= c <= "\u9fff" for c in text)]
    assert not untold


def test_init_twice_changes_nothing(catalog: Engine) -> None:
    with session_scope(catalog) as session:
        before = show_paper(session, "sampling")
    _, again = create_catalog()
    with session_scope(catalog) as session:
        after = show_paper(session, "sampling")
    assert not again.created
    assert not again.moves
    assert after == before


def test_wrong_questions(catalog: Engine) -> None:
    with session_scope(catalog) as session:
        with pytest.raises(UsageError, match="expected or safe"):
            list_papers(session, order="random")
        with pytest.raises(UsageError, match="none yet"):
            list_papers(session, device="abacus")


def test_the_safe_order_needs_no_scoring(catalog: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stored places give the order and the points that scoring on the fly gives."""
    with session_scope(catalog) as session:
        scored = rank_now(session, "llama.cpp", None, "safe")
        monkeypatch.setattr("app.workflows.triage.rank_now", None)
        stored = list_papers(session, order="safe")
    assert [row["paper_id"] for row in stored] == [row["paper_id"] for row in scored]
    assert [row["points"] for row in stored] == [row["points"] for row in scored]
    assert [row["rank"] for row in stored] == list(range(1, 11))


def test_ranks_are_compared_with_the_last_report(catalog: Engine) -> None:
    with session_scope(catalog) as session:
        before = ranks_before(session)
        assert before is not None
        assert before.report == "report-2025-08"
        rows = {row["paper_id"]: row for row in list_papers(session)}
    assert moved(rows["flatquant"], before) == 1 - rows["flatquant"]["rank"]
    assert moved({"paper_id": "unheard-of", "rank": 3}, before) == "new"
    assert moved(rows["marlin"], before) is None
    assert moved(rows["marlin"], None) is None
