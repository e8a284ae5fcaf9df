"""A copy of the catalog while it is in use.

To restore one, close Assay and copy the backup over the catalog's file (and delete `….db-wal` and
`….db-shm` beside it, which belong to the catalog that is replaced).
"""

from __future__ import annotations

import contextlib
import os
import shlex
import sqlite3
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine

from db.dialects import POSTGRES
from db.engine import catalog_errors, place_of
from db.errors import CatalogError, NoSpaceError, NotSetUpError, RefusedError
from db.schema import current_revision


def backup(engine: Engine, destination: Path) -> Path:
    """Copy the catalog to `destination` and return the file; a folder gets a dated file.

    SQLite's online backup gives one moment of the catalog, other processes may go on writing. The
    copy is checked and appears under its name only when it is whole. An existing file is never
    overwritten. Raises `CatalogError`; for a catalog in PostgreSQL it says what to type.
    """
    if current_revision(engine) is None:
        raise NotSetUpError(
            "There is nothing to back up: {place} holds no catalog.", place=place_of(engine)
        )
    if engine.dialect.name == POSTGRES:
        raise RefusedError(
            "A catalog in PostgreSQL is backed up by PostgreSQL, while it is in use. Type: "
            "{command}",
            command=_dump_command(engine, destination),
        )
    target = destination.expanduser()
    if target.is_dir():
        target = target / f"assay-{datetime.now(UTC):%Y%m%d-%H%M%S}.db"
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


def _dump_command(engine: Engine, destination: Path) -> str:
    target = destination.expanduser()
    if target.is_dir():
        target = target / f"assay-{datetime.now(UTC):%Y%m%d-%H%M%S}.dump"
    words = ("pg_dump", "--format=custom", f"--file={target}", f"--dbname={place_of(engine)}")
    return " ".join(map(shlex.quote, words))


def _exists(target: Path) -> CatalogError:
    return CatalogError(
        "{target} exists already, and a backup overwrites nothing: choose another name.",
        target=target,
    )


def _copy(engine: Engine, target: Path) -> Path:
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    os.close(handle)
    part = Path(name)
    try:
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
                    "The catalog is damaged ({detail}), so no backup was made: run `assay db "
                    "check`.",
                    detail=verdict,
                )
        with part.open("rb") as file:
            os.fsync(file.fileno())
        _publish(part, target)
    finally:
        part.unlink(missing_ok=True)
    return target


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
