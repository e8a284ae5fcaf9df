"""Jobs whose runner is dead: begun again, cancelled as was asked, or lost."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from db.models import Job, now
from db.queries import counters, jobs

MOST_AGAIN = 2
"""A job under which so many runners died is not given to another: it may be its own fault."""
_BEGUN_AGAIN = "begun_again"


def begun_again(job: Job) -> int:
    """Return how often a job that waits or runs was begun again after its runner's death."""
    count = (job.outcome or {}).get(_BEGUN_AGAIN, 0)
    return count if isinstance(count, int) else 0


def give_up(
    session: Session,
    *,
    owner: str | None = None,
    except_owner: str | None = None,
    repeatable: Collection[str],
    again: dict[str, Any],
    lost: dict[str, Any],
) -> list[str]:
    """See what becomes of the running jobs of a dead runner, or of all but one; return those lost.

    A job of a `repeatable` kind waits again, with the message `again`, and keeps its id; one that
    was asked to stop is cancelled; every other is lost, with the message `lost`.
    """
    whose = Job.owner == owner if owner is not None else Job.owner != except_owner
    for job in session.scalars(select(Job).where(Job.state == "running", whose)).all():
        held = (Job.id == job.id) & (Job.owner == job.owner) & (Job.state == "running")
        if job.cancel_requested:
            _set(session, held, {"state": "cancelled", "message": None, "finished_at": now()})
        elif job.kind in repeatable and begun_again(job) < MOST_AGAIN:
            waiting = {"state": "queued", "owner": None, "started_at": None, "done": 0}
            outcome = {_BEGUN_AGAIN: begun_again(job) + 1}
            _set(session, held, {**waiting, "message": again, "outcome": outcome})
    return jobs.mark_lost(session, owner=owner, except_owner=except_owner, message=lost)


def _set(session: Session, which: ColumnElement[bool], values: dict[str, Any]) -> None:
    session.execute(update(Job).where(which).values(**values))
    counters.bump(session, counters.JOBS)
