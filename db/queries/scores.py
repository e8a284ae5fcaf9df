"""Scores: what the list shows, and the history of what moved them."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping
from itertools import groupby, pairwise
from typing import Any, NamedTuple

from sqlalchemy import Table, bindparam, case, delete, func, select, update
from sqlalchemy.orm import Session

from db.dialects import differs, insert, is_postgres, json_text
from db.models import Score, ScoreChange, now
from db.queries import counters

_FEW = 5000
"""Papers that one query names."""
DECIMALS = 3
"""A score that moves less than its third decimal didn't move: no line in the history."""


class ScoreValue(NamedTuple):
    """A score to store. `kind` is report, claimed or believed; `record` the breakdown and why."""

    paper_id: str
    target: str
    kind: str
    value: float | None
    low: float | None
    high: float | None
    rank: int | None
    record: dict[str, Any]
    place: list[Any] | None = None
    """What the rank goes by, the smallest first: such a score keeps its rank until `renumber`."""


def save(
    session: Session,
    values: Iterable[ScoreValue],
    cause: Mapping[str, Any],
    *,
    causes: Mapping[str, Mapping[str, Any]] | None = None,
    at: str | None = None,
) -> list[ScoreChange]:
    """Store scores and return the steps that the history gained.

    A step is written only where the value moved at three decimals, a score's first value included.
    `cause` ({"kind", "ref", "message"}) says what moved it; `causes` overrides it by paper id.
    """
    counters.bump(session)
    wanted = {(value.paper_id, value.target, value.kind): value for value in values}
    targets, papers = ({key[part] for key in wanted} for part in (1, 0))
    statement = select(Score.paper_id, Score.target, Score.kind, Score.value).where(
        Score.target.in_(targets)
    )
    if len(papers) <= _FEW:
        statement = statement.where(Score.paper_id.in_(papers))
    held = {(row.paper_id, row.target, row.kind): row.value for row in session.execute(statement)}
    if not wanted:
        return []
    upsert = insert(session, Score)
    changed = {
        name: getattr(upsert.excluded, name)
        for name in ("value", "low", "high", "rank", "record", "place")
    }
    changed["rank"] = func.coalesce(
        upsert.excluded.rank, case((upsert.excluded.place.is_not(None), Score.rank))
    )
    putting: Any = upsert.on_conflict_do_update(
        index_elements=[Score.paper_id, Score.target, Score.kind],
        set_=changed,
        where=differs(session, Score, changed),
    )
    if is_postgres(session):
        # With something to return a thousand rows go in one statement, not one each.
        putting = putting.returning(Score.paper_id)
    # On the connection: the unit of work would send a statement a row.
    session.connection().execute(putting, [value._asdict() for value in wanted.values()])
    moment = at or now()
    steps = [
        ScoreChange(
            paper_id=value.paper_id,
            target=value.target,
            kind=value.kind,
            before=held.get(key),
            after=value.value,
            cause=dict((causes or {}).get(value.paper_id, cause)),
            at=moment,
        )
        for key, value in wanted.items()
        if _rounded(held.get(key)) != _rounded(value.value)
    ]
    session.add_all(steps)
    session.flush()
    return steps


def _rounded(value: float | None) -> float | None:
    # + 0.0: −0.0 and 0.0 are one value.
    return None if value is None else round(value, DECIMALS) + 0.0


def for_target(session: Session, target: str, kind: str | None = None) -> list[Score]:
    """Return the scores for a target (of one kind) by rank; those without a rank come last."""
    statement = (
        select(Score)
        .where(Score.target == target)
        .order_by(Score.rank.is_(None), Score.rank, Score.paper_id, Score.kind)
        .execution_options(populate_existing=True)
    )
    if kind is not None:
        statement = statement.where(Score.kind == kind)
    return list(session.scalars(statement))


def renumber(
    session: Session, target: str, kind: str, changed: Collection[str] | None = None
) -> None:
    """Number the scores of a kind by their places; only ranks that changed are written.

    `changed` are the papers that may have moved, None for all. Where it is one, its new place is
    looked for among the others' instead of reading them all.
    """
    counters.bump(session)
    session.flush()
    if changed is not None and len(changed) == 1 and _move(session, target, kind, *changed):
        return
    if changed is not None and not changed and _close_up(session, target, kind):
        return
    statement = select(Score.paper_id, Score.rank, json_text(session, Score.place)).where(
        Score.target == target, Score.kind == kind, Score.place.is_not(None)
    )
    connection = session.connection()
    found = connection.execute(statement).all()
    # All places in one text: a call for each would take as long as the query.
    places = json.loads(f"[{','.join(place for _, _, place in found)}]")
    order = sorted(range(len(found)), key=places.__getitem__)
    moved = [
        {"b_paper": found[number].paper_id, "b_rank": position}
        for position, number in enumerate(order, start=1)
        if found[number].rank != position
    ]
    if moved:
        table = Score.__table__
        assert isinstance(table, Table)
        connection.execute(
            table.update()
            .where(
                table.c.paper_id == bindparam("b_paper"),
                table.c.target == target,
                table.c.kind == kind,
            )
            .values(rank=bindparam("b_rank")),
            moved,
        )


