"""Named integers: `catalog` grows with every write that a page shows, `jobs` with every job's step.

A page keeps what it computed for as long as the number stands still. `asides` counts those writes
to the catalog that change no score, no fact and no word of a paper: a paper is kept or rejected, a
watch is asked. With a hundred thousand papers what all of them are ordered and searched by takes a
second to read, and needn't be read again for that.
"""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.dialects import insert
from db.engine import CHANGED
from db.models import Counter

CATALOG = "catalog"
JOBS = "jobs"
ASIDES = "asides"


class Versions(NamedTuple):
    """The catalog's numbers at one moment."""

    catalog: int
    """Grows with every write that a page shows."""
    papers: int
    """Grows with those that may change a paper's score, rank, facts, claims, notes or words."""


def bump(session: Session, name: str = CATALOG) -> int:
    """Count up `name` and return its new value; takes the database's write lock."""
    if name == CATALOG:
        session.info[CHANGED] = True
    statement = insert(session, Counter).values(name=name, value=1)
    statement = statement.on_conflict_do_update(
        index_elements=[Counter.name], set_={"value": Counter.value + 1}
    )
    return session.execute(statement.returning(Counter.value)).scalar_one()


def bump_aside(session: Session) -> None:
    """Count up the catalog for a write that changes no score, no fact and no word of a paper."""
    bump(session)
    bump(session, ASIDES)


def versions(session: Session) -> Versions:
    """Return the catalog's numbers."""
    wanted = select(Counter.name, Counter.value).where(Counter.name.in_((CATALOG, ASIDES)))
    held = {row.name: row.value for row in session.execute(wanted)}
    catalog = held.get(CATALOG, 0)
    return Versions(catalog, catalog - held.get(ASIDES, 0))


def put(session: Session, name: str, value: int) -> None:
    """Set `name` to `value`, for a number that is a fingerprint and not a count."""
    statement = insert(session, Counter).values(name=name, value=value)
    session.execute(
        statement.on_conflict_do_update(index_elements=[Counter.name], set_={"value": value})
    )


def read(session: Session, name: str = CATALOG) -> int:
    """Return the value of `name`; 0 before the first write."""
    return session.execute(select(Counter.value).where(Counter.name == name)).scalar() or 0
