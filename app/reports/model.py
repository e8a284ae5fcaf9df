"""What the priority report says, as data. Every figure that a renderer shows is in here.

Sentences are in the report's language already; codes (`measure_first`, `quantization`) are the
catalog's, and a renderer puts them into words. Unknown is `None`, never a guess. Everything is
frozen and ordered, so the same catalog and the same moment give the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.reports.findings import Insight, ReadLevel, Reference


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where a reader can check a statement; `url` is http(s) or nothing."""

    text: str
    url: str | None = None
    date: str | None = None


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


@dataclass(frozen=True, slots=True)
class Share:
    """How many papers carry a code."""

    code: str
    count: int


@dataclass(frozen=True, slots=True)
class Distribution:
    """How the papers spread over the codes of one field."""

    field: str
    shares: tuple[Share, ...]

    @property
    def total(self) -> int:
        """All papers counted."""
        return sum(share.count for share in self.shares)


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
    """What changed since one report; `new` are papers that it doesn't name."""

    base: ReportRef
    papers: tuple[PaperCorrections, ...]
    new: tuple[str, ...]


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


@dataclass(frozen=True, slots=True)
class PartShare:
    """The share of a whole run's time that a part takes, 0 to 1 (assumed)."""

    part: str
    share: float


@dataclass(frozen=True, slots=True)
class DeviceWeight:
    """How much a kind of device counts, and whether it counts as the target's own."""

    device_class: str
    weight: float
    counts: bool


@dataclass(frozen=True, slots=True)
class Method:
    """The target that the ranking is for."""

    target: str
    target_date: str
    workload: str
    prompt_tokens: int
    generated_tokens: int
    batch: int
    shares: tuple[PartShare, ...]
    devices: tuple[DeviceWeight, ...]
    core_techniques: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DeviceUsed:
    """A device that something was measured on, with its software; `run_ids` are shortened."""

    device_id: str
    name: str
    device_class: str
    software: tuple[tuple[str, str], ...]
    first_at: str
    last_at: str
    runs: int
    provisional: int
    prototypes: tuple[str, ...]
    run_ids: tuple[str, ...]
    stale: int = 0
    """Runs of code that has changed since."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """What the report was made from; `fingerprint` hashes the facts, claims and runs behind it.

    `catalog_at` is the newest entry that the catalog has: a report tells no other time.
    """

    catalog_at: str
    program: str
    schema: str
    rubrics: tuple[str, ...]
    target_date: str
    devices: tuple[DeviceUsed, ...]
    runs: int
    fingerprint: str


@dataclass(frozen=True, slots=True)
class ReportModel:
    """The whole report, in one language."""

    language: str
    date: str
    target: str
    decision: tuple[str, ...]
    """The sentences of the decision paragraph."""
    since: ReportRef | None
    """The report that ranks are compared with."""
    ranking: tuple[RankedPaper, ...]
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
    references: tuple[Reference, ...]
    frozen: FrozenReport | None
    method: Method
    provenance: Provenance
