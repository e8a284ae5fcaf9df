"""What a report is asked for: its target, and the earlier report that it is compared with."""

from __future__ import annotations

from sqlalchemy.orm import Session

from analyzers.message import message
from analyzers.targets import Target, TargetError
from app.errors import UsageError, reason_of
from app.workflows.ranking import DEFAULT_TARGET
from app.workflows.triage import target_named
from db.models import ReportSnapshot
from db.queries import snapshots


def compared_with(
    session: Session, since: str | None, target: Target, fingerprint: str
) -> ReportSnapshot | None:
    """Return the report `since`, else the newest one for this target made from other data.

    Raises `NotFoundError` for an unknown report, `UsageError` for one of another target.
    """
    if since is not None:
        asked = snapshots.get(session, since)
        if not is_for(asked, target):
            raise UsageError(
                message(
                    "The report {name!r} is for {theirs}: ranks for {ours} can't be compared "
                    "with it.",
                    name=since,
                    theirs=asked.record.get("target", DEFAULT_TARGET),
                    ours=target.name,
                )
            )
        return asked
    # A report kept of the very same data is this one: nothing moved since.
    stored = [s for s in snapshots.list_snapshots(session) if is_for(s, target)]
    return next((s for s in stored if s.record.get("fingerprint") != fingerprint), None)


def target_of(name: str) -> Target:
    """Return the target that a report is asked for; raises `UsageError` for an unknown one."""
    try:
        return target_named(name)
    except TargetError as error:
        raise UsageError(reason_of(error) or str(error)) from error


def is_for(snapshot: ReportSnapshot, target: Target) -> bool:
    """Whether a report ranks for a target; the first one, which names none, is for llama.cpp."""
    return bool(snapshot.record.get("target", DEFAULT_TARGET) == target.name)
