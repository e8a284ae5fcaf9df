"""Full-text search: which papers have all the words in one piece, and where."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import islice, takewhile
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, case, func, literal, select, text
from sqlalchemy.orm import Session

from db import search_index, search_postgres
from db.dialects import is_postgres
from db.models import SearchText
from db.search_index import GAP, TABLE, spaced, unspaced
from db.words import WORD, folded

KINDS = ("title", "claim", "note", "abstract", "page")
"""Where a word may be found, the most telling place first."""
OPEN, CLOSE = "\ue000", "\ue001"
"""Stand around matched words in a snippet: private characters, which no text keeps."""
_SNIPPET_BEFORE, _SNIPPET_AFTER = 60, 140
_MOST_MARKS = 200
_MOST_TERMS = 12
_LONGEST = 1_000
_LEAST_BEGINNING = 3
"""Characters from which on a beginning is enough: one letter would stand for half the words."""
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
    beginning is enough. What is beyond the first thousand signs is left out.
    """
    query = query[:_LONGEST]
    found: list[tuple[str, bool]] = []
    for match in _TERM.finditer(query):
        words = _words(match[1] if match[1] is not None else match[2])
        if words:
            found.append((words, match[1] is None))
    found = found[:_MOST_TERMS]
    return [
        Term(
            words,
            is_bare
            and number == len(found) - 1
            and not query[-1:].isspace()
            and len(words) >= _LEAST_BEGINNING,
        )
        for number, (words, is_bare) in enumerate(found)
    ]


def _words(raw: str) -> str:
    """Return the words in `raw`, a space between each: as the index takes it apart."""
    return " ".join(WORD.findall(spaced(raw)))


def find(session: Session, query: str) -> list[Found]:
    """Return the papers that have all the words in one piece, by id; none for a query of no words.

    A piece is a title with its authors and ids, an abstract, a claim, a note or a page of a file.
    """
    terms = terms_of(query)
    if not terms:
        return []
    session.flush()
    connection = session.connection()
    rows: Iterable[Any]
    if search_index.has_words_index(connection) and is_postgres(connection):
        rows = search_postgres.found(connection, search_postgres.query_of(terms), PLACES, _BASE)
    elif search_index.has_words_index(connection):
        # The narrow index, not the table: the texts themselves stay unread.
        rows = connection.execute(
            text(
                f"SELECT t.paper_id, min({PLACES} * {_BASE} + t.id), count(*) FROM {TABLE} f "
                "CROSS JOIN search_text t INDEXED BY ix_search_text_piece ON t.id = f.rowid "
                f"WHERE {TABLE} MATCH :match GROUP BY t.paper_id"
            ),
            {"match": fts_query(terms)},
        )
    else:
        place = case({kind: n for n, kind in enumerate(KINDS)}, value=SearchText.kind)
        statement = select(
            SearchText.paper_id,
            func.min(place * literal(_BASE, BigInteger) + SearchText.id),
            func.count(),
        ).group_by(SearchText.paper_id)
        for term in terms:
            statement = statement.where(SearchText.text.ilike(_pattern(term), escape="\\"))
        rows = connection.execute(statement)
    return [
        Found(paper_id, best % _BASE, KINDS[best // _BASE], pieces)
        for paper_id, best, pieces in rows
    ]


_BASE = 1 << 48
PLACES = (
    "CASE t.kind "
    + " ".join(f"WHEN '{kind}' THEN {number}" for number, kind in enumerate(KINDS))
    + " END"
)


def hits(session: Session, query: str, pieces: Sequence[int]) -> dict[int, Hit]:
    """Return how these pieces read around the words of the query, by piece."""
    terms = terms_of(query)
    if not terms or not pieces:
        return {}
    statement = select(SearchText).where(SearchText.id.in_(list(pieces)))
    return {
        row.id: Hit(row.paper_id, row.kind, row.ref, row.page, _snippet(row.text, terms))
        for row in session.connection().execute(statement)
    }


def fts_query(terms: Sequence[Term]) -> str:
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
    """Return the stretch with most of the terms, each of their words marked.

    FTS5's own would look up all that a beginning stands for once more for each piece.
    """
    plain = folded(words)
    spans = sorted(
        (match.start(), match.end(), number)
        for number, term in enumerate(terms)
        for match in islice(_pattern_of(term).finditer(plain), _MOST_MARKS)
    )
    best = max(range(len(spans)), key=lambda i: (_terms_from(spans, i), -i), default=None)
    centre = spans[best][0] if best is not None else 0
    start = _word_start(words, max(0, centre - _SNIPPET_BEFORE))
    end = _word_start(words, min(len(words), centre + _SNIPPET_AFTER))
    told, at = "…" if start else "", start
    for first, last, _ in spans:
        if at <= first and last <= end:
            told += f"{words[at:first]}{OPEN}{words[first:last]}{CLOSE}"
            at = last
    return unspaced(told + words[at:end] + ("…" if end < len(words) else ""))


def _terms_from(spans: Sequence[tuple[int, int, int]], first: int) -> int:
    """Return how many terms stand in the stretch that begins with a span."""
    end = spans[first][0] + _SNIPPET_AFTER
    near = takewhile(lambda span: span[1] <= end, spans[first : first + _MOST_MARKS])
    return len({number for _, _, number in near})


def _word_start(words: str, at: int) -> int:
    """Return where the word at `at` begins, if that is near."""
    if at in (0, len(words)):
        return at
    space = max(words.rfind(" ", max(0, at - 30), at), words.rfind(GAP, max(0, at - 30), at))
    return space + 1 if space >= 0 else at


def _pattern_of(term: Term) -> re.Pattern[str]:
    words = r"[\W_]+".join(map(re.escape, folded(term.words).split()))
    end = r"[^\W_]*" if term.is_beginning else r"(?![^\W_])"
    return re.compile(rf"(?<![^\W_]){words}{end}")
