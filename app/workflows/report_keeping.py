"""Keeping today's report to compare with later, and the reports that were kept."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from app.i18n import LANGUAGES
from app.labels import say
from app.reports import earlier
from app.workflows.ranking import DEFAULT_TARGET, ranking
from app.workflows.report_base import target_of
from app.workflows.report_basis import fingerprint
from app.workflows.report_ranking import outlines
from app.workflows.settings import default_target
from db.queries import snapshots


def save_snapshot(
    session: Session, *, target: str | None = None, now: datetime | None = None
) -> str:
    """Keep today's ranking and facts as a report to compare with later; return its id.

    The id is `report-2026-11-24`, with a number where that day has one already. Raises
    `UsageError` for an unknown target.
    """
    target = target or default_target()
    made_from = fingerprint(session, target_of(target))
    date = (now or datetime.now(UTC)).astimezone(UTC).date().isoformat()
    taken = {kept.id for kept in snapshots.list_snapshots(session)}
    identity, number = f"report-{date}", 2
    while identity in taken:
        identity, number = f"report-{date}-{number}", number + 1
    listed = ranking(lambda: nullcontext(session), target=target)
    rows = listed[: earlier.COMPARED]
    whys = {row["paper_id"]: {code: say(row["why"], code) for code in LANGUAGES} for row in rows}
    record = earlier.snapshot_record(outlines(session, listed, target), rows, whys)
    snapshots.create(
        session,
        identity,
        date=date,
        title={"en": f"Report of {date}", "zh": f"{date} 报告"},
        record=record | {"target": target, "fingerprint": made_from},
    )
    return identity


def list_snapshots(session: Session) -> list[dict[str, Any]]:
    """Return the reports that ranks can be compared with, the newest first."""
    return [
        {
            "id": kept.id,
            "date": kept.date,
            "title": kept.title,
            "target": kept.record.get("target", DEFAULT_TARGET),
            "papers": len(earlier.ranks(kept.record)),
        }
        for kept in snapshots.list_snapshots(session)
    ]
