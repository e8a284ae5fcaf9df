"""The ranking as people and programs read it; stored scores answer without scoring anything."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from analyzers.message import message
from app.errors import UsageError
from app.labels import say
from app.workflows.settings import default_target
from db.queries import papers as paper_queries
from db.queries import scores as score_queries
from db.queries import snapshots as snapshot_queries
from db.queries.scores import Listed

DEFAULT_TARGET = "llama.cpp"
EXPECTED, SAFE = "expected", "safe"


class RanksBefore(NamedTuple):
    """What a report said of the papers' ranks, None for a paper that it gave none."""

    report: str
    date: str
    ranks: dict[str, int | None]


def list_papers(
    session: Session,
    *,
    target: str | None = None,
    device: str | None = None,
    order: str = EXPECTED,
    language: str = "en",
) -> list[dict[str, Any]]:
    """Return the ranking, the best first, as `assay list --json` prints it.

    Stored scores answer the usual question, in either order; another target or device is scored on
    the fly. Raises `UsageError` for an order or a device that isn't known.
    """
    rows = ranked_rows(session, target=target, device=device, order=order)
    return [told(row, language) for row in rows]


def told(row: dict[str, Any], language: str) -> dict[str, Any]:
    """Return a row of `ranked_rows` with its reason said in a language."""
    return row | {"why": say(row["why"], language)}


def ranked_rows(
    session: Session,
    *,
    target: str | None = None,
    device: str | None = None,
    order: str = EXPECTED,
) -> list[dict[str, Any]]:
    """Return what `list_papers` does, each reason as its record: ten thousand are not said."""
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
    rows = None
    if stored and device is None:
        rows = _stored_rows(list(stored.values()), order)
    if rows is None:
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
            }
        )
    return listed


def _stored_rows(scores: list[Listed], order: str) -> list[dict[str, Any]] | None:
    """Return the rows as they are stored; None where the order can't be told without scoring."""
    believed = [score for score in scores if score.row_json is not None]
    if order == SAFE:
        if any(score.place_json is None or score.low is None for score in believed):
            return None
        # A place is (group, −score, ties …): by the low end only the second changes.
        places = {s.paper_id: _safe_place(s) for s in believed}
        believed.sort(key=lambda s: places[s.paper_id])
        ranks = {score.paper_id: position for position, score in enumerate(believed, start=1)}
    else:
        ranks = {score.paper_id: score.rank or 0 for score in believed}
        believed.sort(key=lambda s: ranks[s.paper_id])
    return [
        json.loads(score.row_json or "")
        | {"rank": ranks[score.paper_id], "points": _points(score, order)}
        for score in believed
    ]


def _safe_place(score: Listed) -> tuple[Any, ...]:
    group, _, *ties = json.loads(score.place_json or "")
    return group, -round(score.low or 0.0, 9), *ties


def _points(score: Listed, order: str) -> dict[str, float]:
    """Return the points of each criterion, their low ends in the safe order."""
    flat = json.loads(score.points_json or "[]")
    which = 2 if order == SAFE else 1
    return {flat[n]: flat[n + which] for n in range(0, len(flat), 3)}


def ranks_before(session: Session, target: str | None = None) -> RanksBefore | None:
    """Return the ranks in the last report on a target; None where there is none."""
    wanted = target or default_target()
    for snapshot in snapshot_queries.list_snapshots(session):
        if snapshot.record.get("target", DEFAULT_TARGET) == wanted:
            ranks = {row["paper"]: row.get("rank") for row in snapshot.record.get("rows", ())}
            return RanksBefore(snapshot.id, snapshot.date, ranks)
    return None


def moved(row: dict[str, Any], before: RanksBefore | None) -> int | str | None:
    """Return by how many ranks a paper rose since a report, "new" for one that it doesn't list.

    None where the report gave it no rank, or there is no report.
    """
    if before is None:
        return None
    if row["paper_id"] not in before.ranks:
        return "new"
    rank = before.ranks[row["paper_id"]]
    return None if rank is None else rank - int(row["rank"])
