"""A measured run as the score and the verdicts read it, and which runs count on a device."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from analyzers.facts import DeviceClass, Measurement, Part, Scope
from analyzers.message import Message
from analyzers.physics import Ceilings, Work, findings, limit

ENGINE, STRONGEST, PAPER = "engine", "strongest", "paper"
DEFAULT_NOISE_FLOOR = 0.02
CANNOT_RUN = ("not_runnable",)
FAILED_QUALITY = "below_quality"


@dataclass(frozen=True, slots=True)
class Ratio:
    """A speedup and the 95 % interval it was measured with."""

    median: float
    low: float
    high: float

    @classmethod
    def read(cls, record: Mapping[str, Any] | None) -> Ratio | None:
        """Read {"median", "low", "high"}; `None` where any is missing."""
        if not record or any(record.get(k) is None for k in ("median", "low", "high")):
            return None
        return cls(float(record["median"]), float(record["low"]), float(record["high"]))


@dataclass(frozen=True, slots=True)
class RunBaseline:
    """One baseline of a run, its roles, and the speedup over it if it could be run."""

    name: str
    roles: tuple[str, ...]
    speedup: Ratio | None
    time_us: float | None = None


@dataclass(frozen=True, slots=True)
class MeasuredRun:
    """One case of one implementation on one device."""

    id: str
    prototype: str
    case: str
    implementation: str
    shipped: bool
    target_weight: float
    device_id: str
    device_name: str
    device_class: DeviceClass
    part: Part
    scope: str
    status: str
    provisional: bool
    measured_at: str
    noise_floor: float
    claims: tuple[str, ...]
    baselines: tuple[RunBaseline, ...]
    work: Work | None = None
    ceilings: Ceilings | None = None

    @classmethod
    def read(
        cls, run_id: str, record: Mapping[str, Any], environment: Mapping[str, Any]
    ) -> MeasuredRun:
        """Read one run of a run document and the document's environment."""
        return cls(
            id=run_id,
            prototype=record["prototype"],
            case=record["case"],
            implementation=record["implementation"],
            shipped=bool(record.get("shipped")),
            target_weight=float(record.get("target_weight") or 0.0),
            device_id=environment["device_id"],
            device_name=environment.get("device_name") or environment["device_id"],
            device_class=DeviceClass(environment["device_class"]),
            part=Part(record["part"]),
            scope=record["scope"],
            status=record["status"],
            provisional=bool(record.get("provisional")),
            measured_at=environment["started_at"],
            noise_floor=float(environment.get("noise_floor") or DEFAULT_NOISE_FLOOR),
            claims=tuple(record.get("claims") or ()),
            baselines=tuple(
                RunBaseline(
                    b["name"],
                    tuple(b.get("roles") or ([b["role"]] if b.get("role") else [])),
                    Ratio.read(b.get("speedup")),
                    (b.get("time_us") or {}).get("median"),
                )
                for b in record.get("baselines") or ()
            ),
            work=Work.read(record),
            ceilings=Ceilings.read(environment.get("rates")),
        )

    def against(self, role: str) -> tuple[str, Ratio] | None:
        """Return (name, speedup) of the baseline in `role` that could be run, if any."""
        for baseline in self.baselines:
            if role in baseline.roles and baseline.speedup is not None:
                return baseline.name, baseline.speedup
        return None

    def most_over(self, role: str) -> float:
        """Return the most that can be gained over the baseline in `role` here; inf if unknown."""
        timed = self._timed(role)
        if timed is None or self.work is None or self.ceilings is None:
            return math.inf
        return limit(self.work, self.ceilings, timed[1]).most

    def against_physics(self, claimed: float, role: str) -> list[Message]:
        """Return why a claimed speedup over the baseline in `role` can't be on this device."""
        timed = self._timed(role)
        if timed is None or self.work is None or self.ceilings is None:
            return []
        return findings(claimed, self.work, self.ceilings, *timed)

    def _timed(self, role: str) -> tuple[str, float] | None:
        for baseline in self.baselines:
            if role in baseline.roles and baseline.time_us:
                return baseline.name, baseline.time_us
        return None


