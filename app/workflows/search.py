"""Searching the catalog: papers that have all the words in one place, and how it reads there."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from analyzers.message import message
from app.errors import UsageError
from app.i18n import N_
from app.workflows.settings import default_target
from db import search_index
from db.queries import paper_names
from db.queries import ranks as rank_queries
from db.queries import search as search_queries
from db.queries.search import CLOSE, KINDS, OPEN, Found
from db.queries.search_matches import Matches, Pieces, matches

PLACES = {
    "title": N_("title and authors"),
    "claim": N_("claim"),
    "note": N_("note"),
    "abstract": N_("abstract"),
    "page": N_("text"),
}
"""Where a piece stands, in words."""


def search_papers(
    session: Session,
    query: str,
    *,
    limit: int = 20,
    target: str | None = None,
    pieces: Callable[[], Pieces] | None = None,
) -> list[dict[str, Any]]:
    """Return the papers that have all of a query's words in one piece, with that piece.

    Those whose title has them come first, then claims, notes, abstracts and pages of files; among
    these the better ranked. What another program changed in the catalog is taken in first. `pieces`
    returns what a caller keeps for common words (`matching`). Raises `UsageError` for a query
    without a word.
    """
    if not search_queries.terms_of(query):
        raise UsageError(message("There is no word in {query!r} to search for.", query=query))
    if search_index.is_stale(session.connection()):
        search_index.refresh(session.connection())
    found = matching(session, query, pieces) or {}
    first = _first(session, found, target or default_target(), limit)
    titles = paper_names.titles(session, [f.paper_id for f, _ in first])
    told = hits(session, query, [f for f, _ in first])
    return [
        {"paper_id": f.paper_id, "title": titles[f.paper_id], "rank": rank}
        | told[f.paper_id]
        | {"papers_found": len(found)}
        for f, rank in first
    ]


def _first(
    session: Session, found: Mapping[str, Found], target: str, limit: int
) -> list[tuple[Found, int | None]]:
    """Return the first of the found papers with their ranks: by kind of piece, then by rank."""
    if not isinstance(found, Matches):
        ranks = rank_queries.ranks(session, target, list(found))
        order = sorted(
            found.values(),
            key=lambda f: (KINDS.index(f.kind), ranks.get(f.paper_id, math.inf), f.paper_id),
        )
        return [(f, ranks.get(f.paper_id)) for f in order[:limit]]
    return found.first(session, target, limit)


def hits(session: Session, query: str, found: Sequence[Found]) -> dict[str, dict[str, Any]]:
    """Return how the found pieces read, by paper: where, which page, the words with their marks.

    "marks" are [start, end) of the matched words in "snippet", which is the paper's own text: to
    be shown as text, never as markup.
    """
    pieces = search_queries.hits(session, query, [f.piece for f in found])
    return {
        f.paper_id: {
            "where": hit.kind,
            "ref": hit.ref,
            "page": hit.page,
            "pieces": f.pieces,
            **_marked(hit.snippet),
        }
        for f in found
        if (hit := pieces.get(f.piece)) is not None
    }


def _marked(snippet: str) -> dict[str, Any]:
    plain, marks = "", []
    for part in " ".join(snippet.split()).split(OPEN):
        matched, closing, rest = part.partition(CLOSE)
        if closing:
            marks.append([len(plain), len(plain) + len(matched)])
        plain += matched + rest
    return {"snippet": plain, "marks": marks}


def matching(
    session: Session, query: str, pieces: Callable[[], Pieces] | None = None
) -> Mapping[str, Found] | None:
    """Return the papers that a query narrows the ranking to, by id; None where it asks nothing.

    `pieces` returns what `db.queries.search_matches.pieces` did: for a caller that keeps it a word
    that stands nearly everywhere is as quick as a rare one.
    """
    return matches(session, query, pieces)
