"""Medians with bootstrap intervals, in plain Python so that they can be checked anywhere."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

RESAMPLES = 2000
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """A median with its 95 % interval."""

    median: float
    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low <= self.median <= self.high:
            raise ValueError(f"not an interval: {self.low} <= {self.median} <= {self.high}")

    def to_json(self, digits: int = 6) -> dict[str, float]:
        """Return the contract's record, rounded to significant digits."""
        return {
            "median": significant(self.median, digits),
            "low": significant(self.low, digits),
            "high": significant(self.high, digits),
        }


def significant(value: float, digits: int) -> float:
    """Round to a number of significant digits: samples earn few, and files stay small."""
    return float(f"{value:.{digits}g}")


def median_interval(samples: Sequence[float], seed: int = 0) -> Interval:
    """Return the median with a percentile-bootstrap interval.

    Resampling is seeded: the same samples always give the same interval. Raises `ValueError`
    without samples.
    """
    if not samples:
        raise ValueError("no samples")
    middle = median(samples)
    if len(samples) == 1:
        return Interval(middle, middle, middle)
    draw = random.Random(seed)
    size = len(samples)
    medians = sorted(median(draw.choices(samples, k=size)) for _ in range(RESAMPLES))
    tail = (1 - CONFIDENCE) / 2
    low = medians[int(tail * (RESAMPLES - 1))]
    high = medians[round((1 - tail) * (RESAMPLES - 1))]
    return Interval(middle, min(low, middle), max(high, middle))


def ratio_interval(
    baseline: Sequence[float], candidate: Sequence[float], seed: int = 0
) -> Interval:
    """Return the speedup (baseline / candidate) from paired rounds, with its interval.

    Round i timed both within moments of each other, so slow drift of the machine falls out of the
    ratio. Raises `ValueError` if the rounds don't pair up or a time isn't positive.
    """
    if len(baseline) != len(candidate):
        raise ValueError(f"rounds don't pair up: {len(baseline)} and {len(candidate)}")
    if any(t <= 0 for t in (*baseline, *candidate)):
        raise ValueError("a time must be positive")
    return median_interval([b / c for b, c in zip(baseline, candidate, strict=True)], seed)


def noise_floor(ratios: Sequence[Interval], least: float = 0.01) -> float:
    """Return how far from 1 the ratio of a thing with itself came, over several A/A blocks.

    Never under `least`: a lucky block doesn't make a machine noiseless.
    """
    worst = max((max(abs(r.low - 1), abs(r.high - 1)) for r in ratios), default=least)
    return max(worst, least)
