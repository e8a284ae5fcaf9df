"""Jobs: the row is the truth about a piece of work, and every step of it one conditional UPDATE.

queued → running → succeeded | failed | timed_out | cancelled | lost. A running job belongs to the
runner whose token is its `owner`; a step by anyone else changes nothing and returns False, so that
a runner that was taken for dead and comes back can't write over its successor. Only the death of
its runner makes a job wait again (`db.queries.abandoned`).
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.orm import Session, aliased

from db.models import Job, now
from db.queries import counters
from db.queries.runner_lease import runner, runner_acquire, runner_heartbeat, runner_release

__all__ = [
    "ACTIVE_STATES", "FINAL_STATES", "claim", "claim_next", "create", "finish", "get",
    "is_cancel_requested", "list_active", "list_recent", "mark_lost", "progress", "request_cancel",
    "retry", "runner", "runner_acquire", "runner_heartbeat", "runner_release",
]  # fmt: skip

ACTIVE_STATES = frozenset({"queued", "running"})
FINAL_STATES = frozenset({"succeeded", "failed", "timed_out", "cancelled", "lost"})


def create(
    session: Session,
    *,
    kind: str,
    spec: dict[str, Any],
    device: str | None = None,
    total: int | None = None,
    dedupe_key: str | None = None,
    retry_of: str | None = None,
    asked_by: str | None = None,
) -> Job:
    """Queue a job and return it; the same work that waits or runs already is that job.

    Work is the same where `dedupe_key` is, by default a hash of kind, spec and device. `spec` is
    plain JSON. `device` names what must not be shared: one running job each.
    """
    counters.bump(session, counters.JOBS)
    key = dedupe_key or _digest(kind, spec, device)
    active = session.scalar(
        select(Job).where(
            Job.dedupe_key == key, Job.state.in_(ACTIVE_STATES), ~Job.cancel_requested
        )
    )
    if active is not None:
        return active
    # A running job that was asked to stop no longer stands for the work: make room for the new one.
    session.execute(
        update(Job)
        .where(Job.dedupe_key == key, Job.state.in_(ACTIVE_STATES))
        .values(dedupe_key=None)
    )
    job = Job(
        id=secrets.token_hex(8),
        kind=kind,
        spec=spec,
        device=device,
        total=total,
        dedupe_key=key,
        retry_of=retry_of,
        asked_by=asked_by,
    )
    session.add(job)
    session.flush()
    return job


def _digest(kind: str, spec: dict[str, Any], device: str | None) -> str:
    text = json.dumps([kind, spec, device], sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def get(session: Session, job_id: str) -> Job | None:
    """Return the job as it stands, None if there is none."""
    return session.get(Job, job_id, populate_existing=True)


def list_active(session: Session) -> list[Job]:
    """Return the jobs that wait or run, in the order they are taken."""
    return list(
        session.scalars(
            select(Job)
            .where(Job.state.in_(ACTIVE_STATES))
            .order_by(Job.created_at, Job.id)
            .execution_options(populate_existing=True)
        )
    )


def list_recent(session: Session, limit: int = 20) -> list[Job]:
    """Return the newest jobs of every state, newest first."""
    return list(
        session.scalars(
            select(Job)
            .order_by(Job.created_at.desc(), Job.id.desc())
            .limit(limit)
            .execution_options(populate_existing=True)
        )
    )


def claim_next(session: Session, owner: str, *, kinds: Collection[str] | None = None) -> Job | None:
    """Take the oldest job that may run now and return it, None where there is none.

    One UPDATE … RETURNING: two runners never take the same job, and a job whose device is busy
    waits while later ones of other devices go ahead.
    """
    candidate = aliased(Job)
    statement = (
        select(candidate.id)
        .where(candidate.state == "queued", _is_device_free(candidate))
        .order_by(candidate.created_at, candidate.id)
        .limit(1)
    )
    if kinds is not None:
        statement = statement.where(candidate.kind.in_(list(kinds)))
    return _take(session, owner, Job.id == statement.scalar_subquery())


def claim(session: Session, job_id: str, owner: str) -> Job | None:
    """Take this job and return it, None where it no longer waits or its device is busy."""
    candidate = aliased(Job)
    free = select(candidate.id).where(candidate.id == job_id, _is_device_free(candidate))
    return _take(session, owner, Job.id == free.scalar_subquery())


def _is_device_free(job: type[Job]) -> ColumnElement[bool]:
    busy = aliased(Job)
    held = select(busy.device).where(busy.state == "running", busy.device.is_not(None))
    return or_(job.device.is_(None), job.device.not_in(held))


def _take(session: Session, owner: str, which: ColumnElement[bool]) -> Job | None:
    statement = (
        update(Job)
        .where(which, Job.state == "queued", ~Job.cancel_requested)
        .values(state="running", owner=owner, started_at=now())
        .returning(Job.id)
    )
    job_id = session.scalar(statement)
    if job_id is None:
        return None
    counters.bump(session, counters.JOBS)
    return get(session, job_id)


def progress(
    session: Session,
    job_id: str,
    owner: str,
    *,
    done: int,
    total: int | None = None,
    message: dict[str, Any] | None = None,
) -> bool:
    """Say how far a running job is; False if it isn't this owner's any more: stop working.

    A total or message of None leaves the one that stands.
    """
    values: dict[str, Any] = {"done": done}
    if total is not None:
        values["total"] = total
    if message is not None:
        values["message"] = message
    return _step(session, _held(job_id, owner), values)


def finish(
    session: Session,
    job_id: str,
    owner: str,
    state: str,
    *,
    outcome: dict[str, Any] | None = None,
    message: dict[str, Any] | None = None,
) -> bool:
    """End a running job; False, with nothing changed, if it isn't this owner's any more."""
    if state not in FINAL_STATES:
        raise ValueError(f"a job can't end as {state!r}")
    values = {"state": state, "outcome": outcome, "message": message, "finished_at": now()}
    return _step(session, _held(job_id, owner), values)


def request_cancel(session: Session, job_id: str) -> bool:
    """Cancel a waiting job at once, ask a running one to stop; False if it is over or unknown.

    Asking twice is no error.
    """
    ended = {"state": "cancelled", "cancel_requested": True, "finished_at": now()}
    if _step(session, (Job.id == job_id) & (Job.state == "queued"), ended):
        return True
    return _step(session, (Job.id == job_id) & (Job.state == "running"), {"cancel_requested": True})


def is_cancel_requested(session: Session, job_id: str, owner: str) -> bool:
    """Whether a job's worker has to stop: it was asked to, or the job isn't its runner's."""
    asked = session.scalar(select(Job.cancel_requested).where(_held(job_id, owner)))
    return asked is None or asked


