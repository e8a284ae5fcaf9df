"""The moment that a report is of, and what moved scores since another one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from analyzers.targets import Target
from app.i18n import translator
from app.reports.numbers import points
from app.reports.text import clean
from app.workflows.causes import cause_text
from db.models import Correction, Fact, ReportSnapshot, Run
from db.queries import scores as score_queries


def catalog_moment(session: Session, target: Target) -> datetime:
    """Return when the catalog's newest entry was made.

    The seed's own facts don't count: they are as old as the copy of the catalog, and two fresh
    catalogs have to give the same report.
    """
    found = [
        session.scalar(select(func.max(Run.started_at))),
        session.scalar(select(func.max(Fact.at)).where(Fact.source != "seed")),
        session.scalar(select(func.max(Fact.reverted_at))),
        session.scalar(select(func.max(Correction.date))),
        target.date,
    ]
    moments = [_moment(text) for text in found if text]
    return max(moments, default=datetime(1970, 1, 1, tzinfo=UTC))


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def rest_of_history(
    session: Session,
    base: ReportSnapshot,
    target: Target,
    paper_ids: Sequence[str],
    language: str,
) -> dict[str, list[str]]:
    """Return the steps of these papers' believed scores since `base`, by id, each in words.

    A score's first value is no step: nothing was there to be moved.
    """
    _ = translator(language)
    told: dict[str, list[str]] = {}
    for step in score_queries.history(
        session, paper_ids, target=target.name, kind="believed", since=base.date
    ):
        if step.before is None or step.after is None:
            continue
        text = _("{before} → {after} ({why})").format(
            before=points(step.before),
            after=points(step.after),
            why=clean(cause_text(step.cause, language)),
        )
        told.setdefault(step.paper_id, []).append(text)
    return told
