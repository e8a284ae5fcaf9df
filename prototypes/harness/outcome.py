"""What a child says of one run, and the only way a speed gets into a document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from statistics import median
from typing import Any

from prototypes.harness.comparison import LEAST_NOISE, compare
from prototypes.harness.declarations import Baseline, Role
from prototypes.harness.figures import Figure
from prototypes.harness.gates import Check, GateReport, PassedGates, by_fault
from prototypes.harness.roofline import Rates
from prototypes.harness.statistics import Interval, paired_ratios, repeat_interval, significant
from prototypes.harness.status import Status
from prototypes.harness.workload import Work

SAMPLE_DIGITS = 4
MOST_SAMPLES = 400
"""Samples that are kept of each contestant: all of a full run, and a bound for any other."""


@dataclass(frozen=True, slots=True)
class Contestant:
    """A baseline that ran, with its samples in microseconds, one a round."""

    baseline: Baseline
    samples: list[float]
    version: str


@dataclass(frozen=True, slots=True)
class Timing:
    """Times of an implementation that passed its gates, and of its baselines in the same rounds.

    Samples stand one after another, process by process; `rounds` says how many each process made
    (empty: one process made all).
    """

    gates: PassedGates
    candidate: list[float]
    contestants: tuple[Contestant, ...]
    method: dict[str, Any]
    work: Work
    floor_us: float | None
    impossible_us: float
    rounds: tuple[int, ...] = ()
    noise_floor: float = LEAST_NOISE
    roof: Rates | None = None
    kernel_alone: list[float] = field(default_factory=list)
    """Samples of the kernel without what the call does around it, where it can be told apart."""
    setup_us: Mapping[str, Sequence[float]] = field(default_factory=dict)
    """Set-up of each contestant in each process: the first one may have compiled."""

    def __post_init__(self) -> None:
        # Proved again here: whatever stands in `gates`, a time needs checks that all passed.
        PassedGates(self.gates.report)

    @property
    def strongest(self) -> Contestant | None:
        """The fastest baseline measured here, declared for it or not."""
        return min(self.contestants, key=lambda c: self.middle(c.samples), default=None)

    @property
    def is_implausible(self) -> bool:
        """Whether the candidate, or a baseline, was in any process faster than a device can be."""
        everyone = [self.candidate, *(c.samples for c in self.contestants)]
        if self.kernel_alone:
            everyone.append(self.kernel_alone)
        fastest = min(median(rounds) for s in everyone for rounds in self.split(s))
        return fastest <= 0 or fastest < self.impossible_us

    def split(self, samples: Sequence[float]) -> list[list[float]]:
        """Return the samples of each process."""
        ends = list(accumulate(self.rounds or (len(samples),)))
        starts = [0, *ends[:-1]]
        return [list(samples[a:b]) for a, b in zip(starts, ends, strict=True)]

    def middle(self, samples: Sequence[float]) -> float:
        """Return the median over processes of their medians."""
        return median(median(rounds) for rounds in self.split(samples))

    def time(self, samples: Sequence[float]) -> Interval:
        """Return where this contestant's time is, and where a repeat should find it."""
        everyone = [self.candidate, *(c.samples for c in self.contestants)]
        peers = [self.split(s) for s in everyone if s is not samples]
        return repeat_interval(self.split(samples), peers)

    def speedup(self, contestant: Contestant) -> Interval:
        """Return how many times faster than this baseline the candidate is."""
        candidate = self.split(self.candidate)
        peers = [
            paired_ratios(self.split(c.samples), candidate)
            for c in self.contestants
            if c is not contestant
        ]
        own = paired_ratios(self.split(contestant.samples), candidate)
        return repeat_interval(own, peers)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The gates' report, and times if both gates were passed."""

    report: GateReport
    gate_seed: int
    timing: Timing | None = None
    absent: tuple[tuple[Baseline, str], ...] = ()
    replay: tuple[Check, ...] = ()
    figures: tuple[Figure, ...] = ()
    quality_only: str = ""
    """Why no time was taken, where that was declared."""

    @property
    def status(self) -> Status:
        """How the run ended."""
        if not self.report.fidelity_pass:
            return Status.BROKEN
        if not self.report.quality_pass:
            return Status.BELOW_QUALITY
        if self.timing is None:
            return Status.QUALITY_ONLY if self.quality_only else Status.ERROR
        return Status.IMPLAUSIBLE if self.timing.is_implausible else Status.OK

    def to_json(self) -> dict[str, Any]:
        """Return the part of the run's record that the child knows."""
        fidelity = (*self.report.fidelity, *self.replay)
        record: dict[str, Any] = {
            "status": str(self.status),
            "fidelity": {
                "pass": self.report.fidelity_pass,
                "checks": [c.to_json() for c in fidelity],
            },
            "quality": {"checks": [c.to_json() for c in self.report.quality]},
            "quality_pass": self.report.quality_pass,
            "gate_seed": self.gate_seed,
            "figures": [f.to_json() for f in self.figures],
            "error": self._error(),
        }
        if self.timing is None:
            return record
        record |= _timing_json(self.timing, with_speed=self.status is Status.OK)
        record["baselines"] += [
            {**_baseline_json(b, ()), "version": None, "available": False, "why": why}
            for b, why in self.absent
        ]
        return record

    def _error(self) -> dict[str, Any] | None:
        if self.status is Status.OK:
            return None
        if self.status is Status.QUALITY_ONLY:
            return {"kind": str(self.status), "message": self.quality_only}
        if self.status is Status.IMPLAUSIBLE and self.timing is not None:
            middle = self.timing.middle(self.timing.candidate)
            return {
                "kind": str(self.status),
                "message": f"Timed at {middle:.4g} µs; this device can't do "
                f"it in under {self.timing.impossible_us:.4g} µs.",
            }
        failed = "; ".join(
            f"{c.name}: {c.value:.4g} against a bar of {c.bar:.4g}" for c in self.report.failures
        )
        error: dict[str, Any] = {
            "kind": str(self.status),
            "message": f"Failed {failed or 'a gate'}.",
        }
        if self.report.tricks:
            error["tricks"] = [str(trick) for trick in self.report.tricks]
        return error


