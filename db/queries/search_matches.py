"""What a common word's many hits are told apart by: arrays, in the place of a row for each.

In a catalog of a hundred thousand papers a word may stand in two hundred thousand pieces. Their
numbers alone come out of the index in some 20 ms; looking each up takes ten times as long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from db import search_index, search_postgres
from db.dialects import is_postgres
from db.queries import search
from db.queries.search import KINDS, Found, Term
from db.search_index import TABLE

FEW = 2_000
"""Pieces up to which each is looked up."""


class Pieces:
    """Of all pieces the paper and the kind, by their numbers."""

    def __init__(self, ids: Any, kinds: Any, papers: Sequence[str]) -> None:
        """Take of each piece its number, its kind's place in `KINDS`, and its paper."""
        import numpy as np

        self.numbers = {paper_id: n for n, paper_id in enumerate(dict.fromkeys(papers))}
        self.paper_ids = list(self.numbers)
        size = int(ids.max(initial=0)) + 1
        self.paper_of = np.full(size, -1, np.int32)
        self.kind_of = np.zeros(size, np.int8)
        self.paper_of[ids] = np.fromiter(map(self.numbers.__getitem__, papers), np.int32)
        self.kind_of[ids] = kinds


class Matches(Mapping[str, Found]):
    """The papers that a common word finds, by id; each is made up as it is asked for."""

    def __init__(self, pieces: Pieces, found: Any) -> None:
        import numpy as np

        self._pieces = pieces
        found = found[found < len(pieces.paper_of)]
        self._found = found[pieces.paper_of[found] >= 0]
        self._papers = pieces.paper_of[self._found]
        self.kinds = np.full(len(pieces.paper_ids), len(KINDS), np.int8)
        """By number of the paper its most telling kind of piece, or how many kinds there are."""
        of_piece = pieces.kind_of[self._found]
        for kind in reversed(range(len(KINDS))):
            self.kinds[self._papers[of_piece == kind]] = kind

    @cached_property
    def ids(self) -> frozenset[str]:
        """The found papers."""
        ids = self._pieces.paper_ids
        return frozenset(ids[n] for n in (self.kinds < len(KINDS)).nonzero()[0].tolist())

    def of_kind(self, kind: str) -> frozenset[str]:
        """Return the papers whose most telling piece is of a kind."""
        ids = self._pieces.paper_ids
        return frozenset(ids[n] for n in (self.kinds == KINDS.index(kind)).nonzero()[0].tolist())

    def __contains__(self, paper_id: object) -> bool:
        return paper_id in self.ids

    def __len__(self) -> int:
        return int((self.kinds < len(KINDS)).sum())

    def __iter__(self) -> Iterator[str]:
        return iter(self.ids)

    def __getitem__(self, paper_id: str) -> Found:
        number = self._pieces.numbers[paper_id]
        own = self._found[self._papers == number]
        if not len(own):
            raise KeyError(paper_id)
        kind = int(self.kinds[number])
        best = int(own[self._pieces.kind_of[own] == kind].min())
        return Found(paper_id, best, KINDS[kind], len(own))


def pieces(session: Session) -> Pieces:
    """Return what `Matches` needs of all pieces; they change with the catalog's version."""
    import numpy as np

    session.flush()
    joined = "string_agg(CAST({} AS text), {})" if is_postgres(session) else "group_concat({}, {})"
    between = "chr(31)" if is_postgres(session) else "char(31)"
    # Three long texts: a row for each piece would take ten times as long.
    wanted = (("id", "','"), (search.PLACES, "','"), ("paper_id", between))
    columns = ", ".join(joined.format(*column) for column in wanted)
    [told] = session.connection().execute(text(f"SELECT {columns} FROM search_text t"))
    ids, kinds, papers = told
    return Pieces(
        np.fromstring(ids or "", np.int64, sep=","),
        np.fromstring(kinds or "", np.int8, sep=","),
        papers.split(chr(31)) if papers else [],
    )


def matches(
    session: Session, query: str, of_all: Callable[[], Pieces]
) -> Mapping[str, Found] | None:
    """Return what `search.find` does, by id, and as quickly for a common word; None for no word.

    `of_all` is called where many pieces are found, and returns `pieces`.
    """
    terms = search.terms_of(query)
    if not terms:
        return None
    session.flush()
    if search_index.has_words_index(session.connection()):
        numbers = _numbers(session, terms)
        if len(numbers) > FEW:
            return Matches(of_all(), numbers)
    return {found.paper_id: found for found in search.find(session, query)}


def _numbers(session: Session, terms: list[Term]) -> Any:
    import numpy as np

    joined = "string_agg(CAST(id AS text), ',')" if is_postgres(session) else "group_concat(rowid)"
    told = session.connection().scalar(
        text(f"SELECT {joined} {_where(session)}"), {"query": _query(session, terms)}
    )
    return np.fromstring(str(told or ""), np.int64, sep=",")


def _where(session: Session) -> str:
    if is_postgres(session):
        return "FROM search_index WHERE words @@ CAST(:query AS tsquery)"
    return f"FROM {TABLE} WHERE {TABLE} MATCH :query"


def _query(session: Session, terms: list[Term]) -> str:
    if is_postgres(session):
        return search_postgres.query_of(terms)
    return search.fts_query(terms)
