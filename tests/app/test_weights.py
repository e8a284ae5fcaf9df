"""Weights: the order they give, how firm it is, and what would change it."""

from __future__ import annotations

import random
import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from app.errors import UsageError
from app.workflows.firmness import best, contenders, dethroning, firmness, top_shares
from app.workflows.ranked import CRITERIA, Ranking
from app.workflows.ranking import list_papers
from app.workflows.weights import Weights, dot, parse_weights, reordered, rounded, scores_of
from db.engine import session_scope
from tests.app.conftest import Assay

POINTS = st.tuples(
    st.integers(0, 20).map(lambda n: n / 4),
    st.integers(-8, 12).map(lambda n: n / 4),
    st.sampled_from([-1.0, 0.0, 0.6, 1.0]),
    st.sampled_from([0.0, 1.0]),
)
PAPERS = st.lists(POINTS, min_size=1, max_size=12).map(
    lambda found: [(str(n), points) for n, points in enumerate(found)]
)
WEIGHTS = st.tuples(*[st.integers(0, 8).map(lambda n: n / 4)] * 4)


def rows_of(papers: list[tuple[str, tuple[float, ...]]]) -> Ranking:
    rows = [
        {"paper_id": name, "rank": n, "points": dict(zip(CRITERIA, points, strict=True))}
        for n, (name, points) in enumerate(papers, start=1)
    ]
    return Ranking.of(rows)


def first_of(papers: list, weights: list[float]) -> int:
    return max(
        range(len(papers)),
        key=lambda i: (
            round(sum(w * p for w, p in zip(weights, papers[i][1], strict=True)), 7),
            -i,
        ),
    )


@given(PAPERS, WEIGHTS)
def test_the_order_is_by_the_weighted_score(papers: list, weights: tuple) -> None:
    chosen = Weights(*weights)
    ordered = reordered(rows_of(papers), chosen)
    assert sorted(r["paper_id"] for r in ordered) == sorted(name for name, _ in papers)
    assert [r["rank"] for r in ordered] == list(range(1, len(papers) + 1))
    if chosen.are_usual:
        assert [r["paper_id"] for r in ordered] == [name for name, _ in papers]
    else:
        scores = [chosen.score(r["points"]) for r in ordered]
        assert all(a >= b - 1e-8 for a, b in pairwise(scores))


@given(PAPERS, WEIGHTS, st.integers(0, 3))
def test_more_weight_never_harms_who_leads_in_it(papers: list, weights: tuple, place: int) -> None:
    leader = max(range(len(papers)), key=lambda i: papers[i][1][place])
    more = [w + 0.5 * (n == place) for n, w in enumerate(weights)]

    def beaten_by(chosen: list[float]) -> int:
        scores = [sum(w * p for w, p in zip(chosen, pts, strict=True)) for _, pts in papers]
        return sum(score > scores[leader] + 1e-9 for score in scores)

    assert beaten_by(more) <= beaten_by(list(weights))


@settings(deadline=None, max_examples=40)
@given(PAPERS, WEIGHTS, st.integers(0, 5))
def test_contenders_lose_nobody_who_gets_to_the_top(
    papers: list, weights: tuple, seed: int
) -> None:
    """Drawing for all papers gives what drawing for the contenders does."""
    chance, counts = random.Random(seed), dict.fromkeys((name for name, _ in papers), 0)
    for _ in range(30):
        drawn = [w * 2 ** chance.uniform(-1, 1) for w in weights]
        scored = sorted(
            (-round(sum(w * p for w, p in zip(drawn, points, strict=True)), 9), n)
            for n, (_, points) in enumerate(papers)
        )
        for _, number in scored[:3]:
            counts[papers[number][0]] += 1
    found = dict(top_shares(papers, weights, draws=30, seed=seed))
    assert found == {name: count / 30 for name, count in counts.items() if count}


@settings(deadline=None)
@given(PAPERS, WEIGHTS)
def test_the_smallest_change_is_the_smallest(papers: list, weights: tuple) -> None:
    first = first_of(papers, list(weights))
    found = dethroning(papers, weights, first)
    if found is not None:
        moved = list(weights)
        place = CRITERIA.index(found.criterion)
        moved[place] = found.after
        score = {
            name: sum(w * p for w, p in zip(moved, points, strict=True)) for name, points in papers
        }
        assert score[found.paper_id] == pytest.approx(score[papers[first][0]])
    smallest = 9.0 if found is None else abs(found.after - found.before)
    for place in range(4):  # no smaller change of one weight lets anyone pass
        for step in range(33):
            tried = list(weights)
            tried[place] = step / 16
            if abs(tried[place] - weights[place]) < smallest - 1e-9:
                leader = sum(w * p for w, p in zip(tried, papers[first][1], strict=True))
                for _, points in papers:
                    assert sum(w * p for w, p in zip(tried, points, strict=True)) <= leader + 1e-6


def test_ten_thousand_papers_wobble_in_time() -> None:
    chance = random.Random(0)
    papers = [
        (
            str(n),
            (chance.random() * 5, chance.gauss(0.3, 0.4), chance.choice((-1.0, 0.0, 1.0)), 1.0),
        )
        for n in range(10_000)
    ]
    assert len(contenders(papers, [True] * 4, 3)) < 200
    began = time.process_time()
    found = firmness(rows_of(papers), Weights())
    assert found is not None
    assert time.process_time() - began < 1.0
    assert found == firmness(rows_of(papers), Weights())
    moved, columns = Weights(ease=0.7, core=1.3), rows_of(papers).columns
    exact = [rounded(dot(moved.values, points)) for points in columns.points]
    assert scores_of(columns, moved) == exact
    assert best(papers, moved.values, columns.table) == exact.index(max(exact))
    assert sum(share for _, share in found.shares) == pytest.approx(3.0)


def test_an_empty_ranking_has_no_firmness() -> None:
    assert firmness(rows_of([]), Weights()) is None
    alone = firmness(rows_of([("a", (1.0, 0.0, 0.0, 0.0))]), Weights())
    assert alone is not None
    assert alone.shares == (("a", 1.0),)
    assert alone.dethroning is None


@pytest.mark.parametrize("text", ["speed=1", "ease", "ease=", "ease=3", "ease=-1", "ease=nan"])
def test_wrong_weights_are_told(text: str, catalog: Engine, assay: Assay) -> None:
    with pytest.raises(UsageError):
        parse_weights(text)
    assert assay("list", "--weights", text).status == 2


def test_the_list_follows_the_weights(catalog: Engine, assay: Assay) -> None:
    usual = assay("list", "--json").json
    assert assay("list", "--json", "--weights", "ease=1").json == usual
    listed = assay("list", "--json", "--weights", "relevance=2,performance=0,core=0").json
    scores = [row["score_weighted"] for row in listed]
    assert scores == sorted(scores, reverse=True)
    assert "score_weighted" not in usual[0]
    assert [row["rank"] for row in listed] == list(range(1, 11))
    ranks = {row["paper_id"]: row["rank"] for row in usual}
    assert all(row["rank_usual"] == ranks[row["paper_id"]] for row in listed)
    assert [row["paper_id"] for row in listed] != [row["paper_id"] for row in usual]
    assert "Weighted" in assay("list", "--weights", "ease=2").out
    assert "Weighted" not in assay("list", "--weights", "ease=1").out


def test_points_add_up_to_the_score(catalog: Engine) -> None:
    with session_scope(catalog) as session:
        for order in ("expected", "safe"):
            for row in list_papers(session, order=order):
                name = "score" if order == "expected" else "score_safe"
                assert sum(row["points"].values()) == pytest.approx(row[name], abs=3e-4)
