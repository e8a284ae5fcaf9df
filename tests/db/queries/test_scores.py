from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event
from sqlalchemy.orm import Session

from db.models import Paper, ScoreChange
from db.queries import listing, papers, scores
from db.queries.listing import ListingValue
from db.queries.scores import ScoreValue
from tests.db.builders import add_paper

CAUSE = {"kind": "rule", "ref": "assay-1", "message": "first"}


@pytest.fixture
def two(session: Session) -> Session:
    add_paper(session, "fast")
    add_paper(session, "slow")
    return session


def score(value: float | None, paper: str = "fast", **more: Any) -> ScoreValue:
    record = {"target": "llama.cpp", "kind": "believed", "rank": 1, "record": {"why": "x"}, **more}
    return ScoreValue(paper_id=paper, value=value, low=value, high=value, **record)


def steps(session: Session) -> list[tuple[str, float | None, float | None]]:
    return [(s.paper_id, s.before, s.after) for s in scores.history(session)]


def test_a_step_is_written_only_where_the_third_decimal_moved(two: Session) -> None:
    for value in (5.0, 5.0004, 5.0004, 5.0006, 6.0, None, None, 6.0):
        scores.save(two, [score(value)], CAUSE)
    assert steps(two) == [
        ("fast", None, 5.0),
        ("fast", 5.0004, 5.0006),
        ("fast", 5.0006, 6.0),
        ("fast", 6.0, None),
        ("fast", None, 6.0),
    ]


def test_many_small_steps_are_not_lost(two: Session) -> None:
    for number in range(21):
        scores.save(two, [score(5 + number * 0.0001)], CAUSE)
    assert [round(after or 0, 3) for _, _, after in steps(two)] == [5.0, 5.001, 5.002]


def test_zero_and_minus_zero_are_one_score(two: Session) -> None:
    scores.save(two, [score(0.0)], CAUSE)
    assert scores.save(two, [score(-0.0001)], CAUSE) == []


def test_everything_else_is_kept_up_to_date_without_a_step(two: Session) -> None:
    scores.save(two, [score(5.0)], CAUSE)
    assert scores.save(two, [score(5.0, rank=7, record={"why": "y"})], CAUSE) == []
    held = scores.of_paper(two, "fast", "llama.cpp")["believed"]
    assert (held.rank, held.record) == (7, {"why": "y"})


@pytest.mark.both
def test_a_row_that_says_the_same_is_not_written_again(two: Session) -> None:
    written: list[int] = []

    @event.listens_for(two.connection(), "after_cursor_execute")
    def count(_c: Any, cursor: Any, statement: str, *_more: Any) -> None:
        if statement.startswith(("INSERT INTO score ", "INSERT INTO listing ")):
            written.append(cursor.rowcount)

    row = ListingValue("llama.cpp", "fast", "do_now", "untested", None, None, None, 1.5, [1.0], {})
    for value, listed in (
        (score(5.0, place=[1, -2.5, "fast"]), row),
        (score(5.0, place=[1, -2.5, "fast"], rank=None), row),  # a stored rank stays
        (score(5.0, place=[2, -2.5, "fast"]), row._replace(points=[1.5])),
        (score(5.0, place=[2, -2.5, "fast"], record={"why": "y"}), row._replace(device="cpu")),
    ):
        scores.save(two, [value], CAUSE)
        listing.save(two, [listed])
    assert written == [1, 1, 0, 0, 1, 1, 1, 1]


def test_the_cause_may_differ_by_paper(two: Session) -> None:
    own = {"fast": {"kind": "run", "ref": "abc", "message": "measured"}}
    written = scores.save(two, [score(5.0), score(4.0, "slow")], CAUSE, causes=own, at="2026-01-01")
    assert [(s.paper_id, s.cause["kind"], s.at) for s in written] == [
        ("fast", "run", "2026-01-01"),
        ("slow", "rule", "2026-01-01"),
    ]


