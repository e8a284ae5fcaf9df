"""Readings: the facts of one moment, kept as they were, and what two of them see differently."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, insert, literal, select
from sqlalchemy.orm import Session

from db.dialects import is_postgres, json_text
from db.errors import DuplicateError
from db.models import Fact, Reading
from db.queries import counters
from db.queries.facts import CURRENT, PRECEDENCE, FactRow, effective

_AT_ONCE = 5000
"""Facts that are in memory, or named in a statement, at a time."""
_COPIED = (
    "paper_id", "field", "value", "source", "reasons", "evidence", "who", "why", "at",
)  # fmt: skip


class Difference(NamedTuple):
    """One field of one paper that two readings see differently; None where one says nothing."""

    paper_id: str
    field: str
    before: FactRow | None
    after: FactRow | None


class StandingFact(NamedTuple):
    """What a fact that counts says, as `FactRow` has it."""

    id: int
    paper_id: str
    field: str
    source: str
    value_json: str | float


def standing(session: Session, reading: str = CURRENT) -> Iterator[StandingFact]:
    """Yield the facts that count in a reading, as `effective` chooses them, by paper and field.

    They are read as they are asked for, and sorted by the letters' numbers in either database.
    """
    paper_id, field = (_by_letters(session, name) for name in (Fact.paper_id, Fact.field))
    statement = (
        select(Fact.id, Fact.paper_id, Fact.field, Fact.source, json_text(session, Fact.value))
        .where(Fact.reading_id == reading, Fact.reverted_at.is_(None))
        .order_by(paper_id, field, Fact.id)
        .execution_options(yield_per=_AT_ONCE)
    )
    session.flush()
    rows = map(StandingFact._make, session.connection().execute(statement))
    for _, facts in groupby(rows, itemgetter(1, 2)):
        # `max` keeps the first of equals: from behind that is the newest.
        yield max(reversed(list(facts)), key=lambda fact: PRECEDENCE[fact.source])


def _by_letters(session: Session, column: Any) -> ColumnElement[str]:
    ordered: ColumnElement[str] = column.collate("C") if is_postgres(session) else column
    return ordered


def freeze(session: Session, reading_id: str, *, title: dict[str, Any], date: str) -> Reading:
    """Copy what counts in `current` into a new reading that nobody changes afterwards.

    Raises `DuplicateError` where a reading has that id already.
    """
    counters.bump(session)
    if session.get(Reading, reading_id) is not None:
        raise DuplicateError(
            "There is a reading {reading_id!r} already: choose another name.",
            existing=reading_id,
            reading_id=reading_id,
        )
    reading = Reading(id=reading_id, date=date, title=title, frozen=True)
    session.add(reading)
    session.flush()
    kept = sorted(fact.id for fact in standing(session))
    columns = [getattr(Fact, name) for name in _COPIED]
    for first in range(0, len(kept), _AT_ONCE):
        chosen = select(literal(reading_id), *columns).where(
            Fact.id.in_(kept[first : first + _AT_ONCE])
        )
        # In the database: a hundred thousand papers' facts would be a gigabyte here.
        session.execute(
            insert(Fact).from_select(("reading_id", *_COPIED), chosen.order_by(Fact.id))
        )
    return reading


def differences(
    session: Session,
    earlier: str,
    later: str = CURRENT,
    paper_ids: Collection[str] | None = None,
) -> list[Difference]:
    """Return the fields of all (or these) papers that two readings see differently, in order."""
    before = effective(session, earlier, paper_ids)
    after = effective(session, later, paper_ids)
    found = []
    for paper_id in sorted(before.keys() | after.keys()):
        old, new = before.get(paper_id, {}), after.get(paper_id, {})
        for field in sorted(old.keys() | new.keys()):
            was, now_is = old.get(field), new.get(field)
            if was is None or now_is is None or was.value != now_is.value:
                found.append(Difference(paper_id, field, was, now_is))
    return found
