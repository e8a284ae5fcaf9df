"""The report's ranking: what is counted of every paper, and the rows of those that are shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar, overload


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with its interval, where it has one."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """A paper's rank before (none if it had none), and whether that report listed it at all."""

    before: int | None
    listed: bool


@dataclass(frozen=True, slots=True)
class RankedPaper:
    """One row of the ranking.

    `score` bounds a 90 % interval. `claimed` and `measured` are speedups against the paper's kind
    of baseline, `engine` against the engine's; `run` is the speedup of a whole run as believed.
    """

    rank: int
    paper_id: str
    title: str
    arxiv_id: str | None
    url: str | None
    technique: str | None
    score: Figure | None
    score_claimed: float | None
    rank_claimed: int | None
    score_report: float | None
    rank_report: int | None
    move: Move
    advice: str
    phase: int | None
    why: str
    claimed: float | None
    measured: float | None
    engine: float | None
    run: Figure | None
    verdict: str
    device: str | None
    provisional: bool
    complexity: str | None
    relevance: float | None
    in_target: str | None
    prototype: str | None
    verdict_device: str | None = None
    """Where the verdict and `measured` come from: `device` mostly, else one that says more."""


class Outline(NamedTuple):
    """What is counted of every paper, whose row need not be read for it.

    Speedups are as `RankedPaper` has them; `run_low` and `run_high` say nothing without `run`.
    """

    rank: int
    paper_id: str
    technique: str | None
    complexity: str | None
    advice: str
    claimed: float | None
    measured: float | None
    run: float | None
    run_low: float | None
    run_high: float | None
    verdict: str
    device: str | None
    in_target: str | None
    has_prototype: bool
    relevance: float | None
    phase: int | None
    before: int | None
    """The rank in the earlier report, None where that gave it none."""

    @property
    def is_tested(self) -> bool:
        """Whether a run says something of it."""
        return self.device is not None and self.verdict != "untested"


AT_ONCE = 500
"""Rows in memory at a time, while a format writes all of them."""


Item = TypeVar("Item")


class ReadAsAsked(Sequence[Item]):
    """Something of each ranked paper, read for some of them at a time as it is asked for.

    A hundred thousand rows take 300 MB; a report shows two hundred of them.
    """

    def __init__(
        self, outlines: Sequence[Outline], read: Callable[[Sequence[Outline]], Sequence[Item]]
    ) -> None:
        """Keep the outlines; `read` returns items in the order in which it is asked for them."""
        self.outlines = outlines
        self._read = read

    def __len__(self) -> int:
        return len(self.outlines)

    @overload
    def __getitem__(self, at: int) -> Item: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Item]: ...
    def __getitem__(self, at: int | slice) -> Item | Sequence[Item]:
        if isinstance(at, slice):
            return self.rows(self.outlines[at])
        [row] = self._read([self.outlines[at]])
        return row

    def __iter__(self) -> Iterator[Item]:
        for first in range(0, len(self.outlines), AT_ONCE):
            yield from self._read(self.outlines[first : first + AT_ONCE])

    def rows(self, outlines: Sequence[Outline]) -> Sequence[Item]:
        """Return what there is of these papers, in their order."""
        return self._read(outlines) if outlines else ()


class RankedPapers(ReadAsAsked[RankedPaper]):
    """The ranking: outlines of all papers, the best first, and their rows."""

    @classmethod
    def of(cls, rows: Sequence[RankedPaper]) -> RankedPapers:
        """Return a ranking of rows that are in memory."""
        by_rank = {row.rank: row for row in rows}
        return cls([_outline(row) for row in rows], lambda some: [by_rank[o.rank] for o in some])


def _outline(row: RankedPaper) -> Outline:
    return Outline(
        rank=row.rank,
        paper_id=row.paper_id,
        technique=row.technique,
        complexity=row.complexity,
        advice=row.advice,
        claimed=row.claimed,
        measured=row.measured,
        run=row.run.value if row.run else None,
        run_low=row.run.low if row.run else None,
        run_high=row.run.high if row.run else None,
        verdict=row.verdict,
        device=row.device,
        in_target=row.in_target,
        has_prototype=row.prototype is not None,
        relevance=row.relevance,
        phase=row.phase,
        before=row.move.before,
    )
