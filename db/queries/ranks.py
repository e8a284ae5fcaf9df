"""Papers' ranks for a target, by what is believed of them."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from db.dialects import is_postgres, json_text
from db.models import Score

_FEW = 5000
"""Papers that one query names."""


def ranks(
    session: Session, target: str, paper_ids: Collection[str] | None = None
) -> dict[str, int]:
    """Return the ranks of all (or these) papers by what is believed of them, by id."""
    session.flush()
    connection = session.connection()
    if paper_ids is not None and len(paper_ids) <= _FEW:
        ids = list(paper_ids) if is_postgres(session) else json.dumps(list(paper_ids))
        found = connection.execute(_RANKS[is_postgres(session)], {"ids": ids, "target": target})
    else:
        found = connection.execute(
            select(Score.paper_id, Score.rank).where(
                Score.target == target, Score.kind == "believed", Score.rank.is_not(None)
            )
        )
    return {paper_id: rank for paper_id, rank in found if rank is not None}


_RANKS = [
    text(f"SELECT s.paper_id, s.rank FROM {where} AND s.target = :target AND s.kind = 'believed'")
    for where in (
        # In this order, and no other: of its own accord SQLite goes through the whole ranking.
        "json_each(:ids) n CROSS JOIN score s ON s.paper_id = n.value",
        "score s WHERE s.paper_id = ANY(:ids)",
    )
]
"""By whether it is PostgreSQL: the ranks of these papers."""


def best(session: Session, target: str, among: Collection[str], most: int) -> dict[str, int]:
    """Return the best ranked of these papers with their ranks, the best first.

    The fewer they are the more of the ranking is looked through: few are looked up at once.
    """
    if len(among) <= _FEW:
        held = sorted(ranks(session, target, among).items(), key=lambda item: item[1])
        return dict(held[:most])
    statement = (
        select(Score.paper_id, Score.rank)
        .where(Score.target == target, Score.kind == "believed", Score.rank.is_not(None))
        .order_by(Score.rank)
        .execution_options(yield_per=1000)
    )
    found: dict[str, int] = {}
    with session.connection().execute(statement) as rows:
        for paper_id, rank in rows:
            if paper_id in among and rank is not None:
                found[paper_id] = rank
                if len(found) == most:
                    break
    return found


def place_at(session: Session, target: str, rank: int) -> tuple[Any, ...]:
    """Return what the rank of the paper that is believed to be this one goes by."""
    statement = select(json_text(session, Score.place)).where(
        Score.target == target, Score.kind == "believed", Score.rank == rank
    )
    return tuple(json.loads(str(session.connection().scalar(statement))))


def last_rank(session: Session, target: str) -> int | None:
    """Return the last rank by belief; None where the ranks have gaps or papers wait for one."""
    of_kind = (Score.target == target, Score.kind == "believed")
    unranked = select(Score.paper_id).where(*of_kind, Score.rank.is_(None)).limit(1)
    if session.execute(unranked).first() is not None:
        return None
    ranked = session.scalar(select(func.count()).select_from(Score).where(*of_kind))
    last = session.scalar(select(func.max(Score.rank)).where(*of_kind))
    return last if ranked == last else None
