"""Full-text search: which papers have all the words in one piece, and where."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, case, func, select, text
from sqlalchemy.orm import Session

from db import search_index
from db.models import SearchText
from db.search_index import GAP, TABLE, spaced, unspaced

KINDS = ("title", "claim", "note", "abstract", "page")
"""Where a word may be found, the most telling place first."""
OPEN, CLOSE = "\ue000", "\ue001"
"""Stand around matched words in a snippet: private characters, which no text keeps."""
_SNIPPET_WORDS = 24
_SNIPPET_SIDE = 90
_MOST_TERMS = 12
_TERM = re.compile(r'"([^"]*)"?|(\S+)')


class Term(NamedTuple):
    """A word or a quoted phrase; of the last word the beginning is enough."""

    words: str
    is_beginning: bool


class Found(NamedTuple):
    """A paper's most telling piece, and how many of its pieces have all the words."""

    paper_id: str
    piece: int
    kind: str
    pieces: int


class Hit(NamedTuple):
    """A piece as it is shown; `snippet` has `OPEN` and `CLOSE` around the matched words."""

    paper_id: str
    kind: str
    ref: str | None
    page: int | None
    snippet: str


def terms_of(query: str) -> list[Term]:
    """Return what a person's query asks for; signs that are part of no word count for nothing.

    `"a phrase"` stands together; of the last word, unless it ends in a space or is quoted, the
    beginning is enough.
    """
    found: list[tuple[str, bool]] = []
    for match in _TERM.finditer(query):
        words = _words(match[1] if match[1] is not None else match[2])
        if words:
            found.append((words, match[1] is None))
    found = found[:_MOST_TERMS]
    return [
        Term(words, is_bare and number == len(found) - 1 and not query[-1:].isspace())
        for number, (words, is_bare) in enumerate(found)
    ]


def _words(raw: str) -> str:
    """Return the words in `raw`, a space between each: as the index takes it apart."""
    return " ".join(re.findall(r"[^\W_]+", spaced(raw)))


def find(session: Session, query: str) -> list[Found]:
    """Return the papers that have all the words in one piece, by id; none for a query of no words.

    A piece is a title with its authors and ids, an abstract, a claim, a note or a page of a file.
    """
    terms = terms_of(query)
    if not terms:
        return []
    session.flush()
    connection = session.connection()
    if search_index.has_words_index(connection):
        # The narrow index, not the table: the texts themselves stay unread.
        rows = connection.execute(
            text(
                f"SELECT t.paper_id, min({_PLACES} * {_BASE} + t.id), count(*) FROM {TABLE} f "
                "CROSS JOIN search_text t INDEXED BY ix_search_text_piece ON t.id = f.rowid "
                f"WHERE {TABLE} MATCH :match GROUP BY t.paper_id"
            ),
            {"match": _match(terms)},
        )
    else:
        place = case({kind: n for n, kind in enumerate(KINDS)}, value=SearchText.kind)
        statement = select(
            SearchText.paper_id, func.min(place * _BASE + SearchText.id), func.count()
        ).group_by(SearchText.paper_id)
        for term in terms:
            statement = statement.where(SearchText.text.ilike(_pattern(term), escape="\\"))
        rows = connection.execute(statement)
    return [
        Found(paper_id, best % _BASE, KINDS[best // _BASE], pieces)
        for paper_id, best, pieces in rows
    ]


_BASE = 1 << 48
_PLACES = (
    "CASE t.kind "
    + " ".join(f"WHEN '{kind}' THEN {number}" for number, kind in enumerate(KINDS))
    + " END"
)


def hits(session: Session, query: str, pieces: Sequence[int]) -> dict[int, Hit]:
    """Return how these pieces read around the words of the query, by piece."""
    terms = terms_of(query)
    if not terms or not pieces:
        return {}
    connection = session.connection()
    texts = {
        row.id: row
        for row in connection.execute(select(SearchText).where(SearchText.id.in_(list(pieces))))
    }
    snippets = {}
    if search_index.has_words_index(connection):
        snippets = _snippets(connection, terms, list(texts))
    return {
        number: Hit(
            row.paper_id,
            row.kind,
            row.ref,
            row.page,
            unspaced(snippets.get(number) or _snippet(row.text, terms)),
        )
        for number, row in texts.items()
    }


def _snippets(connection: Connection, terms: Sequence[Term], pieces: list[int]) -> dict[int, str]:
    statement = text(
        f"SELECT rowid, snippet({TABLE}, 0, :open, :close, '…', {_SNIPPET_WORDS}) FROM {TABLE} "
        f"WHERE {TABLE} MATCH :match AND rowid = :piece"
    )
    shared = {"match": _match(terms), "open": OPEN, "close": CLOSE}
    rows = (connection.execute(statement, shared | {"piece": piece}).first() for piece in pieces)
    return {row[0]: row[1] for row in rows if row is not None}


def _match(terms: Sequence[Term]) -> str:
    """Return the query in FTS5's language; each term is a quoted string, so nothing is syntax."""
    return " AND ".join(f'"{t.words}"{" *" if t.is_beginning else ""}' for t in terms)


def _pattern(term: Term) -> str:
    escaped = re.sub(
        r"([\\%_])", r"\\\1", term.words.replace(" ", GAP if _is_gapped(term) else " ")
    )
    return f"%{escaped}%"


def _is_gapped(term: Term) -> bool:
    return GAP in spaced(term.words.replace(" ", ""))


def _snippet(words: str, terms: Sequence[Term]) -> str:
    """Return the words around the first that matches; for catalogs without FTS5."""
    pattern = "|".join(re.escape(t.words).replace(r"\ ", f"[{GAP} ]+") for t in terms)
    first = re.search(pattern, words, re.IGNORECASE)
    start = max(0, (first.start() if first else 0) - _SNIPPET_SIDE)
    end = (first.end() if first else 0) + _SNIPPET_SIDE
    marked = re.sub(
        pattern, lambda m: f"{OPEN}{m[0]}{CLOSE}", words[start:end], flags=re.IGNORECASE
    )
    return f"{'…' if start else ''}{marked}{'…' if end < len(words) else ''}"