def newest_runs(runs: Iterable[MeasuredRun]) -> list[MeasuredRun]:
    """Keep the newest run of each case and scope: full runs if there are any, else quick ones."""
    candidates = list(runs)
    full = [r for r in candidates if not r.provisional]
    newest: dict[tuple[str, str, str], MeasuredRun] = {}
    for run in sorted(full or candidates, key=_told_last):
        newest[run.prototype, run.case, run.scope] = run
    return list(newest.values())


def by_device(runs: Iterable[MeasuredRun]) -> dict[str, list[MeasuredRun]]:
    """Group runs by the device they ran on."""
    groups: dict[str, list[MeasuredRun]] = defaultdict(list)
    for run in runs:
        groups[run.device_id].append(run)
    return dict(groups)


def measurement(
    runs: Sequence[MeasuredRun], roles_in_order: Sequence[str] = (ENGINE, STRONGEST)
) -> Measurement | None:
    """Return what the runs of one device say: the shipped implementation over the target cases.

    The weighted geometric mean over the declared target cases, against the first of
    `roles_in_order` that was run (the engine's baseline, else the strongest). Its interval is the
    mean of the cases' intervals, as if all erred the same way: never too narrow.
    """
    seen = [
        (run, role, *found)
        for run in _on_target(runs)
        if run.status == "ok" and run.scope == "call"
        for role in [next((r for r in roles_in_order if run.against(r)), STRONGEST)]
        if (found := run.against(role)) is not None
    ]
    if not seen:
        return None
    mean = geometric_mean([(run.target_weight, ratio) for run, _, _, ratio in seen])
    roles = {role for _, role, _, _ in seen}
    newest = max((run for run, *_ in seen), key=lambda r: r.measured_at)
    return Measurement(
        device_id=newest.device_id,
        device_class=newest.device_class,
        part=newest.part,
        scope=Scope.KERNEL,
        speedup=mean.median,
        low=mean.low,
        high=mean.high,
        baseline_role=roles.pop() if len(roles) == 1 else STRONGEST,
        baseline=", ".join(sorted({name for _, _, name, _ in seen})),
        run_ids=tuple(sorted(run.id for run, *_ in seen)),
        measured_at=newest.measured_at,
        provisional=any(run.provisional for run, *_ in seen),
        quality_pass=True,
        device_name=newest.device_name,
    )


def failed_quality(runs: Sequence[MeasuredRun]) -> bool:
    """Return whether the shipped implementation fell below its bar on a target case."""
    return any(run.status == FAILED_QUALITY for run in _on_target(runs))


def _on_target(runs: Sequence[MeasuredRun]) -> list[MeasuredRun]:
    """Return the newest runs of the shipped implementation over the target cases.

    Whether a case still is one, its newest run says: declarations are mended.
    """
    shipped = sorted((r for r in runs if r.shipped), key=_told_last)
    today = {(r.prototype, r.case): r.target_weight for r in shipped}
    return newest_runs(r for r in shipped if r.target_weight > 0 and today[r.prototype, r.case] > 0)


def _told_last(run: MeasuredRun) -> tuple[str, float, str]:
    """Order runs by time; of one told twice, its weight mended in between, the lesser is last."""
    return run.measured_at, -run.target_weight, run.id


def geometric_mean(weighted: Sequence[tuple[float, Ratio]]) -> Ratio:
    """Return the weighted geometric mean of ratios, end by end."""
    total = sum(w for w, _ in weighted)

    def mean(values: Iterable[tuple[float, float]]) -> float:
        return math.exp(sum(w * math.log(v) for w, v in values) / total)

    return Ratio(
        mean((w, r.median) for w, r in weighted),
        mean((w, r.low) for w, r in weighted),
        mean((w, r.high) for w, r in weighted),
    )
