"""`python -m app.jobs`: the runner of one catalog, until its queue is empty."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time

from app.home import database_url, logs_folder
from app.jobs.engine import PebbleEngine
from app.jobs.hosts.address import is_configured
from app.jobs.lease import IDLE_S, acquire, new_token
from app.jobs.processes import JOB_MARK, RUNNER_MARK, sweep, sweeper
from app.jobs.runner import JobLoop, OustedError
from db.engine import open_engine
from db.errors import CatalogError
from db.patience import patiently

TICK_S = 0.2
LOG_DAYS = 30


def main(idle_s: float = IDLE_S) -> int:
    """Run the queued jobs of the catalog; 0 when done, or when another runner is at work."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    token = new_token()
    engine = open_engine(database_url(), busy_timeout_ms=2000)
    try:
        if not patiently(engine, lambda: acquire(engine, token)):
            return 0
        _drop_old_logs()
        os.environ[RUNNER_MARK] = token  # inherited by everything that is started from here
        # Its stdin ends when this process does, in whatever way.
        watcher = subprocess.Popen(
            sweeper(f"{RUNNER_MARK}={token}"), stdin=subprocess.PIPE, start_new_session=True
        )
        loop = JobLoop(
            engine,
            PebbleEngine(),
            token,
            forget=lambda job_id: sweep(JOB_MARK, job_id),
            idle_s=idle_s,
            hosted=is_configured(),
        )
        try:
            while loop.tick():
                if stop.wait(TICK_S):
                    loop.stop()
                    break
        except OustedError:
            print("Another runner took over; this one stops.", file=sys.stderr)
            loop.abandon()
            return 1
        assert watcher.stdin is not None
        watcher.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            watcher.wait(timeout=5)
        return 0
    except CatalogError as error:
        print(f"assay jobs: {error}", file=sys.stderr)
        return 1
    finally:
        engine.dispose()


def _drop_old_logs() -> None:
    oldest = time.time() - LOG_DAYS * 86400
    for path in logs_folder().glob("job-*.log"):
        with contextlib.suppress(OSError):
            if path.stat().st_mtime < oldest:
                path.unlink()


if __name__ == "__main__":
    sys.exit(main())
