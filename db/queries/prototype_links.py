"""Which prototypes can test which papers: by the seed, and by what people linked or unlinked."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session, load_only

from db.models import Fact, Paper, PrototypeLink

LINK = "prototype."
"""Begins the field by which a person links a paper with a prototype: `prototype.sampling`."""
LINKED, UNLINKED = "linked", "unlinked"


def prototypes(session: Session) -> dict[str, list[str]]:
    """Return the names of the prototypes that can test each paper, by paper id.

    The seed's links, and what people linked or unlinked: their newest word that stands.
    """
    statement = select(PrototypeLink.paper_id, PrototypeLink.prototype)
    pairs = {(paper_id, prototype) for paper_id, prototype in session.execute(statement)}
    for paper_id, prototype, is_linked in _by_people(session):
        (pairs.add if is_linked else pairs.discard)((paper_id, prototype))
    links: dict[str, list[str]] = {}
    for paper_id, prototype in sorted(pairs):
        links.setdefault(paper_id, []).append(prototype)
    return links


def _by_people(session: Session) -> list[tuple[str, str, bool]]:
    """Return people's words on links, the oldest first."""
    statement = (
        select(Fact.paper_id, Fact.field, Fact.value)
        .where(
            Fact.source == "person",
            Fact.field >= LINK,
            Fact.field < LINK[:-1] + "/",  # what follows the dot in the order of letters
            Fact.reverted_at.is_(None),
            Fact.reading_id == "current",
        )
        .order_by(Fact.id)
    )
    return [
        (paper_id, field.removeprefix(LINK), value == LINKED)
        for paper_id, field, value in session.execute(statement)
    ]


def of_prototype(session: Session, prototype: str) -> list[Paper]:
    """Return the papers that `prototype` can test, without their abstracts and analyses."""
    ids = [paper for paper, names in prototypes(session).items() if prototype in names]
    statement = (
        select(Paper)
        .where(Paper.id.in_(ids))
        .options(load_only(Paper.id, Paper.arxiv_id, Paper.title, Paper.is_seed, Paper.status))
        .order_by(Paper.id)
    )
    return list(session.scalars(statement))
