"""The catalog's schema: bring it up to date, and check that it is whole.

Migrations are Alembic's (`db/migrations/versions/NNNN_….py`, ids count up). Alembic is imported
only when there is something to migrate: `is_current` is one SELECT.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from db import postgres, postgres_tables, search_index
from db.dialects import is_postgres
from db.engine import BUSY_TIMEOUT_MS, catalog_errors, is_postgres_url, place_of, use_wal
from db.errors import (
    CatalogError,
    NewerSchemaError,
    NotACatalogError,
    NotSetUpError,
    RefusedError,
)
from db.models import Base

HEAD = "0008"
"""The newest migration's id; a test holds that it is Alembic's head."""

MIGRATIONS = Path(__file__).parent / "migrations"


def current_revision(engine: Engine) -> str | None:
    """Return the catalog's migration id, None where it has no tables of ours yet."""
    with catalog_errors(engine), engine.connect() as connection:
        return _revision(connection)


def is_current(engine: Engine) -> bool:
    """Whether the catalog has this program's schema: one SELECT, no Alembic."""
    return current_revision(engine) == HEAD


def _revision(connection: Connection) -> str | None:
    # An error would end a transaction of PostgreSQL's, and with it the lock of an upgrade.
    if is_postgres(connection) and _is_missing(connection, "alembic_version"):
        return None
    try:
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    except DBAPIError as error:
        if "no such table" in str(error.orig):
            return None
        raise


def upgrade(url: str, *, migrations: Path = MIGRATIONS, head: str = HEAD) -> bool:
    """Bring the catalog at `url` to this program's schema; return whether anything changed.

    All migrations run in one transaction that holds the write lock: two processes starting at
    once don't collide, and a failure leaves the catalog as it was. Raises `NewerSchemaError` for a
    catalog of a newer Assay, `NotACatalogError` for a file that is something else, and the other
    `CatalogError`s for one that can't be written.
    """
    engine = _migration_engine(url)
    try:
        with catalog_errors(engine), engine.connect() as connection:
            place = place_of(engine)
            if _needs_no_upgrade(connection, head, place):
                return False
            connection.rollback()
            _take_write_lock(connection)
            # Asked again under the lock: another process may have upgraded meanwhile.
            if _needs_no_upgrade(connection, head, place):
                return False
            _migrate(connection, migrations)
            if is_postgres(connection):
                connection.commit()
                return True
            broken = connection.execute(text("PRAGMA foreign_key_check")).first()
            if broken is not None:
                raise CatalogError(
                    "The catalog {place} can't be upgraded: a row of table {table} points "
                    "nowhere. Nothing was changed; run `assay db check`.",
                    place=place,
                    table=broken[0],
                )
            connection.commit()
            use_wal(connection.connection.driver_connection)
            return True
    finally:
        engine.dispose()


def _take_write_lock(connection: Connection) -> None:
    if is_postgres(connection):
        postgres_tables.require_utf8(connection)
        postgres.take_write_lock(connection)
    else:
        connection.execute(text("BEGIN IMMEDIATE"))


def _is_missing(connection: Connection, table: str) -> bool:
    statement = text("SELECT to_regclass(:name)")
    return connection.execute(statement, {"name": table}).scalar() is None


def _migration_engine(url: str) -> Engine:
    if is_postgres_url(url):
        return postgres.open_postgres(
            make_url(url), lock_timeout_ms=BUSY_TIMEOUT_MS, poolclass=NullPool
        )
    engine = create_engine(url, poolclass=NullPool)

    def prepare(connection: Any, _record: object) -> None:
        # Foreign keys stay off: a batch migration drops and refills tables, and with them on the
        # drop would delete every row that points there.
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        cursor.execute("PRAGMA foreign_keys=OFF")
        cursor.close()

    event.listen(engine, "connect", prepare)
    return engine


def _needs_no_upgrade(connection: Connection, head: str, place: str) -> bool:
    revision = _revision(connection)
    if revision == head:
        return True
    if revision is None:
        if connection.execute(text(_TABLES[is_postgres(connection)])).scalar_one():
            raise _of_another_program(connection, place)
    elif not revision.isdigit():
        raise _of_another_program(connection, place)
    elif revision > head:
        raise NewerSchemaError(
            "The catalog {place} was written by a newer Assay (schema {theirs}; this one knows up "
            "to {ours}): update Assay, or choose another folder by ASSAY_HOME.",
            place=place,
            theirs=revision,
            ours=head,
        )
    return False


_TABLES = {
    False: "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name != 'sqlite_stat1'",
    True: "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()",
}
"""Counts the tables that a database has; for SQLite, and for PostgreSQL."""


def _of_another_program(connection: Connection, place: str) -> NotACatalogError:
    if is_postgres(connection):
        return NotACatalogError(
            "{place} is a database of another program: make an empty one with `createdb`, and "
            "name that in ASSAY_DATABASE_URL.",
            place=place,
        )
    return NotACatalogError(
        "{place} is a database of another program: choose another file by ASSAY_HOME.",
        place=place,
    )


def _migrate(connection: Connection, migrations: Path) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    if is_postgres(connection):
        postgres_tables.finish(connection)
    search_index.prepare(connection)


def make_tables(connection: Connection) -> None:
    """Make a catalog's tables in the caller's transaction, which holds the write lock from here on.

    A catalog in which nothing is yet is fine too. Raises `RefusedError` where there is anything,
    and the `CatalogError`s of `upgrade`.
    """
    _take_write_lock(connection)
    place = place_of(connection.engine)
    if _needs_no_upgrade(connection, HEAD, place):
        for table in Base.metadata.sorted_tables:
            if connection.execute(select(table).limit(1)).first() is not None:
                raise _not_empty(place)
    elif _revision(connection) is None:
        _migrate(connection, MIGRATIONS)
    else:
        raise _not_empty(place)


def _not_empty(place: str) -> RefusedError:
    return RefusedError(
        "{place} holds a catalog already, and a copy overwrites nothing: make an empty database, "
        "with another name.",
        place=place,
    )


def require_current(engine: Engine) -> None:
    """Raise `NotSetUpError` unless the catalog has this program's schema."""
    if not is_current(engine):
        raise NotSetUpError(
            "The catalog {place} isn't set up for this version of Assay. "
            "Type `assay init`, or `assay db upgrade` where it holds data already.",
            place=place_of(engine),
        )