def without_times(outcome: Outcome, checks: Iterable[Check]) -> Outcome:
    """Return an outcome whose later checks failed: whose fault that is, and no number.

    Code that is wrong is `broken`, whatever the technique missed beside it.
    """
    code, missed = by_fault(checks)
    if not all(check.passed for check in code):
        report = GateReport((*outcome.report.fidelity, *code))
        return Outcome(report, outcome.gate_seed, absent=outcome.absent)
    return Outcome(
        GateReport(outcome.report.fidelity, (*outcome.report.quality, *missed)),
        outcome.gate_seed,
        absent=outcome.absent,
        replay=code,
        figures=outcome.figures,
    )


def _baseline_json(baseline: Baseline, extra: tuple[Role, ...]) -> dict[str, Any]:
    roles = [str(r) for r in dict.fromkeys((*baseline.roles, *extra))] or ["other"]
    return {
        "name": baseline.name,
        "role": roles[0],
        "roles": roles,
        "version": None,
        "time_us": None,
        "speedup": None,
        "available": True,
    }


def _timing_json(timing: Timing, with_speed: bool) -> dict[str, Any]:
    best = timing.strongest
    baselines = []
    for contestant in timing.contestants:
        extra = (Role.STRONGEST,) if contestant is best else ()
        row = _baseline_json(contestant.baseline, extra)
        row["version"] = contestant.version
        if with_speed:
            speedup = timing.speedup(contestant)
            row["time_us"] = timing.time(contestant.samples).to_json()
            row["speedup"] = speedup.to_json()
            row["comparison"] = compare(
                speedup, timing.noise_floor, len(timing.candidate)
            ).to_json()
            row["samples"] = _rounded(contestant.samples)
        baselines.append(row)
    record: dict[str, Any] = {
        "method": timing.method,
        "bytes": timing.work.bytes,
        "flops": timing.work.flops,
        "reference_bytes": timing.work.reference_bytes,
        "baseline": best.baseline.name if best else None,
        "baselines": baselines,
    }
    if not with_speed:
        return record
    record["time_us"] = timing.time(timing.candidate).to_json()
    record["samples"] = _rounded(timing.candidate)
    record["scopes"] = _scopes(timing)
    against = {b["name"]: b for b in baselines}.get(best.baseline.name) if best else None
    record["speedup"] = against["speedup"] if against else None
    record["comparison"] = against["comparison"] if against else None
    middle = timing.middle(timing.candidate)
    if timing.floor_us is not None:
        record["roofline_fraction"] = significant(timing.floor_us / middle, 3)
    if timing.roof is not None:
        record["roofline"] = timing.roof.place(timing.work, middle)
    return record


def _scopes(timing: Timing) -> dict[str, Any]:
    """Return set-up and kernel beside the call, which the run's own figures are about."""
    alone = timing.kernel_alone
    return {
        "setup_us": {name: list(times) for name, times in timing.setup_us.items()},
        "kernel_us": repeat_interval(timing.split(alone)).to_json() if alone else None,
    }


def _rounded(samples: list[float]) -> list[float]:
    return [significant(s, SAMPLE_DIGITS) for s in samples[:MOST_SAMPLES]]
