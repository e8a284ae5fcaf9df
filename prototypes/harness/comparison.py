"""Which of two is faster, as far as the rounds can say; and many cases as one figure.

Four answers: faster, slower, the same (within the noise of the device), and unclear, with how many
more rounds should settle it.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from prototypes.harness.statistics import MOST_NOISE, Interval, significant

LEAST_NOISE = 0.02
"""A difference under 2 % is never called one: placement of code alone moves that much."""
MOST_ROUNDS = 100_000
"""Past this many, more rounds settle nothing: the ratio lies on the edge of the noise."""


class Comparison(StrEnum):
    """How the candidate stands to a baseline."""

    FASTER = "faster"
    SLOWER = "slower"
    SAME = "same"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class Compared:
    """An answer; `more_rounds` only where it is unclear and rounds can settle it."""

    answer: Comparison
    noise: float
    more_rounds: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the record in a run."""
        return {
            "answer": str(self.answer),
            "noise": significant(self.noise, 3),
            "more_rounds": self.more_rounds,
        }


def compare(speedup: Interval, noise_floor: float, rounds: int) -> Compared:
    """Return how a candidate with this speedup over `rounds` rounds stands to its baseline.

    The band of the same is [1 - n, 1 + n], n the noise of the device, at least `LEAST_NOISE`. An
    interval that crosses an edge of it is unclear; its width shrinks with the square root of the
    rounds (a quarter of the width takes sixteen times as many).
    """
    noise = min(max(noise_floor, LEAST_NOISE), MOST_NOISE)
    low, high = 1 - noise, 1 + noise
    if speedup.low > high:
        return Compared(Comparison.FASTER, noise)
    if speedup.high < low:
        return Compared(Comparison.SLOWER, noise)
    if low <= speedup.low and speedup.high <= high:
        return Compared(Comparison.SAME, noise)
    middle = math.log(speedup.median)
    room = min(abs(middle - math.log(low)), abs(middle - math.log(high)))
    half = math.log(speedup.high / speedup.low) / 2
    if room <= 0 or rounds * (half / room) ** 2 > MOST_ROUNDS:
        return Compared(Comparison.UNCLEAR, noise)
    more = math.ceil(rounds * ((half / room) ** 2 - 1))
    return Compared(Comparison.UNCLEAR, noise, max(more, 1))


def weighted_mean(weighted: Sequence[tuple[float, Mapping[str, float]]]) -> dict[str, float]:
    """Return the weighted geometric mean of speedups, end by end of their intervals.

    As if all erred the same way: never too narrow. Raises `ValueError` without any weight.
    """
    total = sum(weight for weight, _ in weighted)
    if total <= 0:
        raise ValueError("no case has a weight")
    return {
        end: significant(math.exp(sum(w * math.log(s[end]) for w, s in weighted) / total), 6)
        for end in ("median", "low", "high")
    }


def summarize(runs: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return one record for each prototype, implementation, device and role of baseline.

    Over the target cases where any was measured, else over all with equal weights; with the worst
    case, and incomplete as long as a case that counts has no speed (a wrong kernel is never 1x).
    """
    groups: dict[tuple[str, str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for run in runs:
        groups[run["prototype"], run["implementation"], run["device"]].append(run)
    found = []
    for (prototype, implementation, device), members in groups.items():
        on_target = any(r["target_weight"] > 0 for r in members)
        counted = [r for r in members if r["target_weight"] > 0 or not on_target]
        roles = dict.fromkeys(
            role for r in counted for b in r["baselines"] if b["speedup"] for role in b["roles"]
        )
        for role in roles:
            if role == "other":
                continue
            found.append(
                {
                    "prototype": prototype,
                    "implementation": implementation,
                    "device": device,
                    "role": role,
                    "basis": "target cases" if on_target else "all cases, equal weights",
                    **_summary(counted, role, on_target),
                }
            )
    return found


def _summary(counted: Sequence[Mapping[str, Any]], role: str, on_target: bool) -> dict[str, Any]:
    measured = []
    for run in counted:
        row = next((b for b in run["baselines"] if role in b["roles"] and b["speedup"]), None)
        if row is not None:
            measured.append((run["target_weight"] if on_target else 1.0, run["case"], row))
    worst = min(measured, key=lambda m: float(m[2]["speedup"]["median"]))
    return {
        "speedup": weighted_mean([(weight, row["speedup"]) for weight, _, row in measured]),
        "cases": len(measured),
        "worst": {"case": worst[1], "baseline": worst[2]["name"], "speedup": worst[2]["speedup"]},
        "losses": sum(float(row["speedup"]["median"]) < 1 for _, _, row in measured),
        "complete": len(measured) == len(counted),
    }
