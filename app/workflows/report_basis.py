"""What a report is made from: the facts, claims and runs of now, by a hash and by devices."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from analyzers.targets import Target
from app.reports import origin
from app.reports.basis import Provenance
from app.workflows import staleness
from db.models import Run
from db.queries import claims as claim_queries
from db.queries import readings
from db.queries import runs as run_queries


def provenance(session: Session, target: Target, moment: datetime) -> Provenance:
    """Return what a report of this moment is made from."""
    runs = run_queries.for_prototypes(session)
    marks = staleness.mark([run.record for run in runs])
    stale = {run.id for run, is_old in zip(runs, marks, strict=True) if is_old}
    return origin.provenance(
        moment, target, runs, fingerprint(session, target, runs), _program(), stale
    )


def fingerprint(session: Session, target: Target, runs: Sequence[Run] | None = None) -> str:
    """Return a hash of the facts, claims and runs of now, and of the target."""
    if runs is None:
        runs = run_queries.for_prototypes(session)
    return origin.fingerprint(
        target, readings.standing(session), claim_queries.every(session), runs
    )


def _program() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("assay")
    except PackageNotFoundError:
        return "dev"
