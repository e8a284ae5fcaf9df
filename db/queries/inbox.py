"""The inbox: papers nobody decided about yet, and the decisions, each of which can be undone."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session, load_only

from db import collecting
from db.errors import RefusedError
from db.models import Claim, InboxDecision, Paper, Watch, WatchFind, now
from db.queries import counters, papers

STATUS_AFTER = {"keep": "shortlisted", "reject": "rejected", "later": "inbox"}


class Waiting(NamedTuple):
    """A paper in the inbox, with what a list of papers leaves out."""

    paper_id: str
    version: str | None
    read: str | None
    later: int | None
    """The number of the decision that put it off; None where nobody did."""


class Undone(NamedTuple):
    """A decision that was taken back; `is_restored` is False where the paper moved on since."""

    paper_id: str
    decision: str
    is_restored: bool


def waiting(session: Session) -> dict[str, Waiting]:
    """Return the papers in the inbox by id; the seed's own papers were judged by its report."""
    put_off = (
        select(InboxDecision.paper_id, func.max(InboxDecision.id).label("number"))
        .where(InboxDecision.decision == "later", InboxDecision.undone_at.is_(None))
        .group_by(InboxDecision.paper_id)
        .subquery()
    )
    statement = (
        select(Paper.id, Paper.version, Paper.read, put_off.c.number)
        .outerjoin(put_off, put_off.c.paper_id == Paper.id)
        .where(Paper.status == "inbox", Paper.is_seed.is_(False))
    )
    session.flush()
    with collecting.paused():
        rows = session.connection().execute(statement).all()
        return {row[0]: Waiting._make(row) for row in rows}


def found_by(session: Session, paper_ids: Collection[str]) -> dict[str, str]:
    """Return the name of the watch that brought each of these papers."""
    wanted = list(paper_ids)
    found: dict[str, str] = {}
    for start in range(0, len(wanted), 500):
        statement = (
            select(WatchFind.paper_id, Watch.name)
            .join(Watch, Watch.id == WatchFind.watch_id)
            .where(
                WatchFind.paper_id.in_(wanted[start : start + 500]),
                WatchFind.outcome.in_(["new", "version"]),
            )
            .order_by(WatchFind.at.desc())
        )
        found |= {str(row[0]): row[1] for row in session.execute(statement)}
    return found


def decide(session: Session, paper_id: str, decision: str, who: str) -> None:
    """Keep a paper, reject it, or put it off; raises `NotFoundError`, `RefusedError`.

    A paper that isn't in the inbox any more was decided about elsewhere.
    """
    counters.bump_aside(session)
    paper = papers.get(session, paper_id)
    if paper.status != "inbox":
        raise RefusedError(
            "{paper} is not in the inbox any more: its status was changed elsewhere.",
            paper=paper_id,
        )
    session.add(
        InboxDecision(
            paper_id=paper_id, decision=decision, status_before=paper.status, who=who.strip()
        )
    )
    paper.status = STATUS_AFTER[decision]
    session.flush()


def undo(session: Session) -> Undone | None:
    """Take the newest decision back; None where there is none.

    Where the paper's status was changed since, that change stays.
    """
    counters.bump_aside(session)
    last = newest(session)
    if last is None:
        return None
    last.undone_at = now()
    paper = papers.get(session, last.paper_id)
    is_restored = paper.status == STATUS_AFTER[last.decision]
    if is_restored:
        paper.status = last.status_before
    session.flush()
    return Undone(last.paper_id, last.decision, is_restored)


def newest(session: Session) -> InboxDecision | None:
    """Return the decision that undo would take back."""
    standing = select(InboxDecision).where(InboxDecision.undone_at.is_(None))
    return session.scalar(standing.order_by(InboxDecision.id.desc()).limit(1))


def decided_since(session: Session, since: str) -> dict[str, int]:
    """Return how many decisions of each kind stand since a moment."""
    statement = (
        select(InboxDecision.decision, func.count())
        .where(InboxDecision.at >= since, InboxDecision.undone_at.is_(None))
        .group_by(InboxDecision.decision)
    )
    return {row[0]: row[1] for row in session.execute(statement)}


def claims(session: Session, keys: Collection[str]) -> dict[str, Claim]:
    """Return claims by their keys, without their places."""
    wanted = list(keys)
    found: dict[str, Claim] = {}
    for start in range(0, len(wanted), 500):
        statement = select(Claim).where(Claim.key.in_(wanted[start : start + 500]))
        found |= {claim.key: claim for claim in session.scalars(statement)}
    return found


def summaries(session: Session, paper_ids: Collection[str]) -> dict[str, Paper]:
    """Return papers by id, without abstracts and analyses."""
    wanted = list(paper_ids)
    found: dict[str, Paper] = {}
    shown = load_only(
        Paper.id, Paper.arxiv_id, Paper.version, Paper.title, Paper.authors, Paper.published,
        Paper.url, Paper.read, Paper.status, Paper.is_seed,
    )  # fmt: skip
    for start in range(0, len(wanted), 500):
        statement = select(Paper).where(Paper.id.in_(wanted[start : start + 500])).options(shown)
        found |= {paper.id: paper for paper in session.scalars(statement)}
    return found