def mark_lost(
    session: Session,
    *,
    owner: str | None = None,
    except_owner: str | None = None,
    message: dict[str, Any] | None = None,
) -> list[str]:
    """End the running jobs of a dead runner (or of all but one) as lost; return their ids."""
    if (owner is None) == (except_owner is None):
        raise TypeError("give either owner or except_owner")
    whose = Job.owner == owner if owner is not None else Job.owner != except_owner
    values: dict[str, Any] = {"state": "lost", "finished_at": now()}
    if message is not None:
        values["message"] = message
    statement = update(Job).where(Job.state == "running", whose).values(**values)
    lost = list(session.scalars(statement.returning(Job.id)))
    if lost:
        counters.bump(session, counters.JOBS)
    return sorted(lost)


def retry(session: Session, job_id: str, *, asked_by: str | None = None) -> Job | None:
    """Queue the work of a job that is over once more; None if the job is unknown or still active.

    Retried twice at once, it is one job.
    """
    counters.bump(session, counters.JOBS)
    job = get(session, job_id)
    if job is None or job.state in ACTIVE_STATES:
        return None
    return create(
        session,
        kind=job.kind,
        spec=job.spec,
        device=job.device,
        total=job.total,
        dedupe_key=job.dedupe_key,
        retry_of=job.id,
        asked_by=asked_by,
    )


def _held(job_id: str, owner: str) -> ColumnElement[bool]:
    return (Job.id == job_id) & (Job.owner == owner) & (Job.state == "running")


def _step(session: Session, which: ColumnElement[bool], values: dict[str, Any]) -> bool:
    statement = update(Job).where(which).values(**values).returning(Job.id)
    is_done = session.scalar(statement) is not None
    if is_done:
        counters.bump(session, counters.JOBS)
    return is_done
