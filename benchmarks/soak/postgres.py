"""A PostgreSQL server that may be killed: its files stay, and it is started again."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

DATABASE = "assay"


def programs() -> Path:
    """Return the folder of initdb, postgres, pg_dump and pg_restore; raises SystemExit."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    known = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: p.parts[-3])
    if not known:
        raise SystemExit("PostgreSQL isn't installed: there is no initdb.")
    return known[-1].parent


class Server:
    """PostgreSQL as its package sets it up, durable, on a socket in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bin = programs()
        self.process: subprocess.Popen[bytes] | None = None
        clean = {k: v for k, v in os.environ.items() if not k.startswith("ASSAY_")}
        self._as_whom: dict[str, Any] = {"cwd": folder, "env": clean}
        if os.geteuid() == 0:  # the server refuses to run as root
            user = pwd.getpwnam("postgres")
            os.chown(folder, user.pw_uid, user.pw_gid)
            self._as_whom |= {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}

    def create(self) -> None:
        """Make the server's files."""
        made = [self.bin / "initdb", "-D", self.folder / "data", "-U", "assay", "-A", "trust"]
        made += ["-E", "UTF8", "--locale=C", "--no-instructions"]
        subprocess.run([*map(str, made)], check=True, stdout=subprocess.DEVNULL, **self._as_whom)

    def url(self, database: str = DATABASE) -> str:
        """Return a database's URL for Assay."""
        return f"postgresql+psycopg://assay@/{database}?host={self.folder}"

    def start(self) -> None:
        """Start the server; it recovers by itself what a kill left half written."""
        command = [self.bin / "postgres", "-D", self.folder / "data", "-k", self.folder]
        command += ["-c", "listen_addresses=", "-c", "max_connections=100"]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen([*map(str, command)], stderr=log, **self._as_whom)

    def wait(self, seconds: float = 60.0) -> None:
        """Wait until it lets somebody in, starting it again if need be; raises TimeoutError."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process is None or self.process.poll() is not None:
                self.start()  # what a dead server left may need a moment to go
            try:
                self.execute("SELECT 1", "postgres")
                return
            except Exception:
                time.sleep(0.2)
        raise TimeoutError("PostgreSQL doesn't start again.")

    def execute(self, statement: str, database: str = "postgres") -> None:
        """Run one statement outside of any transaction."""
        import psycopg

        with psycopg.connect(
            host=str(self.folder), user="assay", dbname=database, autocommit=True
        ) as connection:
            connection.execute(statement.encode())

    def backends(self) -> list[int]:
        """Return the processes that serve Assay's connections."""
        import psutil

        if self.process is None:
            return []
        found = []
        try:
            for child in psutil.Process(self.process.pid).children():
                if child.cmdline()[:1] and f"assay {DATABASE}" in child.cmdline()[0]:
                    found.append(child.pid)
        except psutil.Error:
            pass
        return found

    def dump(self, path: Path) -> subprocess.CompletedProcess[str]:
        """Write the database into a file, as `assay db backup` tells people to."""
        return self._run("pg_dump", "--format=custom", f"--file={path}", f"--dbname={DATABASE}")

    def restore(self, path: Path, database: str) -> subprocess.CompletedProcess[str]:
        """Make a new database of a dump."""
        self.execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
        self.execute(f"CREATE DATABASE {database} TEMPLATE template0")
        return self._run("pg_restore", f"--dbname={database}", "--exit-on-error", str(path))

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(self.bin / program), "-U", "assay", "-h", str(self.folder), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def stop(self) -> None:
        """End it as its administrator would."""
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
