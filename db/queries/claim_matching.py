"""When two records are the same claim: an analysed claim against one that the catalog holds.

The same metric, the same number within 1 % (1.72x and "72 % faster" are one number) and baselines
that don't disagree. Unknown baselines agree with any.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from db.models import Claim

TOLERANCE = 0.01

# Words that name no baseline: "vanilla FP16 baseline" and "FP16" are one.
_FILLERS = frozenset(
    {"a", "an", "and", "the", "over", "than", "vs", "versus", "to", "of", "by", "with", "in", "on"}
    | {"for", "baseline", "baselines", "standard", "vanilla", "implementation", "implementations"}
    | {
        "method",
        "methods",
        "model",
        "models",
        "kernel",
        "kernels",
        "s",
        "data",
        "format",
        "formats",
    }
    | {"precision", "full", "its", "their", "own", "authors", "using"}
)
_ASIDE = re.compile(r"\([^()]*\)")
"""What a hand-written baseline says in brackets explains it and isn't part of its name."""


def find_held(record: Mapping[str, Any], held: Sequence[Claim]) -> Claim | None:
    """Return the held claim that `record` (the analysis' JSON of a claim) repeats, None if new.

    Of several the one whose baseline, scope, hardware and subject agree best, then the first.
    """
    same = [claim for claim in held if _is_same(record, claim)]
    return max(same, key=lambda claim: _agreement(record, claim), default=None)


def _is_same(record: Mapping[str, Any], claim: Claim) -> bool:
    return (
        record["metric"] == claim.metric
        and _same_number(record, claim)
        and _agrees(record.get("baseline"), claim.baseline)
        and bool(record.get("own_result", True)) == claim.own_result
    )


def _same_number(record: Mapping[str, Any], claim: Claim) -> bool:
    theirs = (record["value"], record.get("value_high"))
    ours = (claim.value, claim.value_high)
    if (theirs[1] is None) != (ours[1] is None):
        return False
    unit = record.get("unit") or ""
    return all(
        _close(mine, unit, other, claim.unit, claim.metric)
        for mine, other in zip(theirs, ours, strict=True)
        if mine is not None and other is not None
    )


def _close(value: float, unit: str, other: float, other_unit: str, metric: str) -> bool:
    if unit == other_unit:
        return math.isclose(value, other, rel_tol=TOLERANCE)
    one, two = as_ratio(metric, value, unit), as_ratio(metric, other, other_unit)
    return one is not None and two is not None and math.isclose(one, two, rel_tol=TOLERANCE)


def as_ratio(metric: str, value: float, unit: str) -> float | None:
    """Return a gain as a ratio (p % more → 1 + p, r % less → 1/(1−r)); None where it is none."""
    if unit == "x":
        return value
    if unit != "%":
        return None
    if metric in ("speedup", "throughput_gain"):
        return 1 + value / 100
    if metric in ("latency_reduction", "memory_reduction", "error_reduction") and value < 100:
        return 1 / (1 - value / 100)
    return None


def _words(text: str | None) -> frozenset[str]:
    words = re.findall(r"[a-z0-9]+", _ASIDE.sub(" ", text or "").lower())
    # FlashAttention-2, flash attention 2 and FlashAttention2 are one name.
    return frozenset(word for word in words if word not in _FILLERS)


def _agrees(one: str | None, two: str | None) -> bool:
    first, second = _words(one), _words(two)
    if not first or not second or first <= second or second <= first:
        return True
    joined, other = (re.sub(r"[^a-z0-9]", "", (text or "").lower()) for text in (one, two))
    return joined in other or other in joined


def _agreement(record: Mapping[str, Any], claim: Claim) -> tuple[float, int]:
    points = 0.0
    if record.get("baseline") and claim.baseline:
        points += 4
    for name, weight in (("scope", 2), ("part", 2), ("bound", 1)):
        value, held = record.get(name), getattr(claim, name)
        if value and held:
            points += weight if value == held else -weight
    for name in ("hardware", "subject"):
        one, two = _words(record.get(name)), _words(getattr(claim, name))
        if one and two:
            points += len(one & two) / len(one | two)
    return points, -claim.position
