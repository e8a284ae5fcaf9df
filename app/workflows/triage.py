"""Scoring the catalog anew: what moved, and the rows that the ranking shows."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from operator import itemgetter
from typing import Any

from sqlalchemy.orm import Session

from analyzers.message import N_, message
from analyzers.scoring import (
    Ranked,
    ReportRanked,
    place,
    place_claimed,
    rank_report,
    score_paper,
)
from analyzers.targets import Target, load_target
from app import home
from app.actor import actor
from app.errors import UsageError
from app.workflows.assembling import Assembled, assemble, assemble_report
from app.workflows.moves import Move
from app.workflows.score_records import belief_record, list_row
from app.workflows.scored_by import are_fresh, note_fresh
from app.workflows.settings import default_target
from db import collecting
from db.queries import coverage
from db.queries import listing as listing_queries
from db.queries import papers as paper_queries
from db.queries import scores as score_queries
from db.queries.listing import ListingValue
from db.queries.scores import ScoreValue

_MOST_CHOSEN = 2000
"""Of more papers than that all are scored: a query names each."""
_AT_ONCE = 5000
"""Papers that are in memory at a time while all are scored."""


def target_named(name: str) -> Target:
    """Return a target; a person's own file in the data folder wins over the shipped one."""
    return load_target(name, home.targets_folder())


def rescore(
    session: Session,
    cause: Mapping[str, Any],
    paper_ids: Collection[str] | None = None,
    *,
    target_name: str | None = None,
) -> list[Move]:
    """Score papers, store what the list shows, and return what moved.

    `cause` says what is behind it: {"kind": reading|analysis|correction|run|rule, "ref", …}. With
    `paper_ids` only these are scored, and all are numbered anew: a paper's score doesn't depend on
    the others. When the rules or the target file changed since the last time all are scored, and a
    paper outside `paper_ids` that moves then moved with those.
    """
    if (who := actor()) is not None:
        cause = {**cause, "who": who}
    target = target_named(target_name or default_target())
    chosen = None if paper_ids is None else _chosen(session, paper_ids, target.name)
    ids = paper_queries.ids(session) if chosen is None else sorted(chosen)
    report = {
        r.facts.paper_id: (i, r)
        for i, r in enumerate(rank_report(assemble_report(session, target), target), start=1)
    }
    other = {"kind": "rule", "ref": target.name}
    causes = None if paper_ids is None else dict.fromkeys({*ids} - {*paper_ids}, other)
    moves: list[Move] = []
    for first in range(0, len(ids), _AT_ONCE):
        values: list[ScoreValue] = []
        listed: list[ListingValue] = []
        with collecting.paused():
            for assembled in assemble(session, target, paper_ids=ids[first : first + _AT_ONCE]):
                ranked = score_paper(assembled.facts, target)
                values += _scores(ranked, report.get(assembled.paper.id), target)
                listed.append(_listing(assembled, ranked, target))
        steps = score_queries.save(session, values, cause, causes=causes)
        listing_queries.save(session, listed)
        moves += [Move(s.paper_id, s.kind, s.before, s.after) for s in steps]
    for kind in ("believed", "claimed"):
        score_queries.renumber(session, target.name, kind, chosen)
    if chosen is None:
        note_fresh(session, target.name)
    return moves


def _scores(
    ranked: Ranked, report: tuple[int, ReportRanked] | None, target: Target
) -> list[ScoreValue]:
    """Return a paper's scores; their ranks are numbered once all are stored."""
    paper_id, believed, claimed = ranked.facts.paper_id, ranked.believed, ranked.claimed
    return [
        ScoreValue(
            paper_id,
            target.name,
            "believed",
            believed.value,
            believed.low,
            believed.high,
            None,
            believed.to_json() | {"belief": belief_record(ranked)},
            list(place(ranked)),
        ),
        ScoreValue(
            paper_id,
            target.name,
            "claimed",
            claimed.value,
            claimed.low,
            claimed.high,
            None,
            claimed.to_json(),
            list(place_claimed(ranked)),
        ),
        _report_value(paper_id, report, target),
    ]


def _chosen(session: Session, paper_ids: Collection[str], target: str) -> set[str] | None:
    """Return the papers that have to be scored, None for all of them."""
    if not (are_fresh(session, target) and coverage.is_listed(session, target)):
        return None
    chosen = {*paper_ids, *coverage.unscored(session, target)}
    return chosen if len(chosen) <= _MOST_CHOSEN else None


def _report_value(
    paper_id: str, entry: tuple[int, ReportRanked] | None, target: Target
) -> ScoreValue:
    if entry is None:
        return ScoreValue(paper_id, target.name, "report", None, None, None, None, {})
    position, ranked = entry
    record = {"recommendation": ranked.recommendation.to_json()}
    if ranked.scored is None:
        return ScoreValue(paper_id, target.name, "report", None, None, None, None, record)
    scored = ranked.scored
    return ScoreValue(
        paper_id,
        target.name,
        "report",
        scored.value,
        scored.low,
        scored.high,
        position,
        scored.to_json() | record,
    )


def _listing(paper: Assembled, ranked: Ranked, target: Target) -> ListingValue:
    row = list_row(paper, ranked, target)
    return ListingValue(
        target.name,
        row["paper_id"],
        row["recommendation"],
        row["verdict"],
        row["technique"],
        row["complexity"],
        row["device"],
        row["run_interval"][1],
        [*_points(ranked, "expected").values(), *_points(ranked, "safe").values()],
        row,
    )


def rank_now(
    session: Session, target_name: str, device: str | None, order: str
) -> list[dict[str, Any]]:
    """Score and rank on the fly: for another target, one device alone, or the safe order.

    Raises `UsageError` for a device that nothing was measured on.
    """
    from db.queries import runs as run_queries

    target = target_named(target_name)
    if device is not None:
        known = [d.device_id for d in run_queries.devices(session)]
        if device not in known:
            raise UsageError(
                message(
                    "Nothing was measured on {device!r}. Devices with runs: {there}.",
                    words=("there",),
                    device=device,
                    there=", ".join(known) or N_("none yet"),
                )
            )
    return rank_for(session, target, device, order)


def rank_for(
    session: Session, target: Target, device: str | None = None, order: str = "expected"
) -> list[dict[str, Any]]:
    """Return the rows of the ranking by a target that need not have a file, as `rank_now`."""
    found = [
        (place(ranked, order), list_row(paper, ranked, target, device), _points(ranked, order))
        for paper, ranked in scored_papers(session, target, device)
    ]
    found.sort(key=itemgetter(0))
    return [
        row | {"rank": position, "points": points}
        for position, (_, row, points) in enumerate(found, start=1)
    ]


def scored_papers(
    session: Session, target: Target, device: str | None = None
) -> Iterator[tuple[Assembled, Ranked]]:
    """Yield all papers as they are scored now, in no order; some thousands are in memory."""
    ids = paper_queries.ids(session)
    for first in range(0, len(ids), _AT_ONCE):
        some = ids[first : first + _AT_ONCE]
        with collecting.paused():
            found = [
                (paper, score_paper(paper.facts, target, device))
                for paper in assemble(session, target, paper_ids=some, device=device)
            ]
        yield from found


def _points(ranked: Ranked, order: str) -> dict[str, float]:
    return {
        c.name: round(c.low if order == "safe" else c.points, 4) for c in ranked.believed.criteria
    }
