"""Who works through the jobs of a catalog: taking, judging and cleaning up after a runner's lease.

A runner is known by its token, random plus the second its process started, so that a process
number that was given to another process is never taken for it. One on another machine is judged by
whether its heartbeat moves: the clocks of two machines may differ by an hour.
"""

from __future__ import annotations

import os
import socket
import time
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from analyzers.message import message
from app.jobs.processes import RUNNER_MARK, is_alive, kill_tree, start_time, sweep
from app.jobs.tasks import KINDS
from db.engine import session_scope
from db.queries import abandoned, jobs

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

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
AGAIN = message("The background process died: this is begun again from the start.")
_BOOT = Path("/proc/sys/kernel/random/boot_id")

_heard: dict[str, tuple[str, float]] = {}
"""The newest heartbeat of a runner of another machine, and when it was seen, by this one's clock
that never jumps."""


def new_token() -> str:
    """Return the token of this process as a runner."""
    return f"{uuid4().hex[:16]}@{start_time(os.getpid()) or 0:.0f}"


@cache
def this_machine() -> str:
    """Return what this machine is called in a lease; two of one name are told apart by their boot.

    Process numbers mean nothing on another machine.
    """
    with suppress(OSError):
        return f"{socket.gethostname()}/{_BOOT.read_text().strip()[:8]}"
    return socket.gethostname()


def is_live(runner: Runner, at: datetime | None = None) -> bool:
    """Whether the runner of this row is at work; one on another machine is, while its beat moves.

    At the first look at such a one there is only its clock to go by.
    """
    silent_s = (
        (at or datetime.now(UTC)) - datetime.fromisoformat(runner.heartbeat_at)
    ).total_seconds()
    if runner.host == this_machine():
        return _is_running(runner) and silent_s < HUNG_AFTER_S
    beat, seen_at = _heard.get(runner.token, ("", 0.0))
    if beat == runner.heartbeat_at:
        return time.monotonic() - seen_at < STALE_AFTER_S
    _heard[runner.token] = runner.heartbeat_at, time.monotonic()
    moved = bool(beat) and beat < runner.heartbeat_at
    return moved or abs(silent_s) < STALE_AFTER_S


def _is_running(runner: Runner) -> bool:
    _, _, started = runner.token.rpartition("@")
    return is_alive(runner.pid, float(started))


def acquire(engine: Engine, token: str) -> bool:
    """Make this process the catalog's runner; return False if another one is at work."""
    bury(engine)
    with session_scope(engine) as session:
        if not jobs.runner_acquire(session, token, pid=os.getpid(), host=this_machine()):
            return False
        _give_up(session, except_owner=token)
    return True


def bury(engine: Engine) -> list[str]:
    """If the runner is dead or hangs: end what it left running, and see what becomes of its jobs.

    One that can be begun again waits again; the others are lost. Returns the ids of those. Costs
    one SELECT where all is well.
    """
    with session_scope(engine) as session:
        runner = jobs.runner(session)
    if runner is None or is_live(runner):
        return []
    is_here = runner.host == this_machine()
    if not is_here or _is_running(runner):
        # Silent, not gone: the database may have been away. It has a moment to say that it lives.
        time.sleep(SECOND_LOOK_S)
        with session_scope(engine) as session:
            again = jobs.runner(session)
        if again is None or again.token != runner.token:
            return []
        if again.heartbeat_at != runner.heartbeat_at and is_live(again):
            return []
    if is_here:
        if _is_running(runner):
            kill_tree(runner.pid)
        sweep(RUNNER_MARK, runner.token)
    with session_scope(engine) as session:
        if not jobs.runner_release(session, runner.token):
            return []  # somebody else was quicker
        return _give_up(session, owner=runner.token)


def _give_up(
    session: Session, *, owner: str | None = None, except_owner: str | None = None
) -> list[str]:
    return abandoned.give_up(
        session,
        owner=owner,
        except_owner=except_owner,
        repeatable=[name for name, kind in KINDS.items() if kind.repeatable],
        again=AGAIN.to_json(),
        lost=LOST.to_json(),
    )
