"""The ranking's rows: storing them, and whole ones of the papers shown."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.dialects import differs, insert, is_postgres, json_text
from db.models import Listing, Paper, Score

_CHUNK = 500
"""Papers that one query names."""


class ListingValue(NamedTuple):
    """A row to store; the columns are those of `db.models.Listing`."""

    target: str
    paper_id: str
    recommendation: str
    verdict: str
    technique: str | None
    complexity: str | None
    device: str | None
    run_high: float | None
    points: list[float]
    row: dict[str, Any]


class Shown(NamedTuple):
    """What a list shows of a paper, but for words and the rank."""

    row: dict[str, Any]
    title: str
    authors: list[Any]
    published: str | None
    status: str
    is_seed: bool
    added_at: str
    rank_claimed: int | None
    score_report: float | None
    rank_report: int | None


def save(session: Session, values: Iterable[ListingValue]) -> None:
    """Store rows, each instead of the one that its paper has for this target."""
    rows = [value._asdict() for value in values]
    if not rows:
        return
    upsert = insert(session, Listing)
    changed = {
        name: getattr(upsert.excluded, name)
        for name in ListingValue._fields
        if name not in ("target", "paper_id")
    }
    putting: Any = upsert.on_conflict_do_update(
        index_elements=[Listing.target, Listing.paper_id],
        set_=changed,
        where=differs(session, Listing, changed),
    )
    if is_postgres(session):
        # With something to return a thousand rows go in one statement, not one each.
        putting = putting.returning(Listing.paper_id)
    session.flush()
    session.connection().execute(putting, rows)


def shown(session: Session, target: str, paper_ids: Collection[str]) -> dict[str, Shown]:
    """Return what a list shows of these papers, by id; one that is gone is left out."""
    wanted = iter(paper_ids)
    found: dict[str, Shown] = {}
    while chunk := list(islice(wanted, _CHUNK)):
        found |= _shown(session, target, chunk)
    return found


def _shown(session: Session, target: str, paper_ids: list[str]) -> Mapping[str, Shown]:
    scores = select(Score.paper_id, Score.kind, Score.value, Score.rank).where(
        Score.target == target, Score.paper_id.in_(paper_ids), Score.kind.in_(("claimed", "report"))
    )
    session.flush()
    connection = session.connection()
    held = {
        (paper_id, kind): (value, rank)
        for paper_id, kind, value, rank in connection.execute(scores)
    }
    rows = (
        select(
            Paper.id,
            json_text(session, Listing.row),
            Paper.title,
            json_text(session, Paper.authors),
            Paper.published,
            Paper.status,
            Paper.is_seed,
            Paper.added_at,
        )
        .outerjoin(Listing, (Listing.paper_id == Paper.id) & (Listing.target == target))
        .where(Paper.id.in_(paper_ids))
    )
    found: dict[str, Shown] = {}
    for paper_id, row, title, authors, published, status, is_seed, added_at in connection.execute(
        rows
    ):
        _, rank_claimed = held.get((paper_id, "claimed"), (None, None))
        score_report, rank_report = held.get((paper_id, "report"), (None, None))
        found[paper_id] = Shown(
            json.loads(row) if row else {},
            title,
            json.loads(authors) if authors else [],
            published,
            status,
            is_seed,
            added_at,
            rank_claimed,
            score_report,
            rank_report,
        )
    return found
