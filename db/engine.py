"""Opening the catalog: one engine for one database, set up so that several processes can write."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from db.dialects import POSTGRES, is_postgres
from db.errors import (
    CatalogError,
    LockedError,
    RefusedError,
    UnreachableError,
    as_catalog_error,
    number_too_large,
)

BUSY_TIMEOUT_MS = 30_000
"""How long a writer waits its turn: of ten at once the last may have to wait over ten seconds."""
CHANGED = "catalog_changed"
"""What a session's `info` holds once something of the catalog that pages show was written."""


def open_engine(url: str, *, busy_timeout_ms: int = BUSY_TIMEOUT_MS) -> Engine:
    """Return an engine for the catalog at `url` (`sqlite:///…`); nothing is opened yet.

    SQLite is put into WAL mode with synchronous NORMAL, a busy timeout and foreign keys on: four
    processes writing in tight loops then neither starve nor lose a commit. A `postgresql://…` is
    opened by `db.postgres`. Raises `CatalogError` for any other URL.
    """
    if is_postgres_url(url):
        from db import postgres

        return postgres.open_postgres(make_url(url), lock_timeout_ms=busy_timeout_ms)
    engine = create_engine(url)
    event.listen(engine, "connect", _preparation(busy_timeout_ms))
    return engine


def is_postgres_url(url: str) -> bool:
    """Whether `url` names a PostgreSQL database; raises `CatalogError` unless that or SQLite."""
    try:
        backend = make_url(url).get_backend_name()
    except (ArgumentError, ValueError):  # the latter for a port that is no number
        raise UnreachableError(
            "{url!r} is not a database URL: give one like sqlite:////home/you/assay.db.",
            url=_without_password(url),
        ) from None
    if backend not in ("sqlite", POSTGRES):
        raise UnreachableError(
            "Assay keeps its catalog in SQLite or PostgreSQL, and can't use {backend}: give a URL "
            "like sqlite:////home/you/assay.db or postgresql://you@host/assay.",
            backend=backend,
        )
    return backend == POSTGRES


def _without_password(url: str) -> str:
    """Return a text that is no URL without what may be a password in it."""
    return re.sub(r"(password=)[^&\s]*", r"\1…", re.sub(r"//.*@", "//…@", url))


def place_of(engine: Engine) -> str:
    """Return how messages call the catalog: its file, `:memory:`, a server's URL; no password."""
    if engine.dialect.name == POSTGRES:
        from db import postgres

        return postgres.place_of(engine.url)
    return engine.url.database or ":memory:"


def _preparation(busy_timeout_ms: int) -> Any:
    def prepare(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={busy_timeout_ms}")
        cursor.execute("PRAGMA foreign_keys=ON")
        if cursor.execute("PRAGMA journal_mode").fetchone()[0] == "delete":
            use_wal(cursor)
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.close()

    return prepare


def use_wal(cursor: Any, timeout_s: float = 1.0) -> None:
    """Switch the file to WAL, for good, unless another process is using it right now.

    The busy timeout doesn't cover this switch, so two processes that create one file would collide.
    Left undone it costs speed only, and the next connection tries again.
    """
    give_up_at = time.monotonic() + timeout_s
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if not str(getattr(error, "sqlite_errorname", "")).startswith("SQLITE_BUSY"):
                raise
            if time.monotonic() > give_up_at:
                return
            time.sleep(0.02)


@contextmanager
def session_scope(engine: Engine) -> Iterator[Session]:
    """Yield a session that commits at the end, and rolls back on any error.

    Reads hold no lock. A function of `db.queries` that writes takes the write lock first and reads
    afterwards, so what it read is still true when it commits. Raises `CatalogError` where the
    database fails in a way that a person can mend (locked, full, read-only, not a catalog).
    """
    with (
        catalog_errors(engine),
        Session(engine, expire_on_commit=False) as session,
        session.begin() as transaction,
    ):
        yield session
        if transaction.is_active:  # not where an error that the caller caught rolled it back
            _index_what_changed(session)


def _index_what_changed(session: Session) -> None:
    """Bring the search up to date in the transaction that changed something it shows."""
    if not session.info.pop(CHANGED, False):
        return
    from db import search_index

    session.flush()
    search_index.refresh(session.connection())


@contextmanager
def read_scope(engine: Engine) -> Iterator[Session]:
    """Yield a session whose reads all see one moment of the catalog; what it writes is dropped."""
    with catalog_errors(engine), Session(engine, expire_on_commit=False) as session:
        if is_postgres(session):
            session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        else:
            session.execute(text("BEGIN"))
        yield session
        session.rollback()


@contextmanager
def catalog_errors(engine: Engine) -> Iterator[None]:
    """Turn database errors that a person can mend into `CatalogError`s."""
    try:
        yield
    except CatalogError:
        raise
    except DBAPIError as error:
        known = as_catalog_error(error, place_of(engine))
        if known is None:
            raise
        raise known from error
    except PoolTimeout as error:
        raise LockedError(
            "The catalog {place} is busy: too much is asked of it at once. Try again in a moment.",
            place=place_of(engine),
        ) from error
    except UnicodeEncodeError as error:  # half a sign, which an argument of a command may hold
        raise RefusedError(
            "A text holds an invalid character ({sign}): nothing was changed; type it anew.",
            sign=ascii(error.object[error.start : error.start + 1]),
        ) from error
    except OverflowError as error:  # SQLite's driver; PostgreSQL says so itself
        if "SQLite" not in str(error):
            raise
        raise number_too_large() from error
