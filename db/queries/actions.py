"""Who did what where several people share a workbench: written down, and the newest of it."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.models import Action

LONGEST = 200


def add(session: Session, who: str, what: str, subject: str = "") -> Action:
    """Write down that somebody did something; no page's figures change by it."""
    action = Action(who=who[:LONGEST], what=what, subject=subject[:LONGEST])
    session.add(action)
    session.flush()
    return action


def newest(session: Session, limit: int = 50) -> list[Action]:
    """Return the newest actions, the newest first."""
    statement = select(Action).order_by(Action.at.desc(), Action.id.desc()).limit(limit)
    return list(session.scalars(statement))
