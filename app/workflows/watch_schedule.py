"""Asking for watches on time while the workbench is open: one query a minute, jobs when due.

The next date stands in the catalog, so it survives a restart; a date is taken by moving it, so
several servers on one catalog ask once. The job itself backs off when arXiv can't be had.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from app import home
from app.jobs.launch import ensure_runner
from app.workflows.watch import next_due
from db import schema
from db.engine import open_engine, session_scope
from db.errors import CatalogError
from db.queries import jobs, watches

if TYPE_CHECKING:
    from sqlalchemy import Engine

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 60.0
FIRST_LOOK_S = 5.0


def submit_due(engine: Engine, at: datetime) -> list[str]:
    """Queue a job for each watch that is due, and start a runner; return the jobs' ids.

    Taking the date and queuing the job are one transaction: neither is there without the other.
    """
    moment = at.isoformat(timespec="microseconds")
    with session_scope(engine) as session:
        waiting = watches.due(session, moment)
    if not waiting:
        return []
    queued: list[str] = []
    for watch in waiting:
        following = next_due(watch.every, at).isoformat(timespec="microseconds")
        with session_scope(engine) as session:
            if watches.take_due(session, watch, following):
                spec = {"names": [watch.name]}
                queued.append(jobs.create(session, kind="watch", spec=spec).id)
    if queued:
        ensure_runner(engine)
    return queued


class Schedule:
    """A thread that looks once a minute whether a watch is due; nothing it meets ends it."""

    def __init__(
        self,
        *,
        look_every_s: float = LOOK_EVERY_S,
        first_look_s: float = FIRST_LOOK_S,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._look_every_s = look_every_s
        self._first_look_s = first_look_s
        self._clock = clock
        self._stop = threading.Event()
        self._engine: Engine | None = None
        self._thread = threading.Thread(target=self._run, name="watches", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread; a look that is under way is waited for, five seconds at most."""
        self._stop.set()
        self._thread.join(timeout=5.0)

    def _run(self) -> None:
        wait = self._first_look_s
        while not self._stop.wait(wait):
            wait = self._look_every_s
            try:
                self._look()
            except CatalogError as error:  # its server is away: the next look may find it again
                logger.warning("The watches could not be looked at: %s", error)
            except Exception:
                logger.warning("The watches could not be looked at.", exc_info=True)
        if self._engine is not None:
            self._engine.dispose()

    def _look(self) -> None:
        """Look once; a catalog that isn't there yet, or of another version, is none of its work."""
        if self._engine is None:
            engine = open_engine(home.database_url())
            path = engine.url.database
            is_file = engine.dialect.name == "sqlite"
            if (is_file and not (path and Path(path).exists())) or not schema.is_current(engine):
                engine.dispose()
                return
            self._engine = engine
        submit_due(self._engine, self._clock())
