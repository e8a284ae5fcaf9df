"""A person's notes on papers."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.errors import NotFoundError, RefusedError
from db.models import Note
from db.queries import counters, papers


def add(session: Session, paper_id: str, text: str, who: str) -> Note:
    """Add a note; raises `NotFoundError` for an unknown paper, `RefusedError` for an empty note."""
    if not text.strip():
        raise RefusedError("The note is empty: write something.")
    counters.bump(session)
    papers.get(session, paper_id)
    note = Note(paper_id=paper_id, text=text.strip(), who=who.strip())
    session.add(note)
    session.flush()
    return note


def for_paper(session: Session, paper_id: str) -> list[Note]:
    """Return a paper's notes, the oldest first."""
    return list(session.scalars(select(Note).where(Note.paper_id == paper_id).order_by(Note.id)))


def get(session: Session, note_id: int) -> Note:
    """Return a note; raises `NotFoundError`."""
    note = session.get(Note, note_id)
    if note is None:
        raise _no_such(note_id)
    return note


def _no_such(note_id: int) -> NotFoundError:
    return NotFoundError("There is no note number {note_id}.", note_id=note_id)


def restore(session: Session, paper_id: str, text: str, who: str, at: str) -> Note:
    """Put a note back that was removed, as it was."""
    counters.bump(session)
    note = Note(paper_id=paper_id, text=text, who=who, at=at)
    session.add(note)
    session.flush()
    return note


def remove(session: Session, note_id: int) -> None:
    """Delete a note; raises `NotFoundError`."""
    counters.bump(session)
    note = session.get(Note, note_id, populate_existing=True)
    if note is None:
        raise _no_such(note_id)
    session.delete(note)
    session.flush()
