"""A copy of the catalog while it is in use.

To restore one of SQLite, close Assay and copy the backup over the catalog's file (and delete
`….db-wal` and `….db-shm` beside it, which belong to the catalog that is replaced). One of
PostgreSQL goes into a new database by `pg_restore`.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine

from db import postgres_backup
from db.dialects import POSTGRES
from db.engine import catalog_errors, place_of
from db.errors import CatalogError, NoSpaceError, NotSetUpError
from db.parts import new_part
from db.schema import current_revision


def backup(engine: Engine, destination: Path) -> Path:
    """Copy the catalog to `destination` and return the file; a folder gets a dated file.

    It is one moment of the catalog, and other processes may go on writing: SQLite's online backup,
    checked, or what PostgreSQL's `pg_dump` writes. It appears under its name only when it is whole.
    An existing file is never overwritten. Raises `CatalogError`.
    """
    if current_revision(engine) is None:
        raise NotSetUpError(
            "There is nothing to back up: {place} holds no catalog.", place=place_of(engine)
        )
    is_dump = engine.dialect.name == POSTGRES
    target = destination.expanduser()
    if target.is_dir():
        suffix = "dump" if is_dump else "db"
        target = target / f"assay-{datetime.now(UTC):%Y%m%d-%H%M%S}.{suffix}"
    if target.exists():
        raise _exists(target)
    try:
        return _copy(engine, target)
    except FileExistsError:
        raise _exists(target) from None
    except (OSError, sqlite3.Error) as error:
        if "full" in str(error) or getattr(error, "errno", None) == 28:
            raise NoSpaceError(
                "No space left to write the backup {target}: choose another folder.", target=target
            ) from error
        raise CatalogError(
            "The backup {target} can't be written ({detail}): choose another folder.",
            target=target,
            detail=getattr(error, "strerror", None) or str(error),
        ) from error


def _exists(target: Path) -> CatalogError:
    return CatalogError(
        "{target} exists already, and a backup overwrites nothing: choose another name.",
        target=target,
    )


def _copy(engine: Engine, target: Path) -> Path:
    part = new_part(target)
    try:
        if engine.dialect.name == POSTGRES:
            postgres_backup.dump(engine, part, target)
        else:
            _copy_sqlite(engine, part)
        with part.open("rb") as file:
            os.fsync(file.fileno())
        _publish(part, target)
    finally:
        part.unlink(missing_ok=True)
    return target


def _copy_sqlite(engine: Engine, part: Path) -> None:
    with contextlib.closing(sqlite3.connect(part)) as copy:
        with catalog_errors(engine), engine.connect() as connection:
            source = connection.connection.driver_connection
            assert isinstance(source, sqlite3.Connection)
            source.backup(copy)
        # The copy is one file: no write-ahead log beside it that a person would forget.
        copy.execute("PRAGMA journal_mode=DELETE")
        verdict = copy.execute("PRAGMA quick_check").fetchone()[0]
        if verdict != "ok":
            raise CatalogError(
                "The catalog is damaged ({detail}), so no backup was made: run `assay db check`.",
                detail=verdict,
            )


def _publish(part: Path, target: Path) -> None:
    """Give the finished copy its name; raises FileExistsError if somebody took it meanwhile."""
    try:
        target.hardlink_to(part)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if target.exists():
            raise FileExistsError(target) from None
        part.rename(target)
