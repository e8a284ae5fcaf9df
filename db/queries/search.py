"""Full-text search: which papers have all the words in one piece, and where."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from itertools import islice, takewhile
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Connection, case, func, literal, select, text
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
    if search_index.has_words_index(connection):
        return looked_up(connection, numbers(connection, terms).tolist())
    return _scanned(connection, terms)


def numbers(connection: Connection, terms: Sequence[Term]) -> Any:
    """Return the numbers of all pieces that have all the words, as an array, by the index.

    They come as one value: a row for each would take ten times as long.
    """
    import numpy as np

    if is_postgres(connection):
        told = search_postgres.numbers(connection, search_postgres.query_of(terms))
        return np.frombuffer(told, ">i4").astype(np.int64)
    joined = text(f"SELECT group_concat(rowid) FROM {TABLE} WHERE {TABLE} MATCH :query")
    found = connection.scalar(joined, {"query": fts_query(terms)})
    return np.fromstring(str(found or ""), np.int64, sep=",")


def looked_up(connection: Connection, pieces: Sequence[int]) -> list[Found]:
    """Return the papers of these pieces, by the narrow index: the texts themselves stay unread."""
    if is_postgres(connection):
        source = "FROM search_text t WHERE t.id = ANY(:ids)"
    else:
        source = (
            "FROM json_each(:ids) n CROSS JOIN search_text t INDEXED BY ix_search_text_piece "
            "ON t.id = n.value"
        )
    statement = text(f"SELECT t.paper_id, {PLACES} * {_BASE} + t.id {source}")
    own: dict[str, list[int]] = {}
    for first in range(0, len(pieces), _AT_ONCE):
        some = list(pieces[first : first + _AT_ONCE])
        ids = some if is_postgres(connection) else json.dumps(some)
        for paper_id, piece in connection.execute(statement, {"ids": ids}).all():
            own.setdefault(paper_id, []).append(piece)
    return [_found(paper_id, min(held), len(held)) for paper_id, held in own.items()]


def _scanned(connection: Connection, terms: Sequence[Term]) -> list[Found]:
    place = case({kind: n for n, kind in enumerate(KINDS)}, value=SearchText.kind)
    statement = select(
        SearchText.paper_id,
        func.min(place * literal(_BASE, BigInteger) + SearchText.id),
        func.count(),
    ).group_by(SearchText.paper_id)
    for term in terms:
        statement = statement.where(SearchText.text.ilike(_pattern(term), escape="\\"))
    return [_found(*row) for row in connection.execute(statement)]


def _found(paper_id: str, best: int, pieces: int) -> Found:
    return Found(paper_id, best % _BASE, KINDS[best // _BASE], pieces)


_AT_ONCE = 1_000
_BASE = 1 << 48
"""Orders pieces by kind, then by number: the kind's place times this, plus the number."""
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
