"""Watches: saved arXiv queries, when they are due, and what they came across."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from db.errors import DuplicateError, NotFoundError, RefusedError
from db.models import Paper, Watch, WatchFind, now
from db.queries import counters

EVERY = ("day", "week")
LONGEST_NAME = 60
LONGEST_QUERY = 1000
MOST = 500
"""Of one query at one time; arXiv asks to refine queries that need more."""


class Held(NamedTuple):
    """A paper of arXiv that the catalog has: its id there, and the version as written (`v2`)."""

    paper_id: str
    version: str | None


class Find(NamedTuple):
    """A version of a paper that a watch came across, for a digest."""

    watch: str
    arxiv_id: str
    version: int
    paper_id: str | None
    outcome: str
    at: str


def add(session: Session, name: str, query: str, *, every: str = "day", most: int = 25) -> Watch:
    """Save a query under a name; it is due at once.

    A name that was removed before comes back, and knows what it found if the query is the same.
    Raises `DuplicateError` for a name in use, `RefusedError` for one that can't be used.
    """
    name, query = " ".join(name.split()), " ".join(query.split())
    _check(name, query, every, most)
    counters.bump_aside(session)
    held = session.scalar(select(Watch).where(Watch.name == name))
    if held is None:
        held = Watch(name=name, query=query, every=every, most=most)
        session.add(held)
    elif held.removed_at is None:
        raise DuplicateError(
            "There is a watch {name!r} already: choose another name, or remove it first.",
            existing=name,
            name=name,
        )
    else:
        if held.query != query:
            session.execute(delete(WatchFind).where(WatchFind.watch_id == held.id))
            held.covered_to, held.result, held.asked_at = None, None, None
        held.query, held.every, held.most = query, every, most
        held.removed_at, held.paused, held.failures, held.due_at = None, False, 0, now()
    session.flush()
    return held


def _check(name: str, query: str, every: str, most: int) -> None:
    if not name or len(name) > LONGEST_NAME or not name.isprintable() or name.startswith("-"):
        raise RefusedError(
            "A watch needs a name of 1 to {longest} letters that doesn't begin with a dash.",
            longest=LONGEST_NAME,
        )
    if not query:
        raise RefusedError('The query is empty: give one like abs:"KV cache" AND cat:cs.LG.')
    if len(query) > LONGEST_QUERY or not query.isprintable():
        raise RefusedError(
            "The query is longer than {longest} letters, or holds some that can't be printed.",
            longest=LONGEST_QUERY,
        )
    if every not in EVERY:
        raise RefusedError("A watch runs every day or every week, not {every!r}.", every=every)
    if not 1 <= most <= MOST:
        raise RefusedError("Between 1 and {limit} papers are read at a time.", limit=MOST)


def all_of(session: Session) -> list[Watch]:
    """Return the watches by name."""
    statement = select(Watch).where(Watch.removed_at.is_(None)).order_by(Watch.name)
    return list(session.scalars(statement.execution_options(populate_existing=True)))


def get(session: Session, name: str) -> Watch:
    """Return the watch of that name; raises `NotFoundError`, which lists those there are."""
    wanted = " ".join(name.split())
    there = all_of(session)
    for watch in there:
        if watch.name == wanted:
            return watch
    names = [watch.name for watch in there]
    if names:
        raise NotFoundError(
            "There is no watch {name!r}. Watches: {names}.",
            close=tuple(names),
            name=name,
            names=", ".join(names[:20]),
        )
    raise NotFoundError(
        "There is no watch {name!r}, nor any other. Add one: assay watch add NAME --query …",
        name=name,
    )


def remove(session: Session, name: str) -> None:
    """Remove a watch; its papers stay. Raises `NotFoundError`."""
    counters.bump_aside(session)
    get(session, name).removed_at = now()
    session.flush()


def restore(session: Session, name: str) -> None:
    """Take a removal back; nothing for a watch that is there."""
    counters.bump_aside(session)
    session.execute(update(Watch).where(Watch.name == name).values(removed_at=None))


def set_paused(session: Session, name: str, paused: bool) -> None:
    """Let a watch rest, or go on; one that goes on is due when it would have been."""
    counters.bump_aside(session)
    get(session, name).paused = paused
    session.flush()


def note_result(session: Session, watch_id: int, **values: Any) -> None:
    """Keep what came of asking (`result`, `failures`, `covered_to`, `asked_at`, `due_at`)."""
    counters.bump_aside(session)
    session.execute(update(Watch).where(Watch.id == watch_id).values(**values))


def due(session: Session, at: str) -> list[Watch]:
    """Return the watches that are due; one query, no lock."""
    statement = select(Watch).where(
        Watch.due_at <= at, Watch.removed_at.is_(None), Watch.paused.is_(False)
    )
    return list(session.scalars(statement.order_by(Watch.due_at, Watch.name)))


def take_due(session: Session, watch: Watch, next_due: str) -> bool:
    """Take a due date as one's own by setting the next; False if another process took it."""
    statement = (
        update(Watch)
        .where(
            Watch.id == watch.id,
            Watch.due_at == watch.due_at,
            Watch.removed_at.is_(None),
            Watch.paused.is_(False),
        )
        .values(due_at=next_due)
        .returning(Watch.id)
        .execution_options(synchronize_session=False)
    )
    return session.scalar(statement) is not None


def held(session: Session, arxiv_ids: Collection[str]) -> dict[str, Held]:
    """Return what the catalog has of these arXiv ids, by id."""
    wanted = list(arxiv_ids)
    found: dict[str, Held] = {}
    for start in range(0, len(wanted), 500):
        statement = select(Paper.arxiv_id, Paper.id, Paper.version).where(
            Paper.arxiv_id.in_(wanted[start : start + 500])
        )
        found |= {str(row[0]): Held(row[1], row[2]) for row in session.execute(statement)}
    return found


def seen(session: Session, watch_id: int) -> dict[tuple[str, int], WatchFind]:
    """Return what a watch came across, by arXiv id and version."""
    rows = session.scalars(select(WatchFind).where(WatchFind.watch_id == watch_id))
    return {(row.arxiv_id, row.version): row for row in rows}


def note_finds(session: Session, finds: Iterable[WatchFind]) -> None:
    """Remember what a watch came across; what stands there already is replaced."""
    counters.bump_aside(session)
    for find in finds:
        session.merge(find)
    session.flush()


def finds(session: Session, *, since: str | None = None) -> list[Find]:
    """Return what the watches brought into the catalog (from `since` on), the oldest first."""
    statement = (
        select(
            Watch.name, WatchFind.arxiv_id, WatchFind.version, WatchFind.paper_id,
            WatchFind.outcome, WatchFind.at,
        )
        .join(Watch, Watch.id == WatchFind.watch_id)
        .where(WatchFind.outcome.in_(["new", "version"]), WatchFind.paper_id.is_not(None))
        .order_by(WatchFind.at, WatchFind.arxiv_id, WatchFind.version, Watch.name)
    )  # fmt: skip
    if since is not None:
        statement = statement.where(WatchFind.at >= since)
    return [Find(*row) for row in session.execute(statement)]