def test_targets_and_kinds_do_not_mix(two: Session) -> None:
    scores.save(
        two,
        [
            score(5.0),
            score(6.0, kind="claimed"),
            score(7.0, target="vllm"),
            score(4.0, "slow", rank=2),
        ],
        CAUSE,
    )
    believed = scores.for_target(two, "llama.cpp", "believed")
    assert [(s.paper_id, s.value) for s in believed] == [("fast", 5.0), ("slow", 4.0)]
    assert set(scores.of_paper(two, "fast", "llama.cpp")) == {"believed", "claimed"}
    scores.forget_kinds(two, "llama.cpp", ["believed"])
    assert set(scores.of_paper(two, "fast", "llama.cpp")) == {"believed"}
    assert len(scores.of_paper(two, "fast", "vllm")) == 1


def test_papers_without_a_rank_come_last(two: Session) -> None:
    scores.save(two, [score(None, rank=None), score(4.0, "slow", rank=3)], CAUSE)
    assert [s.paper_id for s in scores.for_target(two, "llama.cpp")] == ["slow", "fast"]


def test_history_filters(two: Session) -> None:
    scores.save(two, [score(5.0), score(1.0, "slow")], CAUSE, at="2026-01-01")
    scores.save(two, [score(6.0), score(5.0, kind="claimed")], CAUSE, at="2026-02-01")
    assert len(scores.history(two, ["fast"])) == 3
    assert len(scores.history(two, ["fast"], kind="believed", target="llama.cpp")) == 2
    assert [s.after for s in scores.history(two, since="2026-01-01", kind="believed")] == [6.0]


def test_nothing_to_save(two: Session) -> None:
    assert scores.save(two, [], CAUSE) == []


def test_history_goes_with_its_paper(two: Session) -> None:
    scores.save(two, [score(5.0)], CAUSE)
    papers.remove(two, "fast")
    two.expire_all()
    assert two.query(ScoreChange).count() == 0


def placed(session: Session) -> list[tuple[str, int | None]]:
    found = scores.for_target(session, "llama.cpp", "believed")
    return [(score.paper_id, score.rank) for score in found]


def put(session: Session, name: str, order: float) -> None:
    value = score(-order, name, rank=None, place=[1, order, name])
    scores.save(session, [value], CAUSE)


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 9)), min_size=1, max_size=20))
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_one_paper_moves_as_if_all_were_numbered(
    session: Session, moves: list[tuple[int, int]]
) -> None:
    scores.forget_kinds(session, "llama.cpp", ())
    for number, order in moves:
        name = f"paper{number}"
        if session.get(Paper, name) is None:
            add_paper(session, name)
        put(session, name, order)
        scores.renumber(session, "llama.cpp", "believed", [name])
        by_one = placed(session)
        scores.renumber(session, "llama.cpp", "believed")
        assert by_one == placed(session)
        assert [rank for _, rank in by_one] == list(range(1, len(by_one) + 1))


def test_ranks_with_gaps_are_numbered_anew(two: Session) -> None:
    for name, order in (("fast", 1), ("slow", 2)):
        put(two, name, order)
    scores.renumber(two, "llama.cpp", "believed")
    papers.remove(two, "fast")
    put(two, "slow", 3)
    scores.renumber(two, "llama.cpp", "believed", ["slow"])
    assert placed(two) == [("slow", 1)]


@given(st.sets(st.integers(0, 9)), st.booleans())
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_what_removed_papers_left_closes_up(
    session: Session, gone: set[int], is_one_new: bool
) -> None:
    scores.forget_kinds(session, "llama.cpp", ())
    for number in range(10):
        name = f"paper{number}"
        if session.get(Paper, name) is None:
            add_paper(session, name)
        put(session, name, 20 - number)
    scores.renumber(session, "llama.cpp", "believed")
    for number in gone:
        papers.remove(session, f"paper{number}")
    if is_one_new:
        add_paper(session, "new")
        put(session, "new", 15.5)
    scores.renumber(session, "llama.cpp", "believed", [])
    closed = placed(session)
    scores.renumber(session, "llama.cpp", "believed")
    assert closed == placed(session)
    assert [rank for _, rank in closed] == list(range(1, len(closed) + 1))
    if is_one_new:
        papers.remove(session, "new")