def _close_up(session: Session, target: str, kind: str) -> bool:
    """Close the gaps that removed papers left in the ranks; whether that was all there is to do."""
    connection = session.connection()
    of_kind = (Score.target == target, Score.kind == kind)
    waits = select(Score.paper_id).where(*of_kind, Score.place.is_not(None), Score.rank.is_(None))
    if connection.execute(waits.limit(1)).first() is not None:
        return False
    ranks = select(Score.rank).where(*of_kind, Score.rank.is_not(None)).order_by(Score.rank)
    held = connection.scalars(ranks).all()
    if any(after == before for before, after in pairwise(held)):
        return False
    # Between two gaps all move up by the same.
    for up, stretch in groupby(enumerate(held, start=1), lambda pair: (pair[1] or 0) - pair[0]):
        ends = [rank for _, rank in stretch]
        if up:
            between = Score.rank.between(ends[0], ends[-1])
            moved = update(Score).where(*of_kind, between).values(rank=Score.rank - up)
            connection.execute(moved)
    return True


def _move(session: Session, target: str, kind: str, paper_id: str) -> bool:
    """Give one paper the rank of its place, and close up the others; whether that was possible.

    It isn't where the ranks have gaps: a paper was removed, or several are new.
    """
    connection = session.connection()
    of_kind = (Score.target == target, Score.kind == kind)
    own = connection.execute(
        select(Score.rank, json_text(session, Score.place)).where(
            *of_kind, Score.paper_id == paper_id
        )
    ).one_or_none()
    # An index's entries counted, and its end: a quarter of the time of both in one statement.
    ranked = connection.scalar(
        select(func.count()).select_from(Score).where(*of_kind, Score.rank.is_not(None))
    )
    highest = connection.scalar(select(func.max(Score.rank)).where(*of_kind))
    unranked = connection.scalar(
        select(func.count()).where(*of_kind, Score.rank.is_(None), Score.paper_id != paper_id)
    )
    if own is None or own.place is None or unranked or ranked != (highest or 0):
        return False
    before, place = own.rank, json.loads(own.place)

    def is_ahead(number: int) -> bool:
        """Whether the other paper at this place, from 0, comes before."""
        rank = number + 1 if before is None or number + 1 < before else number + 2
        other = connection.scalar(
            select(json_text(session, Score.place)).where(*of_kind, Score.rank == rank)
        )
        return bool(json.loads(str(other)) < place)

    others = range(ranked - (before is not None))
    rank = bisect_left(others, True, key=lambda number: not is_ahead(number)) + 1
    if rank == before:
        return True
    if before is None:
        shift, between = 1, Score.rank >= rank
    elif rank < before:
        shift, between = 1, Score.rank.between(rank, before - 1)
    else:
        shift, between = -1, Score.rank.between(before + 1, rank)
    for values, where in (
        ({"rank": Score.rank + shift}, (between, Score.paper_id != paper_id)),
        ({"rank": rank}, (Score.paper_id == paper_id,)),
    ):
        connection.execute(update(Score).where(*of_kind, *where).values(**values))
    return True


def are_placed(session: Session, target: str) -> bool:
    """Whether every score that has a rank by belief or by claims has its place too."""
    missing = select(Score.paper_id).where(
        Score.target == target, Score.kind != "report", Score.place.is_(None)
    )
    return session.execute(missing.limit(1)).first() is None


def places(session: Session, target: str, kind: str = "believed") -> list[tuple[Any, ...]]:
    """Return what the ranks of a kind go by, in no order; a place ends with its paper's id."""
    statement = select(json_text(session, Score.place)).where(
        Score.target == target, Score.kind == kind, Score.place.is_not(None)
    )
    session.flush()
    rows = session.connection().execute(statement).all()
    # All in one text: a call for each would take as long as the query.
    return list(map(tuple, json.loads(f"[{','.join(place for (place,) in rows)}]")))


def of_paper(session: Session, paper_id: str, target: str) -> dict[str, Score]:
    """Return a paper's scores for a target, by kind."""
    statement = (
        select(Score)
        .where(Score.paper_id == paper_id, Score.target == target)
        .execution_options(populate_existing=True)
    )
    return {score.kind: score for score in session.scalars(statement)}


def history(
    session: Session,
    paper_ids: Collection[str] | None = None,
    *,
    target: str | None = None,
    kind: str | None = None,
    since: str | None = None,
) -> list[ScoreChange]:
    """Return the steps of scores' histories, the oldest first."""
    statement = select(ScoreChange).order_by(ScoreChange.at, ScoreChange.id)
    if paper_ids is not None:
        statement = statement.where(ScoreChange.paper_id.in_(list(paper_ids)))
    if target is not None:
        statement = statement.where(ScoreChange.target == target)
    if kind is not None:
        statement = statement.where(ScoreChange.kind == kind)
    if since is not None:
        statement = statement.where(ScoreChange.at > since)
    return list(session.scalars(statement))


def forget_kinds(session: Session, target: str, keep: Collection[str]) -> None:
    """Delete the scores for a target of every kind that isn't in `keep`; history stays."""
    counters.bump(session)
    session.execute(delete(Score).where(Score.target == target, Score.kind.not_in(list(keep))))
