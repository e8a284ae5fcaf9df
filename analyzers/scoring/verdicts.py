"""Claimed against measured: the verdict of one claim on one device.

A verdict compares with the *paper's kind* of baseline; the score uses the engine's. Other
hardware than the paper's is named, not disqualifying.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from analyzers.facts import Bound, Claim, Scope
from analyzers.message import Message, message
from analyzers.scoring.ratios import speedup_of
from analyzers.scoring.runs import (
    CANNOT_RUN,
    FAILED_QUALITY,
    PAPER,
    MeasuredRun,
    Ratio,
    geometric_mean,
    newest_runs,
)

CONFIRMED_SHARE = 0.9
PARTLY_SHARE = 0.5


class VerdictKind(StrEnum):
    """What a measurement says of a claim."""

    UNTESTED = "untested"
    NOT_RUNNABLE = "not_runnable_here"
    NOT_COMPARABLE = "not_comparable"
    BELOW_QUALITY = "below_quality"
    UNCLEAR = "unclear"
    CONTRADICTED = "contradicted"
    CONFIRMED = "confirmed"
    PARTLY = "partly"
    NOT_REPRODUCED = "not_reproduced"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict, why, and the figures behind it.

    `reached` is ln(measured)/ln(claimed): 1 is all of the claimed gain, 0 none, negative a loss.
    """

    kind: VerdictKind
    device: str | None
    reasons: tuple[Message, ...]
    run_id: str | None = None
    claimed: float | None = None
    measured: Ratio | None = None
    reached: float | None = None
    baseline: str | None = None
    provisional: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the record that the contract shows."""
        return {
            "device": self.device,
            "verdict": self.kind.value,
            "reasons": [r.to_json() for r in self.reasons],
            "run_id": self.run_id,
            "claimed_speedup": self.claimed,
            "measured_speedup": self.measured.median if self.measured else None,
            "measured_low": self.measured.low if self.measured else None,
            "measured_high": self.measured.high if self.measured else None,
            "reached": self.reached,
            "baseline": self.baseline,
            "provisional": self.provisional,
        }


def judge(claim: Claim, device: str, runs: Sequence[MeasuredRun]) -> Verdict:
    """Return the verdict of `claim` on `device` from that device's runs, the first that holds."""
    tested = newest_runs(r for r in runs if claim.key in r.claims and r.shipped)
    if not tested:
        return Verdict(VerdictKind.UNTESTED, device, (message("no run tests it here"),))
    run_id = max(tested, key=lambda r: r.measured_at).id
    provisional = any(r.provisional for r in tested)

    def verdict(kind: VerdictKind, *reasons: Message, **figures: Any) -> Verdict:
        figures.setdefault("run_id", run_id)
        if provisional and kind is not VerdictKind.UNTESTED:
            reasons = (*reasons, message("a quick run: provisional"))
        return Verdict(kind, device, reasons, provisional=provisional, **figures)

    if all(r.status in CANNOT_RUN for r in tested):
        return verdict(VerdictKind.NOT_RUNNABLE, message("it can't run on this device"))
    claimed = speedup_of(claim)
    if not claim.metric.is_speed or claimed is None:
        why = message("the runs measure speed; the claim is about something else")
        return verdict(VerdictKind.NOT_COMPARABLE, why)
    if claimed <= 1:
        why = message("it claims no gain")
        return verdict(VerdictKind.NOT_COMPARABLE, why, claimed=claimed)
    if claim.scope is Scope.END_TO_END:
        why = message("it is about the whole model; the runs measure one operation")
        return verdict(VerdictKind.NOT_COMPARABLE, why, *_of_the_part(tested), claimed=claimed)

    best_case = claim.bound is Bound.UP_TO
    failing = [r for r in tested if r.status == FAILED_QUALITY]
    measured = [r for r in tested if r.status == "ok"]
    if failing and (not best_case or not measured):
        why = message("below the quality bar on {case}", case=failing[0].case)
        return verdict(VerdictKind.BELOW_QUALITY, why, run_id=failing[0].id, claimed=claimed)
    if not measured:
        why = message("no run gave a number: {status}", words=("status",), status=tested[0].status)
        return verdict(VerdictKind.UNTESTED, why, claimed=claimed)
    compared = [(run, *found) for run in measured if (found := run.against(PAPER)) is not None]
    if not compared:
        why = message("the paper's kind of baseline isn't available here")
        return verdict(VerdictKind.NOT_COMPARABLE, why, claimed=claimed)

    told = _best_case(compared, claimed) if best_case else _aggregate(compared, claimed)
    noise = max(r.noise_floor for r in measured)
    reached = math.log(told.ratio.median) / math.log(claimed)
    reasons = [told.basis]
    if claim.hardware:
        reasons.append(
            message(
                "the paper measured on {hardware}, this run on {device}",
                hardware=claim.hardware,
                device=tested[0].device_name,
            )
        )
    # The case with the most room speaks for all: a claim that it refutes holds on none.
    roomiest = max((run for run, *_ in compared), key=lambda run: run.most_over(PAPER))
    reasons += roomiest.against_physics(claimed, PAPER)
    return verdict(
        _decide(told.ratio, noise, reached),
        *reasons,
        run_id=told.run_id or run_id,
        claimed=claimed,
        measured=told.ratio,
        reached=reached,
        baseline=told.baseline,
    )


