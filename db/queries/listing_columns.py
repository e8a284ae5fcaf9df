"""What all ranked papers are narrowed and ordered by, column by column.

Each column comes as one long text: a hundred thousand rows would take four times as long.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from db import collecting
from db.dialects import is_postgres

_BETWEEN = "\x1f"
"""Stands between a column's values; where one holds it, it is left out."""


class Listed(NamedTuple):
    """All ranked papers, the best first; each column has one value a paper."""

    paper_ids: Sequence[str]
    recommendations: Sequence[str]
    verdicts: Sequence[str]
    techniques: Sequence[str | None]
    complexities: Sequence[str | None]
    devices: Sequence[str | None]
    run_highs: Sequence[float | None]
    points: Sequence[Sequence[float]]
    """The points of the criteria, then their low ends."""
    statuses: Sequence[str]
    years: Sequence[str]
    """The first four letters of what a paper says of its publication."""
    is_seed: Sequence[bool]

    def in_order(self, numbers: Sequence[int]) -> Listed:
        """Return the papers in the order of these of their places."""
        columns: list[Any] = [[values[number] for number in numbers] for values in self]
        return Listed(*columns)


_LISTING = (
    "paper_id", "recommendation", "verdict", "technique", "complexity", "device", "run_high",
    "points",
)  # fmt: skip
_PAPER = ("id", "status", "substr(published, 1, 4)", "CASE WHEN is_seed THEN 1 ELSE 0 END")
_BELIEVED = "FROM score WHERE target = :target AND kind = 'believed'"


def listed(session: Session, target: str) -> Listed | None:
    """Return all ranked papers for a target; None where one's row of the list is missing."""
    session.flush()
    with collecting.paused():
        ids, ranks = _columns(
            session, ("paper_id", "rank"), f"{_BELIEVED} AND rank IS NOT NULL", target
        )
        rows = _columns(session, _LISTING, "FROM listing WHERE target = :target", target)
        papers = _columns(session, _PAPER, "FROM paper", target)
        listing = dict(zip(rows[0], range(len(rows[0])), strict=True))
        if not all(map(listing.__contains__, ids)) or _is_any_unlisted(session, target):
            return None
        known = dict(zip(papers[0], range(len(papers[0])), strict=True))
        order = sorted(range(len(ids)), key=list(map(int, ranks)).__getitem__)
        paper_ids = [ids[n] for n in order if ids[n] in known]
        in_listing = [listing[paper_id] for paper_id in paper_ids]
        in_papers = [known[paper_id] for paper_id in paper_ids]

        def by_rank(values: Sequence[Any], numbers: list[int]) -> list[Any]:
            return [values[number] for number in numbers]

        _, advices, verdicts, techniques, complexities, devices, highs, points = rows
        _, statuses, years, seed = papers
        return Listed(
            paper_ids,
            by_rank(advices, in_listing),
            by_rank(verdicts, in_listing),
            by_rank(_or_none(techniques), in_listing),
            by_rank(_or_none(complexities), in_listing),
            by_rank(_or_none(devices), in_listing),
            by_rank([float(high) if high else None for high in highs], in_listing),
            by_rank(json.loads(f"[{','.join(points)}]"), in_listing),
            by_rank(statuses, in_papers),
            by_rank(years, in_papers),
            by_rank([told == "1" for told in seed], in_papers),
        )


def statuses(session: Session) -> dict[str, str]:
    """Return where each paper stands, by id."""
    session.flush()
    with collecting.paused():
        return dict(zip(*_columns(session, ("id", "status"), "FROM paper", ""), strict=True))


def safe_places(session: Session, target: str) -> dict[str, tuple[Any, ...]] | None:
    """Return by paper what its rank by the safe score goes by; None where that isn't known of all.

    A place is (group, −score, ties …): by the low end of the score only the second differs.
    """
    session.flush()
    unplaced = text(f"SELECT 1 {_BELIEVED} AND (place IS NULL OR low IS NULL) LIMIT 1")
    if session.connection().execute(unplaced, {"target": target}).first() is not None:
        return None
    # All digits of a float: SQLite's own text of one has fifteen.
    low = "CAST(low AS text)" if is_postgres(session) else "printf('%!.17g', low)"
    with collecting.paused():
        ids, lows, places = _columns(session, ("paper_id", low, "place"), _BELIEVED, target)
        told = json.loads(f"[{','.join(places)}]")
        return {
            paper_id: (group, -round(float(low), 9), *ties)
            for paper_id, low, (group, _, *ties) in zip(ids, lows, told, strict=True)
        }


def _is_any_unlisted(session: Session, target: str) -> bool:
    """Whether a score that has no rank yet has no row either."""
    missing = text(
        f"SELECT 1 {_BELIEVED} AND rank IS NULL AND NOT EXISTS (SELECT 1 FROM listing "
        "WHERE listing.target = score.target AND listing.paper_id = score.paper_id) LIMIT 1"
    )
    return session.connection().execute(missing, {"target": target}).first() is not None


def _columns(session: Session, names: Sequence[str], source: str, target: str) -> list[list[str]]:
    """Return columns of a table as texts, "" for what is missing, all in one order of the rows."""
    # Nothing but a hostile device's name or date holds what stands between: looking costs twice.
    columns = _split(session, names, source, target)
    if len({len(column) for column in columns}) == 1:
        return columns
    return _split(session, [_cleared(session, name) for name in names], source, target)


def _split(session: Session, names: Sequence[str], source: str, target: str) -> list[list[str]]:
    if is_postgres(session):
        columns = [f"string_agg(coalesce(CAST({name} AS text), ''), chr(31))" for name in names]
    else:
        columns = [f"group_concat(coalesce({name}, ''), char(31))" for name in names]
    found = session.connection().execute(
        text(f"SELECT {', '.join(columns)} {source}"), {"target": target}
    )
    return [[] if told is None else told.split(_BETWEEN) for told in found.one()]


def _cleared(session: Session, name: str) -> str:
    if is_postgres(session):
        return f"replace(CAST({name} AS text), chr(31), '')"
    return f"replace({name}, char(31), '')"


def _or_none(values: Sequence[str]) -> list[str | None]:
    return [value or None for value in values]
