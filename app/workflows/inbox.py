"""The inbox: new papers against the shortlist, and what a person decides about each."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from app.workflows.claim_words import claim_words
from app.workflows.ranked import Ranking
from db.queries import inbox as queries
from db.queries import papers as paper_queries
from db.queries.inbox import Undone

SHORTLIST = ("shortlisted", "building", "done")
DECISIONS = tuple(queries.STATUS_AFTER)

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits in the inbox, the best first, what was put off last."""

    rows: tuple[dict[str, Any], ...]
    """As `list_papers` has them, with `version`, `read`, `later`, `watch`, `place`, `of`."""
    shortlist: int
    """How many papers the new ones are compared with."""
    is_of_seed: bool
    """Whether that is the seed's report, because nothing is shortlisted yet."""

    @property
    def later(self) -> int:
        """How many were put off."""
        return sum(bool(row["later"]) for row in self.rows)


@dataclass(frozen=True, slots=True)
class LastDecision:
    """What was decided last, and about which paper; its title may be hostile."""

    decision: str
    title: str


def compared_with(ranking: Ranking) -> tuple[list[int], bool]:
    """Return the ranks of the shortlist, and whether the seed's papers stand in for it.

    The shortlist is what a person kept, builds or has built. As long as there is nothing of the
    kind a new paper is compared with those of the report that the catalog began with.
    """
    columns = ranking.columns
    statuses = columns.codes["status"]
    chosen = [number + 1 for number in ranking.chosen if statuses[number] in SHORTLIST]
    if chosen:
        return sorted(chosen), False
    seed = [
        number + 1
        for number in ranking.chosen
        if columns.is_seed[number] and statuses[number] != "rejected"
    ]
    return sorted(seed), True


def places(ranking: Ranking) -> Callable[[int | None], tuple[int | None, int]]:
    """Return what tells a rank's place among the shortlist: "would be 3 of 12" is (3, 12)."""
    ranks, _ = compared_with(ranking)

    def place(rank: int | None) -> tuple[int | None, int]:
        return (None if rank is None else bisect_left(ranks, rank) + 1), len(ranks) + 1

    return place


def queue(session: Session, ranking: Ranking) -> Queue:
    """Return the inbox out of the ranking."""
    waiting = queries.waiting(session)
    found_by = queries.found_by(session, waiting)
    ranks, is_of_seed = compared_with(ranking)
    place = places(ranking)
    listed = []
    for row in ranking.rows(waiting):
        paper = waiting[row["paper_id"]]
        position, of = place(row["rank"])
        more = {"version": paper.version, "read": paper.read, "later": paper.later}
        more |= {"watch": found_by.get(paper.paper_id), "place": position, "of": of}
        listed.append(row | more)
    listed.sort(key=lambda row: (row["later"] or 0, row["rank"]))
    return Queue(tuple(listed), len(ranks), is_of_seed)


def headline(session: Session, row: Row, language: str) -> str:
    """Return a paper's headline claim in our words; nothing where it has none."""
    key = row.get("headline")
    claim = queries.claims(session, [key]).get(key) if key else None
    return claim_words(claim, language) if claim is not None else ""


def decide(session: Session, paper_id: str, decision: str, *, who: str = "") -> str:
    """Keep, reject or put off a paper; return its title.

    Raises `RefusedError` for a paper that was decided about elsewhere, ValueError for a decision
    that is none.
    """
    if decision not in DECISIONS:
        raise ValueError(f"The decision is one of {', '.join(DECISIONS)}, not {decision!r}.")
    queries.decide(session, paper_id, decision, who)
    return paper_queries.get(session, paper_id).title


def undo(session: Session) -> Undone | None:
    """Take the newest decision back; None where there is none."""
    return queries.undo(session)


def last_decision(session: Session) -> LastDecision | None:
    """Return the decision that undo would take back; None where there is none."""
    newest = queries.newest(session)
    if newest is None:
        return None
    return LastDecision(newest.decision, paper_queries.get(session, newest.paper_id).title)


def decided_today(session: Session, at: datetime) -> dict[str, int]:
    """Return how many decisions of each kind stand that were made in the last 12 hours."""
    since = (at - timedelta(hours=12)).isoformat(timespec="microseconds")
    return queries.decided_since(session, since)
