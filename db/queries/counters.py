"""Named integers: `catalog` grows with every write that a page shows, `jobs` with every job's step.

A page keeps what it computed for as long as the number stands still.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.dialects import insert
from db.engine import CHANGED
from db.models import Counter

CATALOG = "catalog"
JOBS = "jobs"


def bump(session: Session, name: str = CATALOG) -> int:
    """Count up `name` and return its new value; takes the database's write lock."""
    if name == CATALOG:
        session.info[CHANGED] = True
    statement = insert(session, Counter).values(name=name, value=1)
    statement = statement.on_conflict_do_update(
        index_elements=[Counter.name], set_={"value": Counter.value + 1}
    )
    return session.execute(statement.returning(Counter.value)).scalar_one()


def put(session: Session, name: str, value: int) -> None:
    """Set `name` to `value`, for a number that is a fingerprint and not a count."""
    statement = insert(session, Counter).values(name=name, value=value)
    session.execute(
        statement.on_conflict_do_update(index_elements=[Counter.name], set_={"value": value})
    )


def read(session: Session, name: str = CATALOG) -> int:
    """Return the value of `name`; 0 before the first write."""
    return session.execute(select(Counter.value).where(Counter.name == name)).scalar() or 0
