"""Starting the catalog's runner, detached from whoever asks for it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from app.home import data_folder, logs_folder
from app.jobs.lease import IDLE_S, bury, is_live
from db.engine import session_scope
from db.queries import jobs

if TYPE_CHECKING:
    from sqlalchemy import Engine

COMMAND: tuple[str, ...] = (sys.executable, "-m", "app.jobs")
LOG_NAME = "jobs.log"
LOG_BYTES = 1_000_000
_ROOT = Path(__file__).parents[2]

_lock = threading.Lock()
_children: list[subprocess.Popen[bytes]] = []
_started_at: dict[str, float] = {}


def reap(engine: Engine) -> list[str]:
    """Mark the jobs of a dead runner lost and end what it left; return their ids.

    One SELECT where all is well, so a page may call it at every look.
    """
    return bury(engine)


def ensure_runner(engine: Engine, *, patience_s: float = 0.0) -> bool:
    """See to it that queued jobs have a live runner; return whether one was started.

    Also does what `reap` does. With `patience_s` only jobs that have waited for so long count: one
    that was just submitted has its runner on the way.
    """
    bury(engine)
    with session_scope(engine) as session:
        runner = jobs.runner(session)
        waiting = any(
            job.state == "queued" and _age_s(job.created_at) >= patience_s
            for job in jobs.list_active(session)
        )
    if not waiting or (runner is not None and is_live(runner)):
        return False
    url = _absolute(engine)
    with _lock:  # pages are threads of one process
        _children[:] = [child for child in _children if child.poll() is None]
        # One that was started a moment ago has not had the time to take the lease and leave again.
        # Else a second one does no harm: it finds the lease taken, and ends.
        if time.monotonic() - _started_at.get(url, -IDLE_S) < IDLE_S and _children:
            return False
        _children.append(_start(url))
        _started_at[url] = time.monotonic()
    return True


def _age_s(at: str) -> float:
    return (datetime.now(UTC) - datetime.fromisoformat(at)).total_seconds()


def _absolute(engine: Engine) -> str:
    url = engine.url
    if engine.dialect.name == "sqlite" and url.database:
        url = url.set(database=str(Path(url.database).absolute()))
    return url.render_as_string(hide_password=False)


def _start(url: str) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,
        "ASSAY_HOME": str(data_folder().absolute()),
        "ASSAY_DATABASE_URL": url,
    }
    with _open_log().open("ab") as log:
        return subprocess.Popen(
            COMMAND,
            cwd=_ROOT,  # so that `-m` finds Assay where it is not installed
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _open_log() -> Path:
    path = logs_folder() / LOG_NAME
    if path.exists() and path.stat().st_size > LOG_BYTES:
        path.replace(path.with_suffix(".old.log"))
    return path
