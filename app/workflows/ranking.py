"""The ranking as people and programs read it; stored scores answer without scoring anything."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from analyzers.message import message
from app.errors import UsageError
from app.labels import say
from app.workflows.ranked import CRITERIA, Columns, Ranking, Row, year_of
from app.workflows.settings import default_target
from db import collecting
from db.queries import listing as listing_queries
from db.queries import listing_columns
from db.queries import snapshots as snapshot_queries
from db.queries.listing import Shown
from db.queries.listing_columns import Listed

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
    target = _asked(target, order)
    columns = _stored(session, target, device, order)
    if columns is None:
        return _scored_rows(session, target, device, order)
    rows = _rows(session, target, columns, columns.paper_ids)
    return [rows[paper_id] for paper_id in columns.paper_ids]


def ranking(
    reading: Callable[[], AbstractContextManager[Session]],
    *,
    target: str | None = None,
    device: str | None = None,
    order: str = EXPECTED,
) -> Ranking:
    """Return what `ranked_rows` does, each row read as it is asked for, by `reading`.

    Raises `UsageError` as `list_papers`.
    """
    wanted = _asked(target, order)
    with reading() as session:
        columns = _stored(session, wanted, device, order)
        if columns is None:
            return Ranking.of(_scored_rows(session, wanted, device, order))

    def rows_of(paper_ids: Collection[str]) -> Mapping[str, Row]:
        with reading() as session:
            return _rows(session, wanted, columns, paper_ids)

    return Ranking(columns, rows_of, range(len(columns.paper_ids)))


def _asked(target: str | None, order: str) -> str:
    if order not in (EXPECTED, SAFE):
        raise UsageError(
            message(
                "The order is {one} or {other}, not {order!r}.",
                one=EXPECTED,
                other=SAFE,
                order=order,
            )
        )
    return target or default_target()


def _stored(session: Session, target: str, device: str | None, order: str) -> Columns | None:
    """Return the ranking as it is stored; None where it can't be told without scoring."""
    # Only the default target's scores are kept up to date.
    if device is not None or target != default_target():
        return None
    listed = listing_columns.listed(session, target)
    if listed is None or not listed.paper_ids:
        return None
    if order == SAFE:
        places = listing_columns.safe_places(session, target)
        if places is None:
            return None
        of_each = [places[paper_id] for paper_id in listed.paper_ids]
        listed = listed.in_order(sorted(range(len(of_each)), key=of_each.__getitem__))
    return _columns(listed, order)


def _columns(listed: Listed, order: str) -> Columns:
    first = len(CRITERIA) if order == SAFE else 0
    with collecting.paused():
        points = [tuple(found[first : first + len(CRITERIA)]) for found in listed.points]
    return Columns(
        paper_ids=tuple(listed.paper_ids),
        codes={
            "recommendation": listed.recommendations,
            "verdict": listed.verdicts,
            "technique": listed.techniques,
            "complexity": listed.complexities,
            "status": listed.statuses,
        },
        years=[year_of(told) for told in listed.years],
        is_seed=listed.is_seed,
        devices=listed.devices,
        run_highs=listed.run_highs,
        points=points,
    )


def _rows(
    session: Session, target: str, columns: Columns, paper_ids: Collection[str]
) -> dict[str, Row]:
    return {
        paper_id: shown.row
        | {
            "rank": columns.numbers[paper_id] + 1,
            "points": dict(zip(CRITERIA, columns.points[columns.numbers[paper_id]], strict=True)),
        }
        | _of_paper(shown)
        for paper_id, shown in listing_queries.shown(session, target, paper_ids).items()
        if shown.row
    }


def _of_paper(shown: Shown) -> Row:
    return {name: value for name, value in shown._asdict().items() if name != "row"}


def _scored_rows(
    session: Session, target: str, device: str | None, order: str
) -> list[dict[str, Any]]:
    """Return the rows scored on the fly: of another target, one device, or where none is stored."""
    from app.workflows.triage import rank_now

    rows = rank_now(session, target, device, order)
    ids = [row["paper_id"] for row in rows]
    # What only stored scores know is told of the default target's papers.
    stored = listing_queries.shown(session, target if target == default_target() else "", ids)
    return [
        row | _of_paper(paper) for row in rows if (paper := stored.get(row["paper_id"])) is not None
    ]


def ranks_before(session: Session, target: str | None = None) -> RanksBefore | None:
    """Return the ranks in the last report on a target; None where there is none."""
    from app.reports.earlier import ranks

    wanted = target or default_target()
    for snapshot in snapshot_queries.list_snapshots(session):
        if snapshot.record.get("target", DEFAULT_TARGET) == wanted:
            return RanksBefore(snapshot.id, snapshot.date, ranks(snapshot.record))
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