@dataclass(frozen=True, slots=True)
class _Told:
    """What the compared runs say together: the ratio, over which baseline, and in words."""

    ratio: Ratio
    baseline: str
    basis: Message
    run_id: str | None = None
    """The one run that it is the answer of; None where all of them speak."""


_Compared = Sequence[tuple[MeasuredRun, str, Ratio]]
"""Runs, each with the name of the paper's kind of baseline and the speedup over it."""


def _best_case(compared: _Compared, claimed: float) -> _Told:
    """Hold an "up to" against the case that gains most."""
    run, baseline, ratio = max(compared, key=lambda c: c[2].median)
    basis = message(
        "best case {case}: {measured}x against {baseline}, claimed up to {claimed}x",
        case=run.case,
        measured=ratio.median,
        baseline=baseline,
        claimed=claimed,
    )
    return _Told(ratio, baseline, basis, run.id)


def _aggregate(compared: _Compared, claimed: float) -> _Told:
    """Hold any other claim against the geometric mean of all cases."""
    ratio = geometric_mean([(1.0, r) for _, _, r in compared])
    baseline = ", ".join(sorted({name for _, name, _ in compared}))
    figures: dict[str, Any] = {
        "measured": ratio.median,
        "baseline": baseline,
        "claimed": claimed,
    }
    if len(compared) == 1:
        basis = message(
            "{measured}x on {case} against {baseline}, claimed {claimed}x",
            case=compared[0][0].case,
            **figures,
        )
    else:
        basis = message(
            "{measured}x over {cases} cases against {baseline}, claimed {claimed}x",
            cases=len(compared),
            **figures,
        )
    return _Told(ratio, baseline, basis)


def _of_the_part(tested: Sequence[MeasuredRun]) -> list[Message]:
    """Return what the runs measured of a claim about more: it stands for itself, with the range."""
    found = [
        (run.part, name, ratio.median)
        for run in tested
        if run.status == "ok" and (against := run.against(PAPER)) is not None
        for name, ratio in [against]
    ]
    if not found:
        return []
    ratios = [ratio for *_, ratio in found]
    figures: dict[str, Any] = {
        "part": found[0][0].value,
        "baseline": ", ".join(sorted({name for _, name, _ in found})),
        "low": min(ratios),
        "high": max(ratios),
    }
    if len(found) == 1:
        return [
            message(
                "{part}, measured alone: {high}x against {baseline}", words=("part",), **figures
            )
        ]
    return [
        message(
            "{part}, measured alone: {low}x to {high}x over {cases} cases against {baseline}",
            words=("part",),
            cases=len(found),
            **figures,
        )
    ]


def _decide(ratio: Ratio, noise: float, reached: float) -> VerdictKind:
    """Compare an interval with the noise floor and the claimed gain, the first that holds."""
    if any(ratio.low <= edge <= ratio.high for edge in (1 + noise, 1 - noise)):
        return VerdictKind.UNCLEAR
    if ratio.high < 1 - noise:
        return VerdictKind.CONTRADICTED
    if ratio.low > 1 + noise and reached >= CONFIRMED_SHARE:
        return VerdictKind.CONFIRMED
    if ratio.low > 1 + noise and reached >= PARTLY_SHARE:
        return VerdictKind.PARTLY
    return VerdictKind.NOT_REPRODUCED
