"""Medians with bootstrap intervals, in plain Python so that they can be checked anywhere.

A run takes its rounds in several processes, since a process differs from the next by more than its
rounds from each other (addresses, pages, clocks). `repeat_interval` says where a repeat of the
whole run is to be expected: rounds and processes are both resampled, for the run and its repeat.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median

RESAMPLES = 2000
CONFIDENCE = 0.95
MOST_NOISE = 0.9
STUDENT: dict[float, float] = {
    1: 12.71,
    2: 4.303,
    3: 3.182,
    4: 2.776,
    5: 2.571,
    6: 2.447,
    7: 2.365,
    8: 2.306,
}
STUDENT |= {9: 2.262, 10: 2.228, 12: 2.179, 15: 2.131, 16: 2.120, 20: 2.086, math.inf: 1.960}
"""Student's t at 97.5 % by degrees of freedom."""


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


def repeat_interval(
    processes: Sequence[Sequence[float]],
    peers: Sequence[Sequence[Sequence[float]]] = (),
    seed: int = 0,
) -> Interval:
    """Return the median over processes of their medians, and where 95 % of repeats should fall.

    `processes` holds the positive values of each process's rounds; `peers` other quantities that
    were measured in the same processes. Hierarchical bootstrap on logarithms: every resample draws
    rounds within each process and adds an effect of the process, drawn from the deviations of this
    quantity and its peers (two or three processes alone say too little of how processes differ),
    each scaled by sqrt(P / (P - 1)) and widened as Student's t is for so few. The interval is that
    of the difference of two resamples, the run and its repeat. One process has no effects: the
    interval is then that of its rounds alone.
    Raises `ValueError` without samples, or where one isn't positive.
    """
    if not processes or not all(processes):
        raise ValueError("no samples")
    if any(value <= 0 for rounds in processes for value in rounds):
        raise ValueError("a time must be positive")
    if len(processes) == 1:
        return median_interval(processes[0], seed)
    draw = random.Random(seed)
    logs = [[math.log(value) for value in rounds] for rounds in processes]
    middles = [median(rounds) for rounds in logs]
    centre = median(middles)
    quantities = (processes, *peers)
    known = len(quantities) * (len(processes) - 1)
    # The next smaller number in the table: rather too wide than too narrow.
    student = STUDENT[max(freedom for freedom in STUDENT if freedom <= known)]
    widening = student / STUDENT[math.inf]
    effects = [widening * e for quantity in quantities for e in _effects(quantity)]

    def resample() -> float:
        return median(
            median(draw.choices(rounds, k=len(rounds))) + draw.choice(effects) for rounds in logs
        )

    gaps = sorted(abs(resample() - resample()) for _ in range(RESAMPLES // 2))
    half = gaps[round(CONFIDENCE * (len(gaps) - 1))]
    return Interval(math.exp(centre), math.exp(centre - half), math.exp(centre + half))


def _effects(processes: Sequence[Sequence[float]]) -> list[float]:
    middles = [median(math.log(value) for value in rounds) for rounds in processes]
    mean = fmean(middles)
    scale = math.sqrt(len(middles) / (len(middles) - 1))
    return [scale * (middle - mean) for middle in middles]


def paired_ratios(
    baseline: Sequence[Sequence[float]], candidate: Sequence[Sequence[float]]
) -> list[list[float]]:
    """Return baseline / candidate of each round of each process; raises `ValueError`.

    Round i of a process timed both within moments of each other: slow drift falls out.
    """
    shapes = [[len(rounds) for rounds in side] for side in (baseline, candidate)]
    if shapes[0] != shapes[1]:
        raise ValueError(f"rounds don't pair up: {shapes[0]} and {shapes[1]}")
    if any(t <= 0 for side in (baseline, candidate) for rounds in side for t in rounds):
        raise ValueError("a time must be positive")
    return [
        [b / c for b, c in zip(*rounds, strict=True)]
        for rounds in zip(baseline, candidate, strict=True)
    ]


def noise_floor(ratios: Sequence[Interval], least: float = 0.01) -> float:
    """Return how far from 1 the ratio of a thing with itself came, over several A/A blocks.

    Never under `least`: a lucky block doesn't make a machine noiseless. Never over `MOST_NOISE`:
    it is a share, and past that a machine is too busy to tell anything but orders of magnitude.
    """
    worst = max((max(abs(r.low - 1), abs(r.high - 1)) for r in ratios), default=least)
    return min(max(worst, least), MOST_NOISE)
