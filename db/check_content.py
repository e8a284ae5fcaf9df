"""What a catalog in a file may hold besides what Assay wrote: somebody else's triggers, odd values.

SQLite stores any value in any column, and a trigger that came with a file is run by whoever writes
to it. PostgreSQL has its owner for the one, and refuses the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import JSON, Column, Connection, Float, Integer, String, create_engine, text

from db import schema
from db.models import Base

_OBJECTS = text("SELECT type, name, sql FROM sqlite_master WHERE type IN ('trigger', 'view')")


def foreign_objects(connection: Connection) -> Iterator[tuple[str, str]]:
    """Yield (type, name) of triggers and views that a catalog of this schema doesn't have."""
    ours = _own_objects()
    for kind, name, sql in connection.execute(_OBJECTS):
        if ours.get((kind, name)) != sql:
            yield str(kind), str(name)


def _own_objects() -> dict[tuple[str, str], str]:
    engine = create_engine("sqlite://")
    try:
        with engine.connect() as connection:
            schema.make_tables(connection)
            return {(kind, name): sql for kind, name, sql in connection.execute(_OBJECTS)}
    finally:
        engine.dispose()


def odd_values(connection: Connection) -> Iterator[tuple[str, str, int]]:
    """Yield (table, column, rows) where values can't be read back as what belongs there."""
    for table in Base.metadata.sorted_tables:
        tests = {column.name: test for column in table.columns if (test := _is_odd(column))}
        if not tests:
            continue
        sums = ", ".join(f"coalesce(sum({test}), 0)" for test in tests.values())
        row = connection.execute(text(f'SELECT {sums} FROM "{table.name}"')).one()
        yield from ((table.name, name, n) for name, n in zip(tests, row, strict=True) if n)


def _is_odd(column: Column[Any]) -> str | None:
    """Return SQL that is 1 for a value that doesn't belong into a column."""
    name = f'"{column.name}"'
    if isinstance(column.type, JSON):
        return f"{name} IS NOT NULL AND NOT json_valid({name})"
    if isinstance(column.type, String):
        return f"typeof({name}) NOT IN ('text', 'null')"
    if isinstance(column.type, (Integer, Float)):
        return f"typeof({name}) NOT IN ('integer', 'real', 'null')"
    return None
