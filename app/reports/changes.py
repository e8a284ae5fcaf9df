"""What changed since an earlier report, and that report as it stood."""

from __future__ import annotations

from dataclasses import dataclass

from app.reports.findings import Distribution
from app.reports.sections import Evidence


@dataclass(frozen=True, slots=True)
class ReportRef:
    """Another report: its id, date and title."""

    id: str
    date: str
    title: str


@dataclass(frozen=True, slots=True)
class Change:
    """One field that two readings see differently; empty text where a reading says nothing."""

    field: str
    before: str
    after: str
    source: str | None
    reasons: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class CorrectionText:
    """A correction in words, with what it rests on."""

    field: str
    text: str
    evidence: tuple[Evidence, ...]
    date: str


@dataclass(frozen=True, slots=True)
class PersonChange:
    """A person's correction: what they set, who, when and why; `reverted_at` if it was undone."""

    paper_id: str
    title: str
    field: str
    value: str
    who: str
    why: str
    at: str
    reverted_at: str | None


@dataclass(frozen=True, slots=True)
class PaperCorrections:
    """What changed about one paper between two reports."""

    paper_id: str
    title: str
    changes: tuple[Change, ...]
    texts: tuple[CorrectionText, ...]


@dataclass(frozen=True, slots=True)
class CorrectionChapter:
    """What changed since one report; `new` are papers that it doesn't name.

    `further` is how many papers that it names are compared with it no more.
    """

    base: ReportRef
    papers: tuple[PaperCorrections, ...]
    new: tuple[str, ...]
    further: int = 0


@dataclass(frozen=True, slots=True)
class FrozenRow:
    """A paper's row in an earlier report, as that report gave it."""

    title: str
    rank: int | None
    score: float | None
    complexity: str | None
    relevance: float | None
    performance: str
    advice: str | None
    phase: int | None
    line: str


@dataclass(frozen=True, slots=True)
class FrozenPhase:
    """A phase of an earlier report."""

    title: str
    months: str
    papers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FrozenReport:
    """An earlier report as it stood: kept, never computed."""

    ref: ReportRef
    note: str
    papers: int | None
    analysed: int | None
    rows: tuple[FrozenRow, ...]
    distributions: tuple[Distribution, ...]
    phases: tuple[FrozenPhase, ...]
