"""What papers are called and say of themselves: names, titles, abstracts of all or of some."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.models import Paper


class PaperNames(NamedTuple):
    """What a paper is called by."""

    paper_id: str
    arxiv_id: str | None
    title: str
    authors: str  # one after another


def names(session: Session) -> list[PaperNames]:
    """Return what all papers are called by, in no order."""
    statement = select(Paper.id, Paper.arxiv_id, Paper.title, Paper.authors)
    session.flush()
    return [
        PaperNames(paper_id, arxiv_id, title, " ".join(map(str, authors or ())))
        for paper_id, arxiv_id, title, authors in session.connection().execute(statement)
    ]


def titles(session: Session, paper_ids: Collection[str] | None = None) -> dict[str, str]:
    """Return the titles of all (or these) papers, by id."""
    statement = select(Paper.id, Paper.title)
    if paper_ids is not None:
        statement = statement.where(Paper.id.in_(list(paper_ids)))
    return {row.id: row.title for row in session.execute(statement)}


class PaperLevel(NamedTuple):
    """A paper's title, and how far it was read."""

    paper_id: str
    title: str
    read: str | None


def titles_and_levels(session: Session) -> list[PaperLevel]:
    """Return all papers' titles and how far each was read, in no order."""
    session.flush()
    found = session.connection().execute(select(Paper.id, Paper.title, Paper.read))
    return list(map(PaperLevel._make, found))


def abstracts(session: Session, paper_ids: Collection[str]) -> dict[str, str]:
    """Return the abstracts of some papers; those without one are absent."""
    statement = select(Paper.id, Paper.abstract).where(
        Paper.id.in_(list(paper_ids)), Paper.abstract.is_not(None)
    )
    return {paper_id: abstract or "" for paper_id, abstract in session.execute(statement)}
