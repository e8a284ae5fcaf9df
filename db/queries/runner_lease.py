"""The lease of the one process that works through a catalog's jobs: a row and its heartbeat."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, exists, select, update
from sqlalchemy.orm import Session

from db.dialects import insert
from db.models import Job, Runner, now

_ONLY = 1
"""There is one row, so there is one runner."""


def runner(session: Session) -> Runner | None:
    """Return the runner that holds the catalog, None where there is none."""
    return session.get(Runner, _ONLY, populate_existing=True)


def runner_acquire(
    session: Session,
    token: str,
    *,
    pid: int,
    host: str,
    stale_after_s: float | None = None,
    at: str | None = None,
) -> bool:
    """Take the lease if it is free, and return whether `token` holds it now.

    With `stale_after_s` a lease without a heartbeat for so long is taken over too; its holder finds
    out at its next heartbeat, and what it writes to jobs changes nothing once they are marked lost.
    """
    moment = at or now()
    values = {"token": token, "pid": pid, "host": host, "heartbeat_at": moment}
    is_takeable: ColumnElement[bool] = Runner.token == token
    if stale_after_s is not None:
        limit = datetime.fromisoformat(moment) - timedelta(seconds=stale_after_s)
        is_takeable |= Runner.heartbeat_at < limit.isoformat(timespec="microseconds")
    statement = insert(session, Runner).values(id=_ONLY, **values)
    statement = statement.on_conflict_do_update(
        index_elements=[Runner.id], set_=values, where=is_takeable
    )
    return session.execute(statement.returning(Runner.id)).first() is not None


def runner_heartbeat(session: Session, token: str, *, at: str | None = None) -> bool:
    """Say that the runner is alive; False if it holds the lease no more and has to stop."""
    statement = update(Runner).where(Runner.token == token).values(heartbeat_at=at or now())
    return session.execute(statement.returning(Runner.id)).first() is not None


def runner_release(session: Session, token: str, *, only_if_idle: bool = False) -> bool:
    """Give up the lease and return whether `token` held it.

    With `only_if_idle` it is kept while a job waits or runs, so that a job that comes at the very
    end of a runner's life finds either a runner or none, never one that is leaving.
    """
    statement = delete(Runner).where(Runner.token == token)
    if only_if_idle:
        busy = exists(select(Job.id).where(Job.state.in_(("queued", "running"))))
        statement = statement.where(~busy)
    return session.execute(statement.returning(Runner.id)).first() is not None
