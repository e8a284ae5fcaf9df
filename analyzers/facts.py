"""The words of the field: what a claim, a paper's facts and a measurement are.

Every other part of Assay, and its JSON, uses these names. Unknown is `None`, never a guess.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from analyzers.message import Message


class Technique(StrEnum):
    """What a paper changes about inference."""

    QUANTIZATION = "quantization"
    ATTENTION = "attention"
    KV_CACHE = "kv_cache"
    SPECULATIVE_DECODING = "speculative_decoding"
    SAMPLING = "sampling"
    GEMM_KERNEL = "gemm_kernel"
    SPARSITY_PRUNING = "sparsity_pruning"
    SERVING_SCHEDULING = "serving_scheduling"
    MOE = "moe"
    OTHER = "other"


class Metric(StrEnum):
    """What a claim's number counts."""

    SPEEDUP = "speedup"
    LATENCY_REDUCTION = "latency_reduction"
    THROUGHPUT_GAIN = "throughput_gain"
    MEMORY_REDUCTION = "memory_reduction"
    COMPRESSION_RATIO = "compression_ratio"
    ACCURACY_DROP = "accuracy_drop"
    ERROR_REDUCTION = "error_reduction"
    BITWIDTH = "bitwidth"
    OTHER = "other"

    @property
    def is_speed(self) -> bool:
        """Whether the number can be read as a speedup."""
        return self in (Metric.SPEEDUP, Metric.LATENCY_REDUCTION, Metric.THROUGHPUT_GAIN)


class Bound(StrEnum):
    """How a claim hedges its number."""

    EXACT = "exact"
    UP_TO = "up_to"
    AT_LEAST = "at_least"
    ABOUT = "about"
    RANGE = "range"


class Scope(StrEnum):
    """How much of the work a speed claim or a measurement covers."""

    KERNEL = "kernel"
    COMPONENT = "component"
    END_TO_END = "end_to_end"


class Part(StrEnum):
    """A part of a whole run; the target says which share of the time it takes."""

    WHOLE_RUN = "whole_run"
    PREFILL = "prefill"
    DECODE = "decode"
    PREFILL_ATTENTION = "prefill_attention"
    DECODE_ATTENTION = "decode_attention"
    PREFILL_LINEARS = "prefill_linears"
    DECODE_LINEARS = "decode_linears"
    SAMPLING = "sampling"

    @property
    def phase(self) -> Part:
        """The phase (or the whole run) that this part belongs to."""
        if self in (Part.PREFILL, Part.PREFILL_ATTENTION, Part.PREFILL_LINEARS):
            return Part.PREFILL
        if self is Part.WHOLE_RUN:
            return Part.WHOLE_RUN
        return Part.DECODE


class Regime(StrEnum):
    """The batch that a claim was measured at.

    TARGET is a batch of at most 4, as llama.cpp runs, the first target; another target may be at
    home with a large batch.
    """

    TARGET = "target"
    LARGE_BATCH = "large_batch"
    MEMORY_STARVED = "memory_starved"


class BaselineKind(StrEnum):
    """What a claim compares with, from the strongest rival to none named."""

    ENGINE = "engine"
    BEST_KNOWN = "best_known"
    NAMED_RIVAL = "named_rival"
    PLAIN = "plain"
    OWN = "own"
    UNNAMED = "unnamed"
    PREDECESSOR = "predecessor"

    @property
    def is_weak(self) -> bool:
        """Unnamed, or the authors' own code."""
        return self in (BaselineKind.OWN, BaselineKind.UNNAMED)


class DeviceClass(StrEnum):
    """Kinds of hardware that a target weighs differently."""

    CPU = "cpu"
    CONSUMER_GPU = "consumer_gpu"
    DATACENTRE_GPU = "datacentre_gpu"


class Complexity(StrEnum):
    """How much work it is to build the technique into an engine."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Integration(StrEnum):
    """How deep a technique cuts into an engine."""

    DROP_IN = "drop_in"
    LOCAL = "local"
    ARCHITECTURAL = "architectural"


class InTarget(StrEnum):
    """What the target engine already has of a technique."""

    NO = "no"
    PARTIAL = "partial"
    MERGED = "merged"


class Severity(StrEnum):
    """How much a risk weighs."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class Claim:
    """One number that a paper claims, as the score reads it.

    `value` and `value_high` are as written (72 with unit %, 2.3 with unit x); `speedup_factors`
    turns them into ratios. `weak_baseline` marks eager or plain code where optimised code was
    public; `overtaken_baseline` a baseline that the target has left behind (FP16 weights, a full
    sort). `source_doubts` are those of the paper's whole source (only an abstract was read);
    `unsure` marks an analysed claim that may be another's result.
    """

    key: str
    metric: Metric
    value: float
    unit: str = "x"
    value_high: float | None = None
    bound: Bound = Bound.EXACT
    subject: str | None = None
    scope: Scope | None = None
    part: Part | None = None
    regime: Regime | None = None
    baseline: str | None = None
    baseline_kind: BaselineKind = BaselineKind.UNNAMED
    weak_baseline: bool = False
    overtaken_baseline: bool = False
    hardware: str | None = None
    own_result: bool = True
    in_abstract: bool = False
    source_doubts: tuple[Message, ...] = ()
    unsure: bool = False


@dataclass(frozen=True, slots=True)
class Measurement:
    """What the runs on one device say of a paper's technique, against one kind of baseline.

    Ratios over 1 are faster than the baseline; `low` and `high` bound a 95 % interval.
    """

    device_id: str
    device_class: DeviceClass
    part: Part
    scope: Scope
    speedup: float
    low: float
    high: float
    baseline_role: str
    baseline: str
    run_ids: tuple[str, ...]
    measured_at: str
    provisional: bool
    quality_pass: bool
    device_name: str = ""
    """For people; empty where only the id is known."""


@dataclass(frozen=True, slots=True)
class Risk:
    """Something that may keep a technique from paying off."""

    kind: str
    severity: Severity
    reason: Message
    is_open: bool = True


@dataclass(frozen=True, slots=True)
class PaperFacts:
    """Everything that the score reads about one paper, in one reading.

    `below_quality` says that the prototype failed its quality bar on the ranking device;
    `report_speedup` is the figure that a report of old took for the paper's performance. The trusts
    (0 to 1) say how much stands behind what the analysis alone says; a person's word and the seed's
    have 1.
    """

    paper_id: str
    title: str
    technique: Technique | None = None
    relevance: float | None = None
    complexity: Complexity | None = None
    integration: Integration | None = None
    in_target: InTarget = InTarget.NO
    risks: tuple[Risk, ...] = ()
    claims: tuple[Claim, ...] = ()
    measurements: tuple[Measurement, ...] = ()
    below_quality: bool = False
    report_speedup: float | None = None
    relevance_trust: float = 1.0
    ease_trust: float = 1.0

    @property
    def has_open_high_risk(self) -> bool:
        """Whether some risk is both open and high."""
        return any(r.is_open and r.severity is Severity.HIGH for r in self.risks)
