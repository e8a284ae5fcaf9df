"""What people did to papers beside correcting facts: written down, found, marked as undone."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.errors import NotFoundError, RefusedError
from db.models import Edit, now
from db.queries import counters, papers

STATUS, NOTE, NOTE_REMOVED = "status", "note", "note_removed"


def add(session: Session, paper_id: str, kind: str, record: dict[str, Any], who: str) -> Edit:
    """Write an edit down; raises `NotFoundError` for an unknown paper."""
    counters.bump_aside(session)
    papers.get(session, paper_id)
    edit = Edit(paper_id=paper_id, kind=kind, record=record, who=who.strip())
    session.add(edit)
    session.flush()
    return edit


def get(session: Session, edit_id: int) -> Edit:
    """Return an edit; raises `NotFoundError`."""
    edit = session.get(Edit, edit_id, populate_existing=True)
    if edit is None:
        raise NotFoundError("There is no edit number {edit_id}.", edit_id=edit_id)
    return edit


def for_paper(session: Session, paper_id: str) -> list[Edit]:
    """Return a paper's edits, undone ones too, the newest first."""
    statement = (
        select(Edit).where(Edit.paper_id == paper_id).order_by(Edit.at.desc(), Edit.id.desc())
    )
    return list(session.scalars(statement))


def mark_undone(session: Session, edit: Edit, who: str) -> None:
    """Mark an edit as undone; raises `RefusedError` where it is already."""
    counters.bump_aside(session)
    session.refresh(edit)  # another one may have been faster, before the lock was ours
    if edit.undone_at is not None:
        raise RefusedError("That was undone already.")
    edit.undone_at = now()
    edit.undone_by = who.strip()
    session.flush()
