"""What a child says of one run, and the only way a speed gets into a document."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import Any

from prototypes.harness.declarations import Baseline, Role
from prototypes.harness.gates import Check, GateReport, PassedGates
from prototypes.harness.statistics import Interval, median_interval, ratio_interval, significant
from prototypes.harness.status import Status
from prototypes.harness.workload import Work

SAMPLE_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Contestant:
    """A baseline that ran, with its samples in microseconds, one a round."""

    baseline: Baseline
    samples: list[float]
    version: str


@dataclass(frozen=True, slots=True)
class Timing:
    """Times of an implementation that passed its gates, and of its baselines in the same rounds."""

    gates: PassedGates
    candidate: list[float]
    contestants: tuple[Contestant, ...]
    method: dict[str, Any]
    work: Work
    floor_us: float | None
    impossible_us: float

    @property
    def strongest(self) -> Contestant | None:
        """The fastest baseline measured here, declared for it or not."""
        return min(self.contestants, key=lambda c: median(c.samples), default=None)

    @property
    def is_implausible(self) -> bool:
        """Whether the candidate, or a baseline, was faster than the device can be."""
        fastest = [median(self.candidate), *(median(c.samples) for c in self.contestants)]
        return min(fastest) <= 0 or min(fastest) < self.impossible_us

    def speedup(self, contestant: Contestant) -> Interval:
        """Return how many times faster than this baseline the candidate is."""
        return ratio_interval(contestant.samples, self.candidate)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The gates' report, and times if both gates were passed."""

    report: GateReport
    gate_seed: int
    timing: Timing | None = None
    absent: tuple[tuple[Baseline, str], ...] = ()
    replay: tuple[Check, ...] = ()

    @property
    def status(self) -> Status:
        """How the run ended."""
        if not self.report.fidelity_pass:
            return Status.BROKEN
        if not self.report.quality_pass:
            return Status.BELOW_QUALITY
        if self.timing is None:
            return Status.ERROR
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

    def _error(self) -> dict[str, str] | None:
        if self.status is Status.OK:
            return None
        if self.status is Status.IMPLAUSIBLE and self.timing is not None:
            return {
                "kind": str(self.status),
                "message": f"Timed at {median(self.timing.candidate):.4g} µs; this device can't do "
                f"it in under {self.timing.impossible_us:.4g} µs.",
            }
        failed = "; ".join(
            f"{c.name}: {c.value:.4g} against a bar of {c.bar:.4g}" for c in self.report.failures
        )
        return {"kind": str(self.status), "message": f"Failed {failed or 'a gate'}."}


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
            row["time_us"] = median_interval(contestant.samples).to_json()
            row["speedup"] = timing.speedup(contestant).to_json()
            row["samples"] = _rounded(contestant.samples)
        baselines.append(row)
    record: dict[str, Any] = {
        "method": timing.method,
        "bytes": timing.work.bytes,
        "flops": timing.work.flops,
        "baseline": best.baseline.name if best else None,
        "baselines": baselines,
    }
    if with_speed:
        record["time_us"] = median_interval(timing.candidate).to_json()
        record["samples"] = _rounded(timing.candidate)
        record["speedup"] = timing.speedup(best).to_json() if best else None
        if timing.floor_us is not None:
            fraction = timing.floor_us / median(timing.candidate)
            record["roofline_fraction"] = significant(fraction, 3)
    return record


def _rounded(samples: list[float]) -> list[float]:
    return [significant(s, SAMPLE_DIGITS) for s in samples]
