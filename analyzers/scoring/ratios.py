"""Speedups as ratios, points and shares: the arithmetic that every score uses."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise

from analyzers.facts import Claim, Metric, Part

POINTS = ((0.5, -2.0), (1.0, 0.0), (1.72, 1.5), (2.3, 3.0))
"""Performance points by speedup, piecewise linear. The report of 2025 gave 1.5 points for 1.72x
and 3 for 2.3x; a loss costs as the rubric `assay-1` says."""


def speedup_of(claim: Claim) -> float | None:
    """Return a claim as a ratio over 1 = faster, or `None` if it can't be read as one.

    p % more is 1 + p; r % less time is 1/(1 - r); a range is its geometric mean.
    """
    if not claim.metric.is_speed:
        return None
    low = _ratio(claim.metric, claim.value, claim.unit)
    if claim.value_high is None or low is None:
        return low
    high = _ratio(claim.metric, claim.value_high, claim.unit)
    return None if high is None else math.sqrt(low * high)


def _ratio(metric: Metric, value: float, unit: str) -> float | None:
    if not math.isfinite(value) or value <= 0:
        return None
    if unit == "x":
        return value
    if unit != "%":
        return None
    if metric is Metric.LATENCY_REDUCTION:
        return 1 / (1 - value / 100) if value < 100 else None
    return 1 + value / 100


def performance_points(speedup: float) -> float:
    """Return the points of a speedup, -2 to 3."""
    if speedup <= POINTS[0][0]:
        return POINTS[0][1]
    for (x0, y0), (x1, y1) in pairwise(POINTS):
        if speedup <= x1:
            return y0 + (y1 - y0) * (speedup - x0) / (x1 - x0)
    return POINTS[-1][1]


def amdahl(speedup: float, share: float) -> float:
    """Return what a speedup of a part that takes `share` of the time does to the whole."""
    return 1 / ((1 - share) + share / speedup)


def widen(speedup: float, part: Part, whole: Part, shares: Mapping[Part, float]) -> float:
    """Turn a speedup of `part` into that of `whole`, which contains it."""
    if part is whole:
        return speedup
    return amdahl(speedup, min(1.0, shares[part] / shares[whole]))


def common_part(parts: list[Part]) -> Part:
    """Return the smallest part that contains all of `parts`."""
    if len(set(parts)) == 1:
        return parts[0]
    phases = {part.phase for part in parts}
    return phases.pop() if len(phases) == 1 else Part.WHOLE_RUN
