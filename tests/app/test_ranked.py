"""The ranking as a sequence: rows read as they are asked for, narrowed, in another order."""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Collection, Mapping
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine, delete, update
from sqlalchemy.orm import Session

from app.workflows.firmness import contenders, dethroning, nearest, not_outdone
from app.workflows.ranked import CRITERIA, Ranking, Row
from app.workflows.ranking import list_papers, ranking, told
from app.workflows.removing import remove_papers
from app.workflows.triage import rescore
from app.workflows.weights import Weights, reordered
from db import schema
from db.engine import read_scope, session_scope
from db.models import Listing, Paper, Score
from db.queries import counters, coverage, listing_columns
from db.queries import papers as paper_queries


@pytest.mark.parametrize("order", ["expected", "safe"])
def test_it_is_what_the_list_is(catalog: Engine, order: str) -> None:
    ranked = ranking(lambda: read_scope(catalog), order=order)
    with read_scope(catalog) as session:
        listed = list_papers(session, order=order)
    assert [told(row, "en") for row in ranked] == listed
    assert [told(row, "en") for row in ranked[2:5]] == listed[2:5]
    assert told(ranked[-1], "en") == listed[-1]
    assert list(ranked.paper_ids) == [row["paper_id"] for row in listed]
    columns = ranked.columns
    for number, row in enumerate(listed):
        assert {name: codes[number] for name, codes in columns.codes.items()} == {
            name: row[name] for name in columns.codes
        }
        assert dict(zip(CRITERIA, columns.points[number], strict=True)) == row["points"]
        assert columns.run_highs[number] == row["run_interval"][1]
    assert columns == Ranking.of(listed).columns


def test_only_the_rows_that_are_asked_for_are_read(catalog: Engine) -> None:
    ranked = ranking(lambda: read_scope(catalog))
    read: list[str] = []

    def counted(paper_ids: Collection[str]) -> Mapping[str, Row]:
        read.extend(paper_ids)
        return ranked.rows_of(paper_ids)

    watched = Ranking(ranked.columns, counted, ranked.chosen)
    ids = list(ranked.paper_ids)
    assert [row["paper_id"] for row in watched[3:5]] == ids[3:5] == read
    assert watched.row("no-such-paper") is None
    assert (watched.row(ids[7]) or {})["rank"] == 8
    assert [row["paper_id"] for row in watched.rows({ids[9], ids[0], "gone"})] == [ids[0], ids[9]]
    assert read == [*ids[3:5], ids[7], ids[0], ids[9]]


def test_a_narrowed_ranking_keeps_ranks_and_a_weighted_one_counts_anew(catalog: Engine) -> None:
    ranked = ranking(lambda: read_scope(catalog))
    assert [row["rank"] for row in ranked.only({1, 4, 6})] == [2, 5, 7]
    weighted = reordered(ranked, Weights(relevance=2.0, performance=0.0))
    assert [row["rank"] for row in weighted] == list(range(1, 11))
    scores = [row["score_weighted"] for row in weighted]
    assert scores == sorted(scores, reverse=True)
    some = weighted.only({row["rank_usual"] - 1 for row in weighted[5:]})
    assert [row["rank"] for row in some] == [6, 7, 8, 9, 10]


def test_a_decision_leaves_what_papers_are_ordered_by_and_a_fact_does_not(catalog: Engine) -> None:
    ranked = ranking(lambda: read_scope(catalog))
    with session_scope(catalog) as session:
        before = counters.versions(session)
        paper_queries.update(session, "sage", status="building")
        after = counters.versions(session)
        statuses = listing_columns.statuses(session)
    assert after == (before.catalog + 1, before.papers)
    assert ranked.columns.numbers["sage"] == list(ranked.paper_ids).index("sage")
    moved = ranked.with_statuses(statuses)
    assert moved.columns == ranking(lambda: read_scope(catalog)).columns
    assert moved.columns != ranked.columns and moved.columns.numbers is ranked.columns.numbers
    assert {row["paper_id"] for row in moved if row["status"] == "building"} == {"sage"}
    with session_scope(catalog) as session:
        paper_queries.update(session, "sage", title="Another", status="done")
        assert counters.versions(session).papers == before.papers + 1


def test_a_hostile_name_of_a_device_doesnt_shift_the_columns(catalog: Engine) -> None:
    with session_scope(catalog) as session:
        session.execute(update(Listing).values(device="a\x1fb"))
        session.execute(update(Paper).values(published="2\x1f024-05-01"))
    columns = ranking(lambda: read_scope(catalog)).columns
    assert set(columns.devices) == {"ab"} and len(columns.devices) == len(columns.paper_ids)


