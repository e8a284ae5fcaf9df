"""The report's ranking: what is counted of every paper, and the rows of those that are shown."""

from __future__ import annotations

from dataclasses import dataclass


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
