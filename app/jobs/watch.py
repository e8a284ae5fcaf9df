"""Jobs as pages and commands show them: in words, with times and the place in the queue."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median
from typing import TYPE_CHECKING, Any

from analyzers.message import Message
from app.i18n import N_, translator
from app.jobs.launch import ensure_runner
from app.jobs.lease import STALE_AFTER_S
from db.engine import session_scope
from db.errors import CatalogError
from db.queries import jobs

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from db.models import Job

FINAL = jobs.FINAL_STATES
"""The states that a job never leaves."""

STATE_WORDS = {
    "queued": N_("waiting"),
    "running": N_("running"),
    "succeeded": N_("done"),
    "failed": N_("failed"),
    "timed_out": N_("took too long"),
    "cancelled": N_("cancelled"),
    "lost": N_("interrupted"),
}
FORESEEABLE = 0.1
"""Part of a job that must be done before its pace says when it will end."""

_STOPPING = N_("stopping")
_KEPT_AS = re.compile(r"^[0-9a-f]{12}-(?=.)")
"""What a file that was sent is called besides, where it is kept."""


@dataclass(frozen=True, slots=True)
class JobView:
    """What there is to say about a job at one moment, in one language."""

    id: str
    kind: str
    title: str
    state: str
    state_text: str
    text: str
    """What is going on, or how it ended; may be empty. Plain text, perhaps hostile."""
    fraction: float | None
    """Part that is done, 0…1; None where the total is unknown."""
    elapsed_s: float
    """Since it started; for a waiting job since it was asked for."""
    expected_s: float | None
    """Median of the same work done before; None if it never was."""
    position: int | None
    """Of a waiting job: 1 is next."""
    device: str | None
    is_active: bool
    can_cancel: bool
    can_retry: bool
    error: str | None
    """A failure's own words, not translated."""
    outcome: dict[str, Any]
    spec: dict[str, Any]
    """What was asked for."""
    asked_by: str | None = None
    """By whom, where the workbench has a login."""
    asked_at: str = ""
    started_at: str | None = None
    """ISO times in UTC, as `ended_at`."""
    ended_at: str | None = None

    @property
    def left_s(self) -> float | None:
        """Time left of a running job: from the same work done before, else from its progress.

        None where neither says anything yet.
        """
        if self.state != "running":
            return None
        if self.expected_s is not None and self.expected_s > self.elapsed_s:
            return self.expected_s - self.elapsed_s
        if self.fraction is not None and self.fraction >= FORESEEABLE:
            return self.elapsed_s * (1 - self.fraction) / self.fraction
        return None


def describe(
    job: Job,
    language: str,
    *,
    position: int | None = None,
    expected_s: float | None = None,
    at: datetime | None = None,
) -> JobView:
    """Say in `language` how a job stands."""
    _ = translator(language)
    is_active = job.state not in FINAL
    stopping = is_active and job.cancel_requested
    outcome = job.outcome or {}
    return JobView(
        id=job.id,
        kind=job.kind,
        title=_title(job, language),
        state=job.state,
        state_text=_(_STOPPING if stopping else STATE_WORDS[job.state]),
        text=Message.from_json(job.message).render(_) if job.message else "",
        fraction=_fraction(job),
        elapsed_s=_elapsed_s(job, at or datetime.now(UTC)),
        expected_s=expected_s,
        position=position if job.state == "queued" else None,
        device=job.device,
        is_active=is_active,
        can_cancel=is_active and not stopping,
        can_retry=job.state in FINAL - {"succeeded"},
        error=outcome.get("error"),
        outcome=outcome,
        spec=dict(job.spec),
        asked_by=job.asked_by,
        asked_at=job.created_at,
        started_at=job.started_at,
        ended_at=job.finished_at,
    )


def describe_all(engine: Engine, language: str, *, limit: int = 20) -> list[JobView]:
    """Say how the newest jobs stand: those that run or wait first, then the newest that ended.

    Whoever looks also finds out that a runner died: its jobs are marked lost first, and a runner
    is started for jobs that wait in vain.
    """
    with contextlib.suppress(CatalogError):
        ensure_runner(engine, patience_s=STALE_AFTER_S)
    with session_scope(engine) as session:
        active = list(jobs.list_active(session))
        recent = [job for job in jobs.list_recent(session, limit=limit) if job.state in FINAL]
    waiting = [job.id for job in active if job.state == "queued"]
    return [
        describe(
            job,
            language,
            position=waiting.index(job.id) + 1 if job.id in waiting else None,
            expected_s=expected_s(job, recent),
        )
        for job in [*active, *recent]
    ]


def expected_s(job: Job, earlier: Sequence[Job]) -> float | None:
    """Return the median duration of the same work in `earlier`, in seconds."""
    durations = [
        _between_s(done.started_at, done.finished_at)
        for done in earlier
        if done.state == "succeeded"
        and (done.kind, done.spec, done.device) == (job.kind, job.spec, job.device)
        and done.started_at
        and done.finished_at
    ]
    return median(durations) if durations else None


def _title(job: Job, language: str) -> str:
    _ = translator(language)
    spec = job.spec
    if job.kind == "benchmark":
        template = (
            _("Quick run of {prototype} on {device}")
            if spec.get("quick")
            else _("Full run of {prototype} on {device}")
        )
        return template.format(prototype=spec.get("prototype"), device=spec.get("device"))
    if job.kind == "add":
        sources = spec.get("sources") or []
        if len(sources) == 1:
            return _("Add {source}").format(source=_short(sources[0]))
        if not sources and spec.get("query"):
            return _("Add papers found for “{query}”").format(query=spec["query"])
        return _("Add {count} papers").format(count=len(sources))
    if job.kind == "watch":
        return _("Watch {names}").format(names=", ".join(map(str, spec.get("names") or ())))
    return job.kind


def subject(spec: Mapping[str, Any]) -> str:
    """Return what a job is about, in no language: a prototype, watches, papers or a query."""
    if spec.get("prototype"):
        return str(spec["prototype"])
    named = [str(name) for name in spec.get("names") or ()]
    sources = [_short(source) for source in spec.get("sources") or ()]
    return ", ".join([*named, *sources]) or str(spec.get("query") or "")


def _short(source: Any) -> str:
    """Return a source without its folder, and a file that was sent as it was called."""
    return _KEPT_AS.sub("", str(source).rsplit("/", 1)[-1])


def _fraction(job: Job) -> float | None:
    if job.state == "succeeded":
        return 1.0
    if not job.total:
        return None
    return min(1.0, max(0.0, job.done / job.total))


def _elapsed_s(job: Job, at: datetime) -> float:
    begin = job.started_at or job.created_at
    end = job.finished_at or at.isoformat()
    return max(0.0, _between_s(begin, end))


def _between_s(begin: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(begin)).total_seconds()
