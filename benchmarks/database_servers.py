"""A PostgreSQL server of a benchmark's own, and how much of the processor a server took."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from sqlalchemy import Engine, text

from benchmarks.soak.postgres import Server
from db.dialects import POSTGRES


@contextmanager
def own_server() -> Iterator[Server]:
    """Start a server with its package's settings; it and its files are gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="assay-pg-") as folder:
        Path(folder).chmod(0o755)  # the server is another user
        (Path(folder) / "pg").mkdir()
        server = Server(Path(folder) / "pg")
        server.create()
        server.wait()
        try:
            yield server
        finally:
            server.stop()


class ServerTime:
    """The processor's time of a catalog's server; none for SQLite, or a server elsewhere."""

    def __init__(self, engine: Engine) -> None:
        self._postmaster: psutil.Process | None = None
        if engine.dialect.name != POSTGRES:
            return
        with engine.connect() as connection:
            backend = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        try:
            parent = psutil.Process(backend).parent()
        except psutil.Error:
            return
        if parent is not None and parent.name() == "postgres":
            self._postmaster = parent

    @property
    def is_known(self) -> bool:
        """Whether there is a server on this machine."""
        return self._postmaster is not None

    def seconds(self) -> float:
        """Return what the server and its processes took so far, those that ended too."""
        if self._postmaster is None:
            return 0.0
        own = self._postmaster.cpu_times()
        total = own.user + own.system + own.children_user + own.children_system
        for child in self._postmaster.children():
            try:
                used = child.cpu_times()
            except psutil.Error:  # it ended: its parent has its times the next time
                continue
            total += used.user + used.system
        return float(total)
