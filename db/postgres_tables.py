"""What tables in PostgreSQL need beside the migrations, and what is asked of their database."""

from __future__ import annotations

from sqlalchemy import Connection, MetaData, exists, func, select, text

from db.errors import NotACatalogError

_NOT_BY_BYTES = text(
    """
    SELECT c.relname AS table, a.attname AS column
    FROM pg_attribute a
    JOIN pg_class c ON c.oid = a.attrelid AND c.relkind = 'r'
    JOIN pg_collation o ON o.oid = a.attcollation
    WHERE c.relnamespace = current_schema()::regnamespace
      AND a.attnum > 0 AND NOT a.attisdropped AND o.collname != 'C'
    ORDER BY c.relname, a.attnum
    """
)


def require_utf8(connection: Connection) -> None:
    """Raise `NotACatalogError` for a database that can't hold every sign."""
    encoding = connection.execute(text("SHOW server_encoding")).scalar_one()
    if encoding != "UTF8":
        raise NotACatalogError(
            "The database holds its texts as {encoding}, which lacks most characters: make one "
            "with `createdb --encoding=UTF8 --template=template0`.",
            encoding=encoding,
        )


def finish(connection: Connection) -> None:
    """Make all texts sort by their bytes, whatever the language of the server is.

    SQLite sorts so, and ranges of keys and the order of times count on it. Asked after each
    upgrade, before the search's triggers hold on to columns: no migration need think of it.
    """
    changes: dict[str, list[str]] = {}
    for table, column in connection.execute(_NOT_BY_BYTES):
        changes.setdefault(table, []).append(f'ALTER COLUMN "{column}" TYPE VARCHAR COLLATE "C"')
    for table, parts in changes.items():
        connection.exec_driver_sql(f'ALTER TABLE "{table}" {", ".join(parts)}')


def broken_indexes(connection: Connection) -> list[str]:
    """Return the names of indexes that PostgreSQL itself knows to be incomplete."""
    statement = text(
        "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
        "WHERE NOT i.indisvalid AND c.relnamespace = current_schema()::regnamespace "
        "ORDER BY c.relname"
    )
    return list(connection.scalars(statement))


def rows_that_point_nowhere(
    connection: Connection, metadata: MetaData
) -> dict[tuple[str, str], int]:
    """Return how many rows of a table point to no row of another, by the names of both.

    The server refuses such rows, unless a dump was restored with its triggers off.
    """
    counts: dict[tuple[str, str], int] = {}
    for table in metadata.sorted_tables:
        for key in table.foreign_keys:
            other = key.column.table.alias()
            target = other.c[key.column.name]
            statement = select(func.count()).where(
                key.parent.is_not(None), ~exists().where(target == key.parent)
            )
            count = connection.execute(statement.select_from(table)).scalar_one()
            if count:
                pair = (table.name, key.column.table.name)
                counts[pair] = counts.get(pair, 0) + count
    return counts
