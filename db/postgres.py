"""A catalog in PostgreSQL, for a team: how it is opened, and what it is told on the way.

Writers take turns as they do on SQLite, in the order in which they came: the first statement of a
transaction that writes takes one lock of the database, and the commit gives it back. What a
function of `db.queries` reads afterwards is then still true when it commits, here as there.
"""

from __future__ import annotations

import weakref
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event

from db.errors import UnreachableError

DRIVER = "psycopg"
WRITE_LOCK = 0x617373_6179
"""The number of the advisory lock, the letters of "assay"; such locks are a database's own."""
_TAKE_WRITE_LOCK = (
    f"SELECT pg_advisory_xact_lock({WRITE_LOCK}), "
    # A program that hangs, or a laptop that sleeps, holds up everybody no longer than this.
    "set_config('idle_in_transaction_session_timeout', '5min', true)"
)
CONNECT_TIMEOUT_S = 10
_SESSION = (
    # Compiling a statement takes longer than running it: each is over in a moment.
    "SET jit = off",
    # Whose machine is gone is noticed after two minutes, not two hours, and its lock is free.
    "SET tcp_keepalives_idle = 60",
    "SET tcp_keepalives_interval = 10",
    "SET tcp_keepalives_count = 6",
)
NUL, NUL_SHOWN = "\0", "\ufffd"
"""The one sign that PostgreSQL can't hold, and what it becomes."""
_WRITES = ("INSERT", "UPDATE", "DELETE")
_HELD_IN = "assay.write_lock_held_in"


def with_driver(url: URL) -> URL:
    """Return the URL with the one driver that Assay uses; raises `UnreachableError` for others."""
    backend, _, driver = url.drivername.partition("+")
    if driver not in ("", DRIVER):
        raise UnreachableError(
            "Assay reaches PostgreSQL by {driver}: begin the URL with postgresql+{driver}://, "
            "not {name}://.",
            driver=DRIVER,
            name=url.drivername,
        )
    return url.set(drivername=f"{backend}+{DRIVER}")


def open_postgres(url: URL, *, lock_timeout_ms: int, **options: Any) -> Engine:
    """Return an engine for a catalog in PostgreSQL; nothing is opened yet.

    Raises `UnreachableError` where the driver is missing.
    """
    if "connect_timeout" not in url.query:
        options["connect_args"] = {"connect_timeout": CONNECT_TIMEOUT_S}
    try:
        # A server that was restarted costs a new connection, not an error.
        engine = create_engine(with_driver(url), pool_pre_ping=True, **options)
    except ImportError:
        raise UnreachableError(
            "A catalog in PostgreSQL needs its driver, which is not installed: type "
            "`pip install 'assay[postgres]'`."
        ) from None
    event.listen(engine, "connect", _preparation(lock_timeout_ms))
    event.listen(engine, "before_cursor_execute", _lock_before_a_write)
    return engine


def place_of(url: URL) -> str:
    """Return how messages call a catalog in PostgreSQL: its URL without a password."""
    shown = url.set(drivername="postgresql")._replace(password=None)
    return shown.difference_update_query(["password", "sslpassword"]).render_as_string()


def _preparation(lock_timeout_ms: int) -> Any:
    def prepare(connection: Any, _record: object) -> None:
        connection.adapters.register_dumper(str, _dumper())
        with connection.cursor() as cursor:
            cursor.execute(f"SET lock_timeout = {int(lock_timeout_ms)}")
            for statement in _SESSION:
                cursor.execute(statement)
        connection.commit()

    return prepare


def _dumper() -> type[Any]:
    from psycopg.types.string import StrDumperUnknown

    class NulFree(StrDumperUnknown):
        """Text for PostgreSQL, which holds every sign but NUL: a hostile paper may hold that."""

        def dump(self, obj: str) -> Any:
            return super().dump(obj.replace(NUL, NUL_SHOWN) if NUL in obj else obj)

    return NulFree


def take_write_lock(connection: Connection) -> None:
    """Wait for the lock that writers hold until they commit; holding it already is fine."""
    connection.exec_driver_sql(_TAKE_WRITE_LOCK)


def _lock_before_a_write(
    connection: Connection, cursor: Any, statement: str, _values: Any, _context: Any, _many: bool
) -> None:
    if not statement.lstrip()[:6].upper().startswith(_WRITES):
        return
    held = connection.info.get(_HELD_IN)
    transaction = connection.get_transaction()
    if transaction is not None and held is not None and held() is transaction:
        return
    cursor.execute(_TAKE_WRITE_LOCK)
    if transaction is not None:
        connection.info[_HELD_IN] = weakref.ref(transaction)
