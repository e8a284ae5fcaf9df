"""Asking for background work from a page: who may, how often, and in whose name."""

from __future__ import annotations

from typing import Any

from app import jobs
from app.web.components import access, context
from app.workflows.team import Role

_NEEDS: dict[str, Role] = {"benchmark": "run"}
"""What runs a prototype's code needs more than what changes the catalog."""
_LONGEST = 200
"""Letters of what an action was about that are written down: two hundred papers may be named."""
_ACTIONS = {"benchmark": "measure", "add": "add", "watch": "watch"}


def submit(kind: str, spec: dict[str, Any], *, device: str | None = None) -> str:
    """Queue a job in the name of whoever asks; raises `AssayError` where they may not."""
    who = access.act(_NEEDS.get(kind, "curate"), _ACTIONS[kind], _in_short(jobs.subject(spec)))
    return jobs.submit(context.engine(), kind, spec, device=device, asked_by=who)


def cancel(kind: str, job_id: str) -> None:
    """Ask a job to stop; raises `AssayError` for who may not start one of its kind."""
    access.act(_NEEDS.get(kind, "curate"), "cancel", _subject_of(job_id))
    jobs.cancel(context.engine(), job_id)


def retry(kind: str, job_id: str) -> None:
    """Queue a job once more; counts, and needs, what the first time did."""
    needed = _NEEDS.get(kind, "curate")
    access.spend(access.require(needed), _ACTIONS.get(kind, ""))
    who = access.act(needed, "retry", _subject_of(job_id))
    jobs.retry(context.engine(), job_id, asked_by=who)


def _subject_of(job_id: str) -> str:
    job = jobs.get(context.engine(), job_id)
    return _in_short(jobs.subject(job.spec)) if job else ""


def _in_short(subject: str) -> str:
    return subject if len(subject) <= _LONGEST else subject[: _LONGEST - 1] + "…"


def may_ask_for(kind: str) -> bool:
    """Whether whoever looks may start, stop and repeat jobs of that kind."""
    return access.may_do(_NEEDS.get(kind, "curate"))
