"""What SQLite and PostgreSQL say differently: upserts, JSON as text, numbers that count up.

SQLite is the default and stays untouched by any of it: what it is sent is what it always was.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from sqlalchemy import (
    JSON,
    ColumnElement,
    Connection,
    Integer,
    String,
    Table,
    Text,
    func,
    or_,
    select,
    type_coerce,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects import sqlite
from sqlalchemy.orm import Session

POSTGRES = "postgresql"


def is_postgres(bound: Connection | Session) -> bool:
    """Whether this connection or session speaks with PostgreSQL."""
    bind = bound if isinstance(bound, Connection) else bound.get_bind()
    return bind.dialect.name == POSTGRES


def insert(bound: Connection | Session, table: Any) -> sqlite.Insert:
    """Return an INSERT that may say what happens `on_conflict_…`; both databases know it."""
    if is_postgres(bound):
        from sqlalchemy.dialects import postgresql

        return cast(sqlite.Insert, postgresql.insert(table))
    return sqlite.insert(table)


def differs(
    bound: Connection | Session, table: Any, changed: Mapping[str, Any]
) -> ColumnElement[bool]:
    """Return whether an upsert would change anything of the row that is there, by its columns.

    A row written again costs as much as a new one, and PostgreSQL keeps the old one beside it. JSON
    is compared as the text that is stored.
    """
    parts: list[ColumnElement[bool]] = []
    for name, new in changed.items():
        held = getattr(table, name)
        if isinstance(held.type, JSON):
            held, new = json_text(bound, held), json_text(bound, new)
        parts.append(held.is_distinct_from(new))
    return or_(*parts)


def json_text(bound: Connection | Session, column: Any) -> ColumnElement[Any]:
    """Return a JSON column as the text that is stored: a reader decodes only what it needs.

    SQLite gives a JSON number back as a number: 1.0 comes as 1.
    """
    return sql_cast(column, Text) if is_postgres(bound) else type_coerce(column, String)


def count_on_from_highest(connection: Connection, table: Table) -> None:
    """Let a table's numbers go on after its highest, once rows came with numbers of their own.

    SQLite does so by itself.
    """
    keys = list(table.primary_key.columns)
    if not is_postgres(connection) or len(keys) != 1 or not isinstance(keys[0].type, Integer):
        return
    sequence = func.pg_get_serial_sequence(table.name, keys[0].name)
    highest = select(func.max(keys[0])).scalar_subquery()
    connection.execute(select(func.setval(sequence, highest)).where(highest.is_not(None)))
