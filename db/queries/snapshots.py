"""Reports as they stood: stored once, never changed."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.errors import DuplicateError, NotFoundError
from db.models import ReportSnapshot
from db.queries import counters, readings


def create(
    session: Session,
    snapshot_id: str,
    *,
    date: str,
    title: dict[str, Any],
    record: dict[str, Any],
) -> ReportSnapshot:
    """Store a report, and freeze what counts today into a reading of the same id.

    `record` is what the report shows: rows, totals, phases. Raises `DuplicateError` where a report
    or reading has that id already.
    """
    counters.bump(session)
    if session.get(ReportSnapshot, snapshot_id) is not None:
        raise DuplicateError(
            "There is a report {snapshot_id!r} already: choose another name.",
            existing=snapshot_id,
            snapshot_id=snapshot_id,
        )
    readings.freeze(session, snapshot_id, title=title, date=date)
    snapshot = ReportSnapshot(
        id=snapshot_id, reading_id=snapshot_id, date=date, title=title, record=record
    )
    session.add(snapshot)
    session.flush()
    return snapshot


def get(session: Session, snapshot_id: str) -> ReportSnapshot:
    """Return one report; raises `NotFoundError`, which lists those there are."""
    snapshot = session.get(ReportSnapshot, snapshot_id)
    if snapshot is None:
        known = tuple(found.id for found in list_snapshots(session))
        raise NotFoundError(
            "There is no report {snapshot_id!r}. There are: {known}.",
            close=known,
            snapshot_id=snapshot_id,
            known=", ".join(known) or "–",
        )
    return snapshot


def list_snapshots(session: Session) -> list[ReportSnapshot]:
    """Return all reports, the newest first."""
    return list(
        session.scalars(
            select(ReportSnapshot).order_by(ReportSnapshot.date.desc(), ReportSnapshot.id.desc())
        )
    )
