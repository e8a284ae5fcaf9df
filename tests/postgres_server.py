"""A PostgreSQL server of the tests' own: a socket in a temporary folder, no port, no fsync."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest

REQUIRED = "ASSAY_REQUIRE_POSTGRES"
TEMPLATE = "assay_template"
# A language whose order of letters isn't that of their bytes, where the machine has one.
LOCALE = "en_US.UTF-8"


_CLEAN = """
SET lock_timeout = 2000;
SET session_replication_role = replica;
DO $$
DECLARE name text; is_filled boolean;
BEGIN
    FOR name IN SELECT tablename FROM pg_tables
        WHERE schemaname = 'public' AND tablename != 'alembic_version'
    LOOP
        EXECUTE format('SELECT EXISTS (SELECT 1 FROM %I)', name) INTO is_filled;
        IF is_filled THEN EXECUTE format('DELETE FROM %I', name); END IF;
    END LOOP;
    FOR name IN SELECT sequencename FROM pg_sequences
        WHERE schemaname = 'public' AND last_value IS NOT NULL
    LOOP EXECUTE format('ALTER SEQUENCE %I RESTART', name); END LOOP;
END $$
"""


def programs() -> Path | None:
    """The folder of initdb and postgres, the newest; None where they aren't installed."""
    found = shutil.which("initdb")
    if found:
        return Path(found).parent
    known = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: p.parts[-3])
    return known[-1].parent if known else None


def missing() -> str:
    """Why there can be no server here; "" where there can."""
    if programs() is None:
        return "PostgreSQL isn't installed: there is no initdb"
    try:
        import psycopg  # noqa: F401
    except ImportError:
        return "psycopg isn't installed"
    if os.geteuid() == 0 and _user() is None:
        return "PostgreSQL refuses to run as root, and there is no user postgres"
    return ""


def skip_or_fail(reason: str) -> None:
    """End the test for want of a server: a failure where one is required."""
    if os.environ.get(REQUIRED) == "1":
        pytest.fail(f"{REQUIRED}=1, but {reason}")
    pytest.skip(reason)


def _user() -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return None


class Server:
    """A running server; makes databases, each a copy of one that the migrations made."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._numbers = count(1)
        self._admin: Any = None
        self._cleaner: Any = None
        self._shared: str | None = None

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://assay@/{database}?host={self.folder}"

    def execute(self, statement: str) -> list[Any]:
        """Run one statement as the administrator, outside of any transaction."""
        import psycopg

        if self._admin is None:
            self._admin = psycopg.connect(
                host=str(self.folder), user="assay", dbname="postgres", autocommit=True
            )
        cursor = self._admin.execute(statement)
        return list(cursor.fetchall()) if cursor.description else []

    def database(self, template: str = "template0") -> str:
        """Make a database and return its name."""
        name = f"catalog_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        return name

    def shared(self) -> str:
        """Return the name of one empty catalog, which `clean` empties again for the next test."""
        if self._shared is None:
            self._shared = self.database(TEMPLATE)
        return self._shared

    def clean(self) -> None:
        """Empty the shared catalog; a tenth of the time that a new one takes."""
        import psycopg

        if self._cleaner is None:
            self._cleaner = psycopg.connect(
                host=str(self.folder), user="assay", dbname=self.shared(), autocommit=True
            )
        try:
            self._cleaner.execute(_CLEAN)
        except psycopg.errors.LockNotAvailable:  # a test left something open: leave it behind
            self._cleaner.close()
            self._cleaner = self._shared = None

    def drop(self, database: str) -> None:
        self.execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")

    def close(self) -> None:
        for connection in (self._admin, self._cleaner):
            if connection is not None:
                connection.close()


@contextmanager
def running_server() -> Iterator[Server]:
    """Start a server in a new folder; it and the folder are gone afterwards."""
    bin_folder = programs()
    assert bin_folder is not None
    folder = Path(tempfile.mkdtemp(prefix="assay-pg-", dir="/tmp"))
    # Without the tests' own variables: whatever carries those of a job is swept at its end.
    clean = {k: v for k, v in os.environ.items() if not k.startswith("ASSAY_")}
    as_whom: dict[str, Any] = {"cwd": folder, "stdout": subprocess.DEVNULL, "env": clean}
    if os.geteuid() == 0:
        user = _user()
        assert user is not None
        os.chown(folder, user.pw_uid, user.pw_gid)
        as_whom |= {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    data = folder / "data"
    try:
        locale = LOCALE if _has_locale() else "C"
        made = [bin_folder / "initdb", "-D", data, "-U", "assay", "-A", "trust", "-E", "UTF8"]
        made += [f"--locale={locale}", "--no-sync", "--no-instructions"]
        subprocess.run([*map(str, made)], check=True, timeout=60, **as_whom)
        settings = ("listen_addresses=", "fsync=off", "full_page_writes=off", "max_connections=60")
        command = [str(bin_folder / "postgres"), "-D", str(data), "-k", str(folder)]
        command += [part for setting in settings for part in ("-c", setting)]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(command, stderr=log, **as_whom)
        server = Server(folder)
        try:
            _wait_for(server, process)
            yield server
        finally:
            server.close()
            process.send_signal(signal.SIGQUIT)  # nothing of it is kept
            process.wait(timeout=20)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _has_locale() -> bool:
    listed = subprocess.run(["locale", "-a"], capture_output=True, text=True, check=False).stdout
    return LOCALE.lower().replace("-", "") in listed.lower().replace("-", "")


def _wait_for(server: Server, process: subprocess.Popen[bytes]) -> None:
    import psycopg

    give_up_at = time.monotonic() + 30
    while True:
        try:
            server.execute("SELECT 1")
            return
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > give_up_at:
                raise
            time.sleep(0.02)