def test_a_paper_that_is_gone_meanwhile_is_left_out(catalog: Engine) -> None:
    ranked = ranking(lambda: read_scope(catalog))
    with session_scope(catalog) as session:
        remove_papers(session, ["sage"])
    assert "sage" in ranked.paper_ids
    assert "sage" not in {row["paper_id"] for row in ranked}
    assert ranked.row("sage") is None


def test_what_isnt_scored_or_listed_is_noticed(catalog: Engine) -> None:
    def found(session: Session) -> tuple[list[str], bool]:
        return coverage.unscored(session, "llama.cpp"), coverage.is_listed(session, "llama.cpp")

    with read_scope(catalog) as session:
        assert found(session) == ([], True)
        session.execute(delete(Listing).where(Listing.paper_id == "sage"))
        assert found(session) == ([], False)
        paper_queries.add(session, paper_id="new", title="New")
        assert found(session) == (["new"], False)
        session.execute(delete(Score).where(Score.paper_id == "sage"))
        assert found(session) == (["new", "sage"], True)


def test_a_catalog_of_before_is_upgraded_with_its_rows(catalog: Engine, tmp_path: Path) -> None:
    """Rows stood in the scores' records once: the upgrade takes them out."""
    with read_scope(catalog) as session:
        listed = list_papers(session)
    path = tmp_path / "old.db"
    with catalog.connect() as connection:
        connection.exec_driver_sql(f"VACUUM INTO '{path}'")
    with closing(sqlite3.connect(path)) as old, old:
        for paper, row in old.execute("SELECT paper_id, row FROM listing").fetchall():
            [[record]] = old.execute(
                "SELECT record FROM score WHERE kind = 'believed' AND paper_id = ?", [paper]
            )
            told_before = json.dumps(json.loads(record) | {"row": json.loads(row)})
            old.execute(
                "UPDATE score SET record = ? WHERE kind = 'believed' AND paper_id = ?",
                [told_before, paper],
            )
        old.execute("DROP TABLE listing")
        old.execute("DROP INDEX ix_score_order")
        old.execute("DROP INDEX ix_score_unplaced")
        old.execute("DROP INDEX ix_paper_listed")
        old.execute("UPDATE alembic_version SET version_num = '0007'")
    assert schema.upgrade(f"sqlite:///{path}")
    with closing(sqlite3.connect(path)) as new:
        assert new.execute("SELECT count(*) FROM listing").fetchone() == (10,)
        records = [json.loads(r) for (r,) in new.execute("SELECT record FROM score")]
        assert not any("row" in record for record in records)
    from db.engine import open_engine

    engine = open_engine(f"sqlite:///{path}")
    with session_scope(engine) as session:
        assert coverage.is_listed(session, "llama.cpp")
        assert list_papers(session) == listed
        assert rescore(session, {"kind": "rule", "ref": "upgrade"}) == []
        assert list_papers(session) == listed
    engine.dispose()


def test_arrays_lose_nobody_who_matters() -> None:
    """Of thousands of papers what is reckoned exactly holds what reckoning all would give."""
    chance = random.Random(1)

    def drawn() -> tuple[float, ...]:
        return (
            chance.randrange(21) / 4, chance.randrange(-8, 13) / 4,
            chance.choice((-1.0, 0.0, 0.6, 1.0)), chance.choice((0.0, 1.0)),
        )  # fmt: skip

    for weights in ((1.0, 1.0, 1.0, 1.0), (2.0, 0.0, 0.5, 1.0)):
        papers = [(str(n), drawn()) for n in range(2500)]
        points = [tuple(p for p, w in zip(pts, weights, strict=True) if w) for _, pts in papers]
        hopeful = set(not_outdone(points, 3))
        assert len(hopeful) < 500
        table, number = np.array(points), np.arange(len(points))
        slow = [
            n
            for n, own in enumerate(table)
            if ((table >= own).all(axis=1) & ((table != own).any(axis=1) | (number < n))).sum() < 3
        ]
        assert set(slow) <= hopeful
        assert [name for name, _ in contenders(papers, [w > 0 for w in weights], 3)] == [
            str(n) for n in slow
        ]
        first = min(
            range(len(papers)),
            key=lambda i: (-sum(w * p for w, p in zip(weights, papers[i][1], strict=True)), i),
        )
        few = nearest(papers, weights, first)
        assert len(few) < len(papers) - 1
        kept = sorted([*few, first])
        assert dethroning(papers, weights, first) == dethroning(
            [papers[n] for n in kept], weights, kept.index(first)
        )
