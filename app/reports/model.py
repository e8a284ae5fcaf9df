"""What the priority report says, as data. Every figure that a renderer shows is in here.

Sentences are in the report's language already; codes (`measure_first`, `quantization`) are the
catalog's, and a renderer puts them into words. Unknown is `None`, never a guess. Everything is
frozen and ordered, so the same catalog and the same moment give the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.reports.basis import Method, Provenance
from app.reports.changes import CorrectionChapter, FrozenReport, PersonChange, ReportRef
from app.reports.findings import Distribution, Insight, ReadLevel, Reference
from app.reports.ranking import RankedPapers
from app.reports.sections import PaperSection


@dataclass(frozen=True, slots=True)
class RoadmapItem:
    """A paper on the roadmap: what to do, and why."""

    paper_id: str
    rank: int
    title: str
    advice: str
    why: str
    next_step: str
    needs: tuple[str, ...]
    """What stands between it and the engine, each a phrase."""


@dataclass(frozen=True, slots=True)
class RoadmapGroup:
    """A stretch of the roadmap: `phase_1`, `phase_2`, `phase_3`, or the advice of the rest."""

    code: str
    items: tuple[RoadmapItem, ...]


@dataclass(frozen=True, slots=True)
class ReportModel:
    """The whole report, in one language.

    Of the ranking and the references what isn't shown isn't read: they go as far as the session
    that the report was built with is open.
    """

    language: str
    date: str
    target: str
    decision: tuple[str, ...]
    """The sentences of the decision paragraph."""
    since: ReportRef | None
    """The report that ranks are compared with."""
    ranking: RankedPapers
    papers: tuple[PaperSection, ...]
    read: tuple[ReadLevel, ...]
    distributions: tuple[Distribution, ...]
    insights: tuple[Insight, ...]
    corrections: tuple[CorrectionChapter, ...]
    people: tuple[PersonChange, ...]
    roadmap: tuple[RoadmapGroup, ...]
    """The phases, and what waits for a measurement."""
    set_aside: tuple[RoadmapGroup, ...]
    """What is not recommended, by the kind of no."""
    closing: tuple[str, ...]
    """The closing recommendations, a sentence or two each."""
    references: Sequence[Reference]
    """The ranked papers, in that order."""
    frozen: FrozenReport | None
    method: Method
    provenance: Provenance
