"""The ranking as people and programs read it; stored scores answer without scoring anything."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy.orm import Session

from analyzers.message import message
from app.errors import UsageError
from app.labels import say
from app.workflows.settings import default_target
from db.queries import papers as paper_queries
from db.queries import scores as score_queries

DEFAULT_TARGET = "llama.cpp"
EXPECTED, SAFE = "expected", "safe"


def list_papers(
    session: Session,
    *,
    target: str | None = None,
    device: str | None = None,
    order: str = EXPECTED,
    language: str = "en",
) -> list[dict[str, Any]]:
    """Return the ranking, the best first, as `assay list --json` prints it.

    Stored scores answer the usual question; another target, device or order is scored on the fly.
    Raises `UsageError` for an order or a device that isn't known.
    """
    if order not in (EXPECTED, SAFE):
        raise UsageError(
            message(
                "The order is {one} or {other}, not {order!r}.",
                one=EXPECTED,
                other=SAFE,
                order=order,
            )
        )
    usual = default_target()
    target = target or usual
    stored = {
        (score.paper_id, score.kind): score
        for score in score_queries.listed(session, target)
        if target == usual  # only these are kept up to date
    }
    if (target, device, order) == (usual, None, EXPECTED) and stored:
        rows = [
            json.loads(score.row_json) | {"rank": score.rank}
            for score in stored.values()
            if score.row_json is not None
        ]
        rows.sort(key=lambda r: r["rank"])
    else:
        from app.workflows.triage import rank_now

        rows = rank_now(session, target, device, order)
    known = {paper.id: paper for paper in paper_queries.list_papers(session)}
    listed = []
    for row in rows:
        paper = known.get(row["paper_id"])
        if paper is None:
            continue
        report, claimed = stored.get((paper.id, "report")), stored.get((paper.id, "claimed"))
        listed.append(
            row
            | {
                "title": paper.title,
                "authors": paper.authors,
                "published": paper.published,
                "status": paper.status,
                "is_seed": paper.is_seed,
                "added_at": paper.added_at,
                "rank_claimed": claimed.rank if claimed else None,
                "score_report": report.value if report else None,
                "rank_report": report.rank if report else None,
                "why": say(row["why"], language),
            }
        )
    return listed
