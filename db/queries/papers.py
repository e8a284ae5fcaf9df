"""Papers: find by whatever a person types, list, add, change, remove, spot duplicates."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Collection
from typing import Any, NamedTuple

from sqlalchemy import delete, func, or_, select
from sqlalchemy.orm import Session

from db.errors import DuplicateError, NotFoundError
from db.models import Paper, RemovedPaper
from db.models.papers import title_key
from db.queries import counters

_ARXIV = re.compile(
    r"(?:.*arxiv\.org/(?:abs|pdf|html)/|arxiv:\s*)?"
    r"(?P<id>\d{4}\.\d{4,5}|[a-z-]+(?:\.[a-z]{2})?/\d{7})(?P<version>v\d+)?(?:\.pdf)?/?",
    re.IGNORECASE,
)
_CHANGEABLE = frozenset(
    {
        "arxiv_id", "version", "title", "authors", "published", "url", "venue", "abstract",
        "status", "source_path", "content_hash", "read", "analysis",
    }
)  # fmt: skip
_CLOSE_MATCHES = 5


class PaperRow(NamedTuple):
    """A paper as lists show it: without its abstract and its analysis, which are large."""

    id: str
    arxiv_id: str | None
    version: str | None
    title: str
    authors: list[Any]
    published: str | None
    url: str | None
    venue: str | None
    is_seed: bool
    status: str
    read: str | None
    source_path: str | None
    added_at: str
    updated_at: str


def list_papers(
    session: Session, *, status: str | None = None, paper_ids: Collection[str] | None = None
) -> list[PaperRow]:
    """Return all papers (of one status, or of these ids), by id."""
    statement = select(*(getattr(Paper, name) for name in PaperRow._fields)).order_by(Paper.id)
    if status is not None:
        statement = statement.where(Paper.status == status)
    if paper_ids is not None:
        statement = statement.where(Paper.id.in_(list(paper_ids)))
    return [PaperRow(*row) for row in session.execute(statement)]


def count(session: Session) -> int:
    """Return how many papers there are."""
    return session.scalars(select(func.count()).select_from(Paper)).one()


def ids(session: Session) -> list[str]:
    """Return the ids of all papers, in order."""
    return list(session.scalars(select(Paper.id).order_by(Paper.id)))


def get(session: Session, paper_id: str) -> Paper:
    """Return the paper with exactly this id; raises `NotFoundError`."""
    paper = session.get(Paper, paper_id)
    if paper is None:
        raise NotFoundError("No paper has the id {paper_id!r}.", paper_id=paper_id)
    return paper


def get_by_any_id(session: Session, text: str) -> Paper:
    """Return the paper that `text` means: its id, an arXiv id or address, or a title's beginning.

    An arXiv id may carry a version. Raises `NotFoundError`, whose message and `close` list the
    nearest papers, where nothing or more than one fits.
    """
    wanted = text.strip()[:500]  # SQLite's LIKE takes 50 kB, and guesses at more take minutes
    for paper_id in (wanted, wanted.lower(), wanted.lower().replace("-", "_")):
        paper = session.get(Paper, paper_id) if paper_id else None
        if paper is not None:
            return paper
    arxiv = parse_arxiv(wanted)
    if arxiv is not None:
        found = session.scalar(select(Paper).where(Paper.arxiv_id == arxiv))
        if found is not None:
            return found
    key = title_key(wanted)
    candidates = _by_title_prefix(session, key) if key else []
    if len(candidates) == 1:
        return get(session, candidates[0][0])
    exact = [row for row in candidates if row[2] == key]
    if len(exact) == 1:
        return get(session, exact[0][0])
    if candidates:
        close = tuple(row[0] for row in candidates)
        raise NotFoundError(
            "{text!r} fits several papers: {matches}. Give one of these ids.",
            close=close,
            text=wanted,
            matches="; ".join(_describe(row[0], row[1]) for row in candidates[:_CLOSE_MATCHES]),
        )
    if arxiv is not None:
        raise NotFoundError(
            "The catalog holds no paper {arxiv_id}: type `assay add {arxiv_id}` to add it.",
            arxiv_id=arxiv,
        )
    near = _near(session, wanted)
    if near:
        raise NotFoundError(
            "No paper fits {text!r}. Close: {matches}.",
            close=tuple(paper_id for paper_id, _ in near),
            text=wanted,
            matches="; ".join(_describe(*row) for row in near),
        )
    raise NotFoundError(
        "No paper fits {text!r}. Type `assay list` to see all, or `assay add` to add one.",
        text=wanted,
    )


def parse_arxiv(text: str) -> str | None:
    """Return the arXiv id in `text` (an id, `arXiv:…` or an address) without its version."""
    match = _ARXIV.fullmatch(text.strip().split("?")[0].split("#")[0])
    return match["id"].lower() if match else None


def _by_title_prefix(session: Session, key: str) -> list[tuple[str, str, str]]:
    rows = session.execute(
        select(Paper.id, Paper.title, Paper.title_key)
        .where(Paper.title_key.startswith(key, autoescape=True))
        .order_by(Paper.title)
        .limit(50)
    )
    return [(row.id, row.title, row.title_key) for row in rows]


def _near(session: Session, wanted: str) -> list[tuple[str, str]]:
    import difflib

    rows = session.execute(select(Paper.id, Paper.arxiv_id, Paper.title, Paper.title_key)).all()
    key = title_key(wanted)
    near = [row.id for row in rows if len(key) >= 3 and key in row.title_key]
    names = {row.arxiv_id: row.id for row in rows if row.arxiv_id}
    names |= {row.id: row.id for row in rows}
    near += [names[name] for name in difflib.get_close_matches(wanted.lower(), names, 5, 0.6)]
    beginnings = {row.title_key[: max(len(key), 8)]: row.id for row in rows}
    near += [beginnings[match] for match in difflib.get_close_matches(key, beginnings, 3, 0.7)]
    titles = {row.id: row.title for row in rows}
    return [(paper_id, titles[paper_id]) for paper_id in dict.fromkeys(near)][:_CLOSE_MATCHES]


def _describe(paper_id: str, title: str) -> str:
    # Titles are hostile: no control or direction characters reach a terminal.
    plain = "".join(c for c in title if unicodedata.category(c)[0] != "C")
    return f"{paper_id} ({plain[:60]}…)" if len(plain) > 60 else f"{paper_id} ({plain})"


def find_duplicates(
    session: Session,
    *,
    arxiv_id: str | None = None,
    content_hash: str | None = None,
    title: str | None = None,
) -> list[Paper]:
    """Return the papers with this arXiv id, this file's hash or this title (case and marks aside).

    The surest match comes first. A title of fewer than 12 letters proves nothing and is ignored.
    """
    key = title_key(title) if title else ""
    arxiv = parse_arxiv(arxiv_id) if arxiv_id else None
    tests = []
    if arxiv:
        tests.append(Paper.arxiv_id == arxiv)
    if content_hash:
        tests.append(Paper.content_hash == content_hash)
    if len(key) >= 12:
        tests.append(Paper.title_key == key)
    if not tests:
        return []
    found = session.scalars(select(Paper).where(or_(*tests))).all()

    def sureness(paper: Paper) -> tuple[int, str]:
        if arxiv and paper.arxiv_id == arxiv:
            return 0, paper.id
        return (1 if content_hash and paper.content_hash == content_hash else 2), paper.id

    return sorted(found, key=sureness)


def add(
    session: Session,
    *,
    title: str,
    arxiv_id: str | None = None,
    paper_id: str | None = None,
    **values: Any,
) -> Paper:
    """Add a paper and return it; `values` are further columns (`authors`, `url`, `analysis`, …).

    Its id is `paper_id`, else its arXiv id, else made from the title. A seed paper that was removed
    gets its old id back. Raises `DuplicateError` where the catalog holds this id, arXiv id or
    file already (a title alone never refuses: ask `find_duplicates`).
    """
    _require_known(values)
    counters.bump(session)
    if arxiv_id is not None:
        arxiv_id = parse_arxiv(arxiv_id) or arxiv_id
        paper_id = paper_id or _id_before_removal(session, arxiv_id)
    content_hash = values.get("content_hash")
    for existing in find_duplicates(session, arxiv_id=arxiv_id, content_hash=content_hash):
        raise _duplicate(existing)
    if paper_id is None:
        paper_id = arxiv_id.replace("/", "-") if arxiv_id else slug_of(session, title)
    taken = session.get(Paper, paper_id)
    if taken is not None:
        raise _duplicate(taken)
    paper = Paper(id=paper_id, arxiv_id=arxiv_id, title=title, **values)
    session.add(paper)
    session.execute(delete(RemovedPaper).where(RemovedPaper.paper_id == paper_id))
    session.flush()
    return paper


def _duplicate(existing: Paper) -> DuplicateError:
    return DuplicateError(
        "The catalog holds this paper already: {paper}.",
        existing=existing.id,
        paper=_describe(existing.id, existing.title),
    )


def _id_before_removal(session: Session, arxiv_id: str) -> str | None:
    return session.scalar(select(RemovedPaper.paper_id).where(RemovedPaper.arxiv_id == arxiv_id))


def slug_of(session: Session, title: str) -> str:
    """Return a free id made from a title: `int_flashattention_enabling_flash`."""
    ascii_title = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    words = re.findall(r"[a-z0-9]+", ascii_title)[:6]
    slug = "_".join(words)[:48].strip("_")
    if not slug:
        slug = "paper_" + hashlib.sha256(title.encode("utf-8", "replace")).hexdigest()[:8]
    candidate, number = slug, 2
    while session.get(Paper, candidate) is not None:
        candidate, number = f"{slug}_{number}", number + 1
    return candidate


def locked_status(session: Session, paper_id: str) -> str:
    """Take the write lock and return a paper's status, which stays so until the commit."""
    counters.bump_aside(session)
    paper = get(session, paper_id)
    session.refresh(paper, ["status"])
    return paper.status


def update(session: Session, paper_id: str, **values: Any) -> Paper:
    """Set columns of a paper (`status`, `analysis`, `read`, `source_path`, …) and return it."""
    _require_known(values)
    if values.keys() <= {"status"}:
        counters.bump_aside(session)
    else:
        counters.bump(session)
    paper = get(session, paper_id)
    for name, value in values.items():
        setattr(paper, name, value)
    session.flush()
    return paper


def _require_known(values: dict[str, Any]) -> None:
    unknown = sorted(values.keys() - _CHANGEABLE)
    if unknown:
        raise TypeError(f"no such column of a paper: {', '.join(unknown)}")


def remove(session: Session, paper_id: str) -> str | None:
    """Remove a paper with its facts, claims, notes and scores; return its file's path, if any.

    Runs stay: they belong to the prototype. A seed paper is remembered as removed, so that loading
    the seed again doesn't bring it back. Raises `NotFoundError`.
    """
    counters.bump(session)
    paper = get(session, paper_id)
    if paper.is_seed:
        session.merge(RemovedPaper(paper_id=paper.id, arxiv_id=paper.arxiv_id))
    source_path = paper.source_path
    session.delete(paper)
    session.flush()
    return source_path
