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
from db.queries.inbox import Undone, Waiting

SHORTLIST = ("shortlisted", "building", "done")
DECISIONS = tuple(queries.STATUS_AFTER)

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits in the inbox, the best first, what was put off last."""

    waiting: tuple[Waiting, ...]
    ranking: Ranking
    """Holds all that waits; whole rows are read of what is shown."""
    ranks: tuple[int, ...]
    """Of the papers that the new ones are compared with."""
    is_of_seed: bool
    """Whether these are of the seed's report, because nothing is shortlisted yet."""

    def __len__(self) -> int:
        return len(self.waiting)

    @property
    def ids(self) -> list[str]:
        """The papers that wait."""
        return [paper.paper_id for paper in self.waiting]

    @property
    def later(self) -> int:
        """How many were put off."""
        return sum(bool(paper.later) for paper in self.waiting)

    def rows(self, session: Session, first: int = 0, last: int | None = None) -> list[Row]:
        """Return what waits from one place to before another, without what is gone meanwhile.

        As `list_papers` has them, with `version`, `read`, `later`, `watch`, `place`, `of`.
        """
        shown = self.waiting[first:last]
        ids = [paper.paper_id for paper in shown]
        found_by = queries.found_by(session, ids)
        rows = {row["paper_id"]: row for row in self.ranking.rows(ids)}
        return [
            rows[paper.paper_id]
            | {"version": paper.version, "read": paper.read, "later": paper.later}
            | {"watch": found_by.get(paper.paper_id), "of": len(self.ranks) + 1}
            | {"place": bisect_left(self.ranks, rows[paper.paper_id]["rank"]) + 1}
            for paper in shown
            if paper.paper_id in rows
        ]


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
    numbers = ranking.paper_ids
    waiting = [paper for paper in queries.waiting(session).values() if paper.paper_id in numbers]
    waiting.sort(key=lambda paper: (paper.later or 0, numbers[paper.paper_id]))
    ranks, is_of_seed = compared_with(ranking)
    return Queue(tuple(waiting), ranking, tuple(ranks), is_of_seed)


def headline(session: Session, row: Mapping[str, Any], language: str) -> str:
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
