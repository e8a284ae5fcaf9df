"""Corrections in words: what the seed says today of what the first report held."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.models import Correction


def for_papers(
    session: Session, paper_ids: Collection[str] | None = None
) -> dict[str, list[Correction]]:
    """Return the corrections of all (or these) papers, by paper id, in the order they were made."""
    statement = select(Correction).order_by(Correction.paper_id, Correction.date, Correction.id)
    if paper_ids is not None:
        statement = statement.where(Correction.paper_id.in_(list(paper_ids)))
    found: dict[str, list[Correction]] = {}
    for correction in session.scalars(statement):
        found.setdefault(correction.paper_id, []).append(correction)
    return found
