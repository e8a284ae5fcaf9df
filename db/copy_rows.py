"""Rows on their way from one database to another: read, made fit for the other, written, compared.

JSON goes over as the text that is stored: it is neither taken apart nor put together again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import JSON, Connection, Table, func, select

from db import postgres_errors
from db.dialects import is_postgres, json_text
from db.engine import place_of
from db.errors import RefusedError
from db.models import Job, Paper, now
from db.models.papers import LONGEST_KEY
from db.postgres import NUL, NUL_SHOWN

Row = tuple[Any, ...]
BATCH = 2_000
ACTIVE = ("queued", "running")
_NUMBER = re.compile(r"-?\d")


def count_rows(connection: Connection, table: Table) -> int:
    """Return how many rows a table has."""
    return connection.execute(select(func.count()).select_from(table)).scalar_one()


def count_active_jobs(connection: Connection) -> int:
    """Return how many jobs wait or run."""
    statement = select(func.count()).select_from(Job).where(Job.state.in_(ACTIVE))
    return connection.execute(statement).scalar_one()


def rows_of(connection: Connection, table: Table) -> Iterator[Row]:
    """Yield a table's rows by its primary key, which both databases sort alike."""
    columns = [
        json_text(connection, column) if _is_json(column) else column for column in table.columns
    ]
    statement = select(*columns).order_by(*table.primary_key.columns)
    streamed = connection.execution_options(yield_per=BATCH)
    for row in streamed.execute(statement):
        yield tuple(row)


def _is_json(column: Any) -> bool:
    return isinstance(column.type, JSON)


def carried_over(
    table: Table, lost: Mapping[str, Any], *, to_postgres: bool
) -> Callable[[Row], Row]:
    """Return what makes a row of this table fit for the other database.

    PostgreSQL holds no NUL in a text, nor a long one in an index, as earlier versions made the key
    of a long title. A job that waits or runs belongs to the catalog that it was
    asked of, and would be done twice: in the copy it is lost, with this message.
    """
    names = [column.name for column in table.columns]
    as_json = [number for number, column in enumerate(table.columns) if _is_json(column)]
    is_job = table is Job.__table__
    key = names.index("title_key") if table is Paper.__table__ else None
    moment = now()

    def carry(row: Row) -> Row:
        values = list(row)
        for number in as_json:
            # SQLite keeps a JSON number as a number.
            if values[number] is not None and not isinstance(values[number], str):
                values[number] = json.dumps(values[number])
        if is_job and row[names.index("state")] in ACTIVE:
            values[names.index("state")] = "lost"
            values[names.index("message")] = json.dumps(lost)
            values[names.index("finished_at")] = moment
        if to_postgres:
            values = [
                value.replace(NUL, NUL_SHOWN) if isinstance(value, str) and NUL in value else value
                for value in values
            ]
            if key is not None:
                values[key] = values[key][:LONGEST_KEY]
        return tuple(values)

    return carry


def write(connection: Connection, table: Table, rows: Iterator[Row]) -> None:
    """Put rows, as `carried_over` gave them, into a table.

    Raises `RefusedError` for a value that PostgreSQL can't hold.
    """
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    if is_postgres(connection):
        _copy_in(connection, f'COPY "{table.name}" ({names}) FROM STDIN (FREEZE)', rows)
        return
    marks = ", ".join("?" * len(table.columns))
    statement = f'INSERT INTO "{table.name}" ({names}) VALUES ({marks})'
    while some := list(islice(rows, BATCH)):
        connection.exec_driver_sql(statement, some)


def _copy_in(connection: Connection, statement: str, rows: Iterator[Row]) -> None:
    import psycopg

    driver: Any = connection.connection.driver_connection
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)
    except psycopg.DataError as error:
        # "COPY place, line 5, column page: …" says which, where the server gets that far
        raise RefusedError(
            "PostgreSQL can't hold a value of the catalog ({detail}; {where}). Nothing was copied: "
            "correct it, or remove its paper, and copy again.",
            detail=error.diag.message_primary or str(error).splitlines()[0],
            where=error.diag.context or "–",
        ) from error
    except psycopg.Error as error:
        known = postgres_errors.as_catalog_error(error, place_of(connection.engine))
        if known is None:
            raise
        raise known from error


def comparable(table: Table) -> Callable[[Row], bytes]:
    """Return what makes one text of a row, the same on both databases."""
    as_json = [number for number, column in enumerate(table.columns) if _is_json(column)]

    def text_of(row: Row) -> bytes:
        values: Sequence[Any] = row
        if as_json:
            changed = list(row)
            for number in as_json:
                changed[number] = _json_as_compared(changed[number])
            values = changed
        return repr(tuple(values)).encode()

    return text_of


def _json_as_compared(value: Any) -> Any:
    """SQLite makes a number of JSON that is one: 1.0 comes back as 1."""
    if isinstance(value, str) and _NUMBER.match(value):
        try:
            return float(value)
        except ValueError:
            return value
    return float(value) if isinstance(value, int | float) else value
