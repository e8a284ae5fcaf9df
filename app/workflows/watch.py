"""Watches: ask arXiv what is new since last time, read it, rank it, and say when to ask again.

A paper counts as seen once it is in the catalog: whatever breaks off in between, the next time
takes up what is left. What one query fails at is its own affair.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from analyzers.errors import ErrorKind, SourceError, error_record
from app.workflows.adding import OnProgress
from app.workflows.fetching import HOPELESS
from app.workflows.watch_asking import Asking, WatchRun
from db.engine import session_scope
from db.models import Watch
from db.queries import watches as queries

__all__ = ["WatchRun", "list_watches", "next_due", "run_watches"]

PERIOD = {"day": timedelta(days=1), "week": timedelta(weeks=1)}
FIRST_RETRY = timedelta(minutes=15)


def next_due(every: str, at: datetime, failures: int = 0, kind: str = "") -> datetime:
    """Return when to ask again: after a failure sooner, each time twice as late.

    A query that arXiv can't read, or an arXiv that refuses, is not asked sooner than usual.
    """
    period = PERIOD[every]
    if not failures or kind in (ErrorKind.BAD_REQUEST, ErrorKind.REFUSED):
        return at + period
    wait: timedelta = FIRST_RETRY * 2 ** min(failures - 1, 20)
    return at + min(period, wait)


def list_watches(session: Session) -> list[dict[str, Any]]:
    """Return the watches as `assay watch list --json` prints them."""
    return [
        {
            "name": watch.name,
            "query": watch.query,
            "every": watch.every,
            "most": watch.most,
            "paused": watch.paused,
            "next_at": None if watch.paused else watch.due_at,
            "asked_at": watch.asked_at,
            "failures": watch.failures,
            "result": watch.result,
        }
        for watch in queries.all_of(session)
    ]


def run_watches(
    engine: Engine,
    names: Sequence[str] = (),
    *,
    on_progress: OnProgress = lambda done, total, note: None,
    cancelled: Callable[[], bool] = lambda: False,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> list[WatchRun]:
    """Ask for these watches, or for all that aren't paused; return what came of each.

    Raises `NotFoundError` for a name that is none. When arXiv can't be reached or refuses, the
    watches that are left fail for the same reason without another request.
    """
    with session_scope(engine) as session:
        if names:
            chosen = [queries.get(session, name) for name in dict.fromkeys(names)]
        else:
            chosen = [watch for watch in queries.all_of(session) if not watch.paused]
    runs: list[WatchRun] = []
    hopeless: SourceError | None = None
    for watch in chosen:
        if cancelled():
            break
        run = WatchRun(watch.name, watch.query, asked_at=clock().isoformat(timespec="seconds"))
        covered_to = watch.covered_to
        try:
            if hopeless is not None:
                raise hopeless
            covered_to = Asking(engine, watch, run, on_progress, cancelled).go()
        except SourceError as error:
            run.state = "cancelled" if error.kind is ErrorKind.CANCELLED else "failed"
            run.error = error_record(error.kind, error.reason)
            hopeless = error if error.kind in HOPELESS else None
        _keep(engine, watch, run, covered_to, clock())
        runs.append(run)
    return runs


def _keep(
    engine: Engine, watch: Watch, run: WatchRun, covered_to: str | None, at: datetime
) -> None:
    failures = watch.failures + 1 if run.error and run.state != "cancelled" else 0
    due = next_due(watch.every, at, failures, (run.error or {}).get("kind", ""))
    run.next_at = due.isoformat(timespec="microseconds")
    with session_scope(engine) as session:
        queries.note_result(
            session,
            watch.id,
            result=run.to_json(),
            failures=failures,
            covered_to=covered_to,
            asked_at=run.asked_at,
            due_at=run.next_at,
        )
