"""Which papers lack a score for a target, or a score its row of the ranking: mostly none.

Scores and rows belong to papers, one a paper and target: as many as there are papers are all of
them. Counting costs a tenth of looking for the one that is missing.
"""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db.models import Listing, Paper, Score


def unscored(session: Session, target: str) -> list[str]:
    """Return the ids of papers that have no believed score for a target yet."""
    if _papers(session) == _scored(session, target):
        return []
    scored = select(Score.paper_id).where(Score.target == target, Score.kind == "believed")
    return list(session.scalars(select(Paper.id).where(Paper.id.not_in(scored)).order_by(Paper.id)))


def is_listed(session: Session, target: str) -> bool:
    """Whether every believed score for a target has its row of the ranking."""
    papers = _papers(session)
    if papers == _scored(session, target) == _listed(session, target):
        return True
    has_row = select(Listing.paper_id).where(
        Listing.target == target, Listing.paper_id == Score.paper_id
    )
    missing = select(Score.paper_id).where(
        Score.target == target, Score.kind == "believed", ~has_row.exists()
    )
    return session.execute(missing.limit(1)).first() is None


def _papers(session: Session) -> int:
    return session.execute(select(func.count()).select_from(Paper)).scalar_one()


def _scored(session: Session, target: str) -> int:
    counted = select(func.count()).select_from(Score)
    found = session.execute(counted.where(Score.target == target, Score.kind == "believed"))
    return found.scalar_one()


def _listed(session: Session, target: str) -> int:
    counted = select(func.count()).select_from(Listing).where(Listing.target == target)
    return session.execute(counted).scalar_one()
