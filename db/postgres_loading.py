"""A whole catalog put into empty tables of PostgreSQL at once: what waits until the rows are in.

A row at a time the server would check what it points to, sort it into every index and run its
triggers; for all rows together that takes a third of the time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Connection, text

_MEMORY = "256MB"
"""For sorting an index's entries, for this transaction only; the server's own default is 64 MB."""

_KEYS = text(
    """
    SELECT o.conrelid::regclass::text, quote_ident(o.conname), pg_get_constraintdef(o.oid)
    FROM pg_constraint o JOIN pg_class c ON c.oid = o.conrelid
    WHERE o.contype = 'f' AND c.relname = ANY(:tables)
      AND c.relnamespace = current_schema()::regnamespace
    ORDER BY 1, 2
    """
)
# Those of primary keys and of what must be unique stay.
_INDEXES = text(
    """
    SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid)
    FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relname = ANY(:tables)
      AND NOT i.indisunique
      AND NOT EXISTS (SELECT 1 FROM pg_constraint o WHERE o.conindid = i.indexrelid)
    ORDER BY 1
    """
)


@contextmanager
def loading(connection: Connection, names: Sequence[str]) -> Iterator[None]:
    """Let rows come into empty tables without triggers, keys and indexes, which follow at the end.

    `names` are the tables: nobody else's in the same database is touched.
    All in the caller's transaction: where that is rolled back nothing was changed. Tables are
    emptied once more, so that COPY may store rows as old ones (FREEZE): nobody has to write them a
    second time, and what is only in an index is read there from the start.
    """
    tables = [f'"{name}"' for name in names]
    keys = [tuple(row) for row in connection.execute(_KEYS, {"tables": [*names]})]
    indexes = [tuple(row) for row in connection.execute(_INDEXES, {"tables": [*names]})]
    for table, name, _ in keys:
        connection.exec_driver_sql(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    for name, _ in indexes:
        connection.exec_driver_sql(f"DROP INDEX {name}")
    connection.exec_driver_sql(f"TRUNCATE {', '.join(tables)}")
    for table in tables:
        connection.exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    yield
    connection.exec_driver_sql(f"SET LOCAL maintenance_work_mem = '{_MEMORY}'")
    for table in tables:
        connection.exec_driver_sql(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    for _, definition in indexes:
        connection.exec_driver_sql(definition.replace("%", "%%"))
    for table, name, definition in keys:
        connection.exec_driver_sql(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")
    connection.exec_driver_sql("ANALYZE")
