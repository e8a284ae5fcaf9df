"""Who works through the jobs of a catalog: taking, judging and cleaning up after a runner's lease.

A runner is known by its token, random plus the second its process started, so that a process
number that was given to another process is never taken for it.
"""

from __future__ import annotations

import os
import socket
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

from analyzers.message import message
from app.jobs.processes import RUNNER_MARK, is_alive, kill_tree, start_time, sweep
from db.engine import session_scope
from db.queries import jobs

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from db.models import Runner

HEARTBEAT_S = 1.0
IDLE_S = 3.0
"""How long a runner waits for more work before it leaves."""
STALE_AFTER_S = 5.0
"""Without a heartbeat for so long, a runner that can't be looked at (another host) is dead."""
SECOND_LOOK_S = 2.0
"""Before a silent one is taken for dead it is looked at again."""
HUNG_AFTER_S = 20.0
"""The same for a process that is there: a sleeping laptop or a busy disk is no death."""
LOST = message("The background process died before this was finished.")


def new_token() -> str:
    """Return the token of this process as a runner."""
    return f"{uuid4().hex[:16]}@{start_time(os.getpid()) or 0:.0f}"


def is_live(runner: Runner, at: datetime | None = None) -> bool:
    """Whether the runner of this row is at work."""
    silent_s = (
        (at or datetime.now(UTC)) - datetime.fromisoformat(runner.heartbeat_at)
    ).total_seconds()
    if runner.host != socket.gethostname():
        return silent_s < STALE_AFTER_S
    return _is_running(runner) and silent_s < HUNG_AFTER_S


def _is_running(runner: Runner) -> bool:
    _, _, started = runner.token.rpartition("@")
    return is_alive(runner.pid, float(started))


def acquire(engine: Engine, token: str) -> bool:
    """Make this process the catalog's runner; return False if another one is at work."""
    bury(engine)
    with session_scope(engine) as session:
        if not jobs.runner_acquire(session, token, pid=os.getpid(), host=socket.gethostname()):
            return False
        jobs.mark_lost(session, except_owner=token, message=LOST.to_json())
    return True


def bury(engine: Engine) -> list[str]:
    """If the runner is dead or hangs: end what it left running, mark its jobs lost.

    Returns the ids of those jobs. Costs one SELECT where all is well.
    """
    with session_scope(engine) as session:
        runner = jobs.runner(session)
    if runner is None or is_live(runner):
        return []
    if runner.host != socket.gethostname() or _is_running(runner):
        # Silent, not gone: the database may have been away. It has a moment to say that it lives.
        time.sleep(SECOND_LOOK_S)
        with session_scope(engine) as session:
            again = jobs.runner(session)
        if again is None or again.token != runner.token or is_live(again):
            return []
    if runner.host == socket.gethostname():
        if _is_running(runner):
            kill_tree(runner.pid)
        sweep(RUNNER_MARK, runner.token)
    with session_scope(engine) as session:
        if not jobs.runner_release(session, runner.token):
            return []  # somebody else was quicker
        return jobs.mark_lost(session, owner=runner.token, message=LOST.to_json())
