"""What pages, commands and workflows do with jobs."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from app.jobs.hosts.address import scheduler_address
from app.jobs.launch import ensure_runner
from app.jobs.tasks import kind_of
from db.engine import session_scope
from db.patience import patiently
from db.queries import jobs

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from db.models import Job

POLL_S = 0.1
LOOK_AFTER_RUNNER_S = 1.0


def submit(
    engine: Engine,
    kind: str,
    spec: dict[str, Any],
    *,
    device: str | None = None,
    asked_by: str | None = None,
) -> str:
    """Queue a job and see to it that a runner is there; return its id.

    The same work asked for while it waits or runs is the same job, and its id is returned. Raises
    ValueError for an unknown kind or a spec that isn't JSON, CatalogError if the catalog can't be
    written, UsageError for a scheduler that can't be used.
    """
    prepared = kind_of(kind).prepare(spec)
    try:
        prepared = json.loads(json.dumps(prepared, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise ValueError(f"The spec of a job must be plain JSON: {error}.") from None
    if scheduler_address() is not None:
        device = None  # of each kind there may be several: the scheduler keeps them apart
    with session_scope(engine) as session:
        job_id = jobs.create(session, kind=kind, spec=prepared, device=device, asked_by=asked_by).id
    ensure_runner(engine)
    return job_id


def get(engine: Engine, job_id: str) -> Job | None:
    """Return the job of that id as it stands, None if there is none."""
    with session_scope(engine) as session:
        return jobs.get(session, job_id)


def active(engine: Engine, kind: str | None = None) -> list[Job]:
    """Return the jobs that run or wait, in the order they are taken."""
    with session_scope(engine) as session:
        return [job for job in jobs.list_active(session) if kind in (None, job.kind)]


def recent(engine: Engine, limit: int = 20) -> list[Job]:
    """Return the newest jobs of every state, newest first."""
    with session_scope(engine) as session:
        return list(jobs.list_recent(session, limit=limit))


def cancel(engine: Engine, job_id: str) -> bool:
    """Ask a job to stop; return False if it is over already (or was never there).

    A waiting job is cancelled at once, a running one within two seconds. Asking twice is no error.
    """
    with session_scope(engine) as session:
        asked = jobs.request_cancel(session, job_id)
    ensure_runner(engine)  # a dead runner would never hear it
    return asked


def retry(engine: Engine, job_id: str, *, asked_by: str | None = None) -> str | None:
    """Queue a job that is over once more; return the new job's id, None if there is none."""
    with session_scope(engine) as session:
        job = jobs.retry(session, job_id, asked_by=asked_by)
    ensure_runner(engine)
    return job.id if job else None


def wait(
    engine: Engine,
    job_id: str,
    on_progress: Callable[[Job], None] | None = None,
    *,
    every_s: float = 0.0,
) -> Job:
    """Wait until a job is over and return it; `on_progress` is called when something changed.

    Not more often than `every_s` seconds: the newest change waits for its turn, and none is left
    out for good. Ctrl-C cancels the job and waits for its end; a second one leaves at once with
    KeyboardInterrupt. Raises ValueError if there is no such job.
    """
    try:
        return _wait(engine, job_id, on_progress, every_s)
    except KeyboardInterrupt:
        cancel(engine, job_id)
        return _wait(engine, job_id, on_progress, every_s)


def _wait(
    engine: Engine, job_id: str, on_progress: Callable[[Job], None] | None, every_s: float
) -> Job:
    seen: tuple[Any, ...] = ()
    told_at = -math.inf
    looked_at = time.monotonic()
    while True:
        job = patiently(engine, lambda: get(engine, job_id))
        if job is None:
            raise ValueError(f"There is no job {job_id!r}.")
        state = (job.state, job.done, job.total, job.message, job.cancel_requested)
        is_over = job.state not in jobs.ACTIVE_STATES
        if on_progress and state != seen and (is_over or time.monotonic() - told_at >= every_s):
            on_progress(job)
            seen, told_at = state, time.monotonic()
        if is_over:
            return job
        time.sleep(POLL_S)
        if time.monotonic() - looked_at > LOOK_AFTER_RUNNER_S:
            looked_at = time.monotonic()
            patiently(engine, lambda: ensure_runner(engine))
