"""Small facts for scoring tests: one line each, overridden where the test cares."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from analyzers.facts import (
    BaselineKind,
    Claim,
    DeviceClass,
    Measurement,
    Metric,
    PaperFacts,
    Part,
    Regime,
    Scope,
    Technique,
)


def claim(value: float = 2.0, **changes: Any) -> Claim:
    base = Claim(
        key="paper/claim",
        metric=Metric.SPEEDUP,
        value=value,
        baseline="strong rival",
        baseline_kind=BaselineKind.NAMED_RIVAL,
        hardware="RTX 4090",
        part=Part.DECODE,
        scope=Scope.END_TO_END,
        regime=Regime.TARGET,
    )
    return replace(base, **changes)


def measured(speedup: float = 2.0, sigma: float = 0.05, **changes: Any) -> Measurement:
    import math

    width = math.exp(1.959963984540054 * sigma)
    base = Measurement(
        device_id="a-cpu",
        device_class=DeviceClass.CPU,
        part=Part.DECODE,
        scope=Scope.KERNEL,
        speedup=speedup,
        low=speedup / width,
        high=speedup * width,
        baseline_role="engine",
        baseline="what the engine does",
        run_ids=("r1",),
        measured_at="2026-11-24T00:00:00",
        provisional=False,
        quality_pass=True,
    )
    return replace(base, **changes)


def paper(**changes: Any) -> PaperFacts:
    base = PaperFacts(
        paper_id="paper",
        title="A paper",
        technique=Technique.SPECULATIVE_DECODING,
        relevance=0.5,
    )
    return replace(base, **changes)
