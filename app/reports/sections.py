"""A paper's section of the report: its claims, what was measured, facts, risks and points."""

from __future__ import annotations

from dataclasses import dataclass

from app.reports.ranking import Figure, RankedPaper


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where a reader can check a statement; `url` is http(s) or nothing."""

    text: str
    url: str | None = None
    date: str | None = None


@dataclass(frozen=True, slots=True)
class VerdictLine:
    """What the runs on one device say of a claim."""

    device: str
    verdict: str
    reasons: tuple[str, ...]
    claimed: float | None
    measured: Figure | None
    baseline: str | None
    run_id: str | None
    provisional: bool
    stale: bool = False
    """Whether the run is of other code than the prototype has today; it counts all the same."""


@dataclass(frozen=True, slots=True)
class ClaimLine:
    """A claim: in words, where it stands, what it compares with, and what came of it.

    `quote` is the sentence in the user's own copy of the paper, where that was read.
    """

    key: str
    text: str
    metric: str
    value: float
    value_high: float | None
    unit: str
    bound: str
    locator: str | None
    pages: tuple[int, ...]
    quote: str | None
    quote_page: int | None
    hardware: str | None
    baseline: str | None
    is_headline: bool
    verdicts: tuple[VerdictLine, ...]


@dataclass(frozen=True, slots=True)
class FactLine:
    """A fact in words, with its source, its reasons and where to check it."""

    field: str
    text: str
    source: str | None
    reasons: tuple[str, ...]
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class RiskLine:
    """Something that may keep the technique from paying off."""

    kind: str
    severity: str
    text: str
    is_open: bool


@dataclass(frozen=True, slots=True)
class CriterionLine:
    """Points of one criterion, out of `minimum` … `maximum`, and why."""

    name: str
    points: float
    low: float
    high: float
    minimum: float
    maximum: float
    reason: str
    missing: bool


@dataclass(frozen=True, slots=True)
class PaperSection:
    """One paper's section."""

    row: RankedPaper
    authors: tuple[str, ...]
    published: str | None
    version: str | None
    venue: str | None
    read: str | None
    summary: FactLine | None
    claims: tuple[ClaimLine, ...]
    facts: tuple[FactLine, ...]
    """Complexity, relevance and integration, those that are known."""
    engine: tuple[FactLine, ...]
    """What the engine has, and how it does the thing today."""
    risks: tuple[RiskLine, ...]
    criteria: tuple[CriterionLine, ...]
    next_step: str
