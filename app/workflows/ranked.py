"""The ranking as a sequence of rows: columns of all papers, whole rows of those that are read.

A hundred thousand rows take a gigabyte; a page shows a hundred of them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, overload

Row = dict[str, Any]
CHUNK = 500
CRITERIA = ("relevance", "performance", "ease", "core")
COLUMNS = ("recommendation", "verdict", "technique", "complexity", "status")
"""What a list is narrowed by, beside the year."""
MANY = 2_000
"""Papers from which on arrays are worth their while."""
_SAME = ("numbers", "table")
"""What stays as it is where papers stand elsewhere."""


@dataclass(frozen=True)
class Columns:
    """What is known of all papers at once, in the order of the ranking."""

    paper_ids: tuple[str, ...]
    codes: Mapping[str, Sequence[str | None]]
    """By name of `COLUMNS`."""
    years: Sequence[str]
    """"" where it isn't known."""
    is_seed: Sequence[bool]
    devices: Sequence[str | None]
    run_highs: Sequence[float | None]
    points: Sequence[tuple[float, ...]]
    """Of the four criteria, each paper's."""

    def with_statuses(self, statuses: Mapping[str, str]) -> Columns:
        """Return the same columns, but for where papers stand; one that isn't named stays so."""
        before = self.codes["status"]
        now = [
            statuses.get(paper_id, held)
            for paper_id, held in zip(self.paper_ids, before, strict=True)
        ]
        columns = replace(self, codes={**self.codes, "status": now})
        # As cached_property keeps them.
        columns.__dict__.update({name: self.__dict__[name] for name in _SAME if name in vars(self)})
        return columns

    @cached_property
    def table(self) -> Any:
        """The points as an array, a row a paper; for what looks at very many papers."""
        import numpy as np

        return np.asarray(self.points, float)

    @cached_property
    def numbers(self) -> dict[str, int]:
        """At which place of the ranking, from 0, each paper is."""
        return {paper_id: number for number, paper_id in enumerate(self.paper_ids)}


@dataclass(frozen=True)
class Ranking(Sequence[Row]):
    """Ranked rows, read as they are asked for; one whose paper is gone meanwhile is left out.

    `chosen` are places in the columns: a ranking may be narrowed, and in another order.
    """

    columns: Columns
    rows_of: Callable[[Collection[str]], Mapping[str, Row]]
    """Returns rows by id; the ranks are those of the columns."""
    chosen: Sequence[int]
    more: Callable[[int], Row] | None = None
    """Returns what is added to the row at a place of the columns."""
    held: Sequence[Row] | None = None
    """All rows of the columns where they are in memory anyway."""

    @classmethod
    def of(cls, rows: Sequence[Row]) -> Ranking:
        """Return a ranking of rows that are in memory."""
        by_id = {str(row["paper_id"]): row for row in rows}
        columns = Columns(
            paper_ids=tuple(by_id),
            codes={name: [row.get(name) for row in rows] for name in COLUMNS},
            years=[year_of(row.get("published")) for row in rows],
            is_seed=[bool(row.get("is_seed")) for row in rows],
            devices=[row.get("device") for row in rows],
            run_highs=[(row.get("run_interval") or (None, None))[1] for row in rows],
            points=[tuple(row["points"][name] for name in CRITERIA) for row in rows],
        )
        held = list(by_id.values())
        return cls(columns, lambda ids: {i: by_id[i] for i in ids}, range(len(by_id)), held=held)

    def __len__(self) -> int:
        return len(self.chosen)

    @overload
    def __getitem__(self, at: int) -> Row: ...
    @overload
    def __getitem__(self, at: slice) -> list[Row]: ...
    def __getitem__(self, at: int | slice) -> Row | list[Row]:
        if isinstance(at, slice):
            return self._read(self.chosen[at])
        [row] = self._read([self.chosen[at]])
        return row

    def __iter__(self) -> Iterator[Row]:
        for first in range(0, len(self.chosen), CHUNK):
            yield from self._read(self.chosen[first : first + CHUNK])

    def __contains__(self, row: object) -> bool:
        raise TypeError("ask `paper_ids` whether a paper is ranked")

    def with_statuses(self, statuses: Mapping[str, str]) -> Ranking:
        """Return the same ranking, but for where papers stand; one that isn't named stays so."""

        def rows_of(paper_ids: Collection[str]) -> Mapping[str, Row]:
            rows = self.rows_of(paper_ids)
            return {i: row | {"status": statuses.get(i, row["status"])} for i, row in rows.items()}

        columns = self.columns.with_statuses(statuses)
        return replace(self, columns=columns, rows_of=rows_of, held=None)

    def only(self, numbers: Collection[int]) -> Ranking:
        """Return those of the papers that are at these places of the columns."""
        return replace(self, chosen=[number for number in self.chosen if number in numbers])

    def row(self, paper_id: str) -> Row | None:
        """Return the row of one paper, None where it isn't ranked."""
        number = self.columns.numbers.get(paper_id)
        found = [] if number is None else self._read([number])
        return found[0] if found else None

    def rows(self, paper_ids: Collection[str]) -> list[Row]:
        """Return the rows of those of these papers that are ranked, in the ranking's order."""
        numbers = self.columns.numbers
        return self._read(sorted(numbers[i] for i in paper_ids if i in numbers))

    @property
    def paper_ids(self) -> Mapping[str, int]:
        """The ranked papers, by id."""
        return self.columns.numbers

    def _read(self, numbers: Sequence[int]) -> list[Row]:
        ids = self.columns.paper_ids
        rows = self.rows_of([ids[number] for number in numbers])
        found = [(number, rows.get(ids[number])) for number in numbers]
        if self.more is None:
            return [row for _, row in found if row is not None]
        return [row | self.more(number) for number, row in found if row is not None]


def row_of(rows: Sequence[Row], paper_id: str) -> Row | None:
    """Return the row of one paper, None where it isn't among them."""
    if isinstance(rows, Ranking):
        return rows.row(paper_id)
    return next((row for row in rows if row["paper_id"] == paper_id), None)


def year_of(published: object) -> str:
    """Return the year of a date, "" where there is none."""
    year = str(published or "")[:4]
    return year if year.isdecimal() else ""
