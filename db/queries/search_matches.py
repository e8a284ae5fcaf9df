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

from db import search_index
from db.dialects import is_postgres
from db.queries import search
from db.queries.search import KINDS, Found

FEW = 2_000
"""Pieces up to which each is looked up."""
MANY = 30_000
"""Pieces from which on reading all pieces is quicker, even for who keeps nothing of them."""
UNRANKED = 2**31 - 1


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
        self._ranks: dict[str, Any] = {}

    def ranks(self, session: Session, target: str) -> Any:
        """Return by number of the paper its rank for a target; `UNRANKED` for one without."""
        import numpy as np

        if target not in self._ranks:
            ranks = np.full(len(self.paper_ids), UNRANKED, np.int32)
            for paper_id, rank in _ranks(session, target):
                if paper_id in self.numbers:
                    ranks[self.numbers[paper_id]] = rank
            self._ranks[target] = ranks
        return self._ranks[target]


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

    def first(self, session: Session, target: str, limit: int) -> list[tuple[Found, int | None]]:
        """Return the first `limit` papers with their ranks: by kind of piece, then by rank."""
        import numpy as np

        ranks, ids = self._pieces.ranks(session, target), self._pieces.paper_ids
        chosen: list[int] = []
        for kind in range(len(KINDS)):
            own = np.flatnonzero(self.kinds == kind)
            wanted = limit - len(chosen)
            if wanted < len(own):  # ties, of papers without a rank, are all kept, then sorted
                least = np.partition(ranks[own], wanted - 1)[wanted - 1] if wanted else -1
                own = own[ranks[own] <= least]
            found = sorted(own.tolist(), key=lambda number: (ranks[number], ids[number]))
            chosen += found[:wanted]
        return [
            (self[ids[number]], None if ranks[number] == UNRANKED else int(ranks[number]))
            for number in chosen
        ]

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
    session: Session, query: str, of_all: Callable[[], Pieces] | None = None
) -> Mapping[str, Found] | None:
    """Return what `search.find` does, by id, and as quickly for a common word; None for no word.

    `of_all` is called where many pieces are found, and returns `pieces`; who has it kept gives it.
    """
    terms = search.terms_of(query)
    if not terms:
        return None
    session.flush()
    connection = session.connection()
    if search_index.has_words_index(connection):
        numbers = search.numbers(connection, terms)
        if len(numbers) > (MANY if of_all is None else FEW):
            return Matches(pieces(session) if of_all is None else of_all(), numbers)
        found = search.looked_up(connection, numbers.tolist())
    else:
        found = search.find(session, query)
    return {paper.paper_id: paper for paper in found}


def _ranks(session: Session, target: str) -> Iterator[tuple[str, int]]:
    text_of = "string_agg(CAST({} AS text), {})" if is_postgres(session) else "group_concat({}, {})"
    between = "chr(31)" if is_postgres(session) else "char(31)"
    columns = f"{text_of.format('paper_id', between)}, {text_of.format('rank', between)}"
    session.flush()
    ids, ranks = session.connection().execute(
        text(
            f"SELECT {columns} FROM score "
            "WHERE target = :target AND kind = 'believed' AND rank IS NOT NULL"
        ),
        {"target": target},
    ).one()  # fmt: skip
    if ids:
        yield from zip(ids.split(chr(31)), map(int, ranks.split(chr(31))), strict=True)
