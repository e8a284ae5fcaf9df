"""The whole catalog into an empty database: from SQLite to PostgreSQL for a team, or back.

One transaction writes all of it, and ends with what was written being read again and compared. So a
copy that is stopped or killed leaves the database as empty as it was, and can be begun again.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Table, delete, make_url

from db import copy_rows, schema, search_postgres
from db.copy_rows import Row
from db.dialects import count_on_from_highest, is_postgres
from db.engine import catalog_errors, is_postgres_url, open_engine, place_of, read_scope
from db.errors import CatalogError, NoSpaceError, RefusedError
from db.models import Base, Runner, SearchStale
from db.parts import new_part
from db.postgres_loading import loading

Progress = Callable[[str, int, int | None], None]
"""Told of each step ("copy", "index" or "compare") how far it is: done, and total where known."""

LEFT_OUT = frozenset({Runner.__tablename__})
"""The process that works through the jobs belongs to the catalog that it runs for."""


@dataclass(frozen=True, slots=True)
class Copied:
    """What a copy holds."""

    place: str
    rows: dict[str, int]
    """By table."""
    stopped_jobs: int
    """Jobs that wait or run in the source; in the copy they are lost, and can be tried again."""


def copy_catalog(
    source: Engine,
    url: str,
    *,
    lost: Mapping[str, Any],
    on_progress: Progress = lambda step, done, total: None,
) -> Copied:
    """Copy the catalog of `source`, as it is at this moment, to the empty database at `url`.

    The source is only read, and others may go on working with it: what they write meanwhile isn't
    in the copy. `lost` is what a job that waits or runs there says here. Raises `RefusedError` for
    a database that holds anything, and for a value that it can't hold; `NotSetUpError` for a source
    of another schema; `CatalogError`. An exception out of `on_progress` stops the copy, as Ctrl-C
    does.
    """
    schema.require_current(source)
    with _target(url) as (target, place), read_scope(source) as session:
        found = session.connection()
        with catalog_errors(target), target.connect() as connection:
            schema.make_tables(connection)
            names = [*Base.metadata.tables, *search_postgres.TABLES]
            with loading(connection, names) if is_postgres(connection) else nullcontext():
                written = _fill(found, connection, lost, on_progress)
            _compare(written, connection, on_progress)
            connection.commit()
        jobs = copy_rows.count_active_jobs(found)
    return Copied(place, {name: count for name, (count, _) in written.items()}, jobs)


@contextmanager
def _target(url: str) -> Iterator[tuple[Engine, str]]:
    """Yield an engine for an empty database, and what it is called; a file appears when whole."""
    if is_postgres_url(url):
        engine = open_engine(url)
        try:
            yield engine, place_of(engine)
        finally:
            engine.dispose()
        return
    file = make_url(url).database
    if not file or file == ":memory:":
        raise RefusedError("Name the file that the catalog is copied to.")
    target = Path(file)
    if target.exists():
        raise _exists(target)
    part = _part(target)
    engine = open_engine(f"sqlite:///{part}")
    try:
        yield engine, str(target)
        engine.dispose()
        _flush(part)
        try:
            target.hardlink_to(part)
        except FileExistsError:
            raise _exists(target) from None
        except OSError:  # a file system without hard links
            if target.exists():
                raise _exists(target) from None
            part.rename(target)
    finally:
        engine.dispose()
        for name in (part.name, f"{part.name}-wal", f"{part.name}-shm"):
            part.with_name(name).unlink(missing_ok=True)


def _part(target: Path) -> Path:
    try:
        return new_part(target)
    except OSError as error:
        raise CatalogError(
            "The copy {target} can't be written ({detail}): choose another folder.",
            target=target,
            detail=error.strerror or str(error),
        ) from error


def _flush(file: Path) -> None:
    try:
        with file.open("rb") as written:
            os.fsync(written.fileno())
    except OSError as error:
        raise NoSpaceError(
            "No space left for the catalog {place}: free some disk space and try again. "
            "Nothing was changed.",
            place=file,
        ) from error


def _exists(target: Path) -> RefusedError:
    return RefusedError(
        "{target} exists already, and a copy overwrites nothing: choose another name.",
        target=target,
    )


Written = dict[str, tuple[int, str]]
"""By table: how many rows, and the digest of them in order."""


def _tables() -> list[Table]:
    """Return the tables, those that others point to first.

    What triggers note as stale while rows come in isn't so: those rows come last.
    """
    last = SearchStale.__tablename__
    found = [table for table in Base.metadata.sorted_tables if table.name not in LEFT_OUT]
    return sorted(found, key=lambda table: table.name == last)


def _fill(
    source: Connection, target: Connection, lost: Mapping[str, Any], tell: Progress
) -> Written:
    tables = _tables()
    total = sum(copy_rows.count_rows(source, table) for table in tables)
    done, written = 0, {}
    for table in tables:
        if table.name == SearchStale.__tablename__:
            target.execute(delete(table))
        digest = _Digest(table, partial(_say, tell, "copy", total, done))
        carry = copy_rows.carried_over(table, lost, to_postgres=is_postgres(target))
        rows = map(carry, copy_rows.rows_of(source, table))
        copy_rows.write(target, table, digest.passing(rows))
        written[table.name] = digest.result()
        done += digest.count
        count_on_from_highest(target, table)
    if is_postgres(target):
        search_postgres.fill(target, lambda ready, of: tell("index", ready, of))
    return written


def _compare(written: Written, target: Connection, tell: Progress) -> None:
    """Read the copy again; raise `CatalogError` unless it is what was sent, row for row."""
    total, done = sum(count for count, _ in written.values()), 0
    for table in _tables():
        digest = _Digest(table, partial(_say, tell, "compare", total, done))
        for _ in digest.passing(copy_rows.rows_of(target, table)):
            pass
        if digest.result() != written[table.name]:
            raise CatalogError(
                "The copy of table {table} isn't what was read ({sent} rows sent, {found} found). "
                "Nothing was kept: try again.",
                table=table.name,
                sent=written[table.name][0],
                found=digest.count,
            )
        done += digest.count


def _say(tell: Progress, step: str, total: int, before: int, more: int) -> None:
    tell(step, before + more, total)


class _Digest:
    """Counts rows on their way, and takes their digest."""

    def __init__(self, table: Table, tell: Callable[[int], None]) -> None:
        self.count = 0
        self._hash = hashlib.sha256()
        self._text_of = copy_rows.comparable(table)
        self._tell = tell

    def passing(self, rows: Iterator[Row]) -> Iterator[Row]:
        """Yield the rows unchanged."""
        for row in rows:
            self._hash.update(self._text_of(row))
            self.count += 1
            if self.count % 500 == 0:
                self._tell(self.count)
            yield row

    def result(self) -> tuple[int, str]:
        """Return how many rows there were, and the digest of them all."""
        return self.count, self._hash.hexdigest()
