"""What a right sampler draws, worked out by loops that share no code with the prototype."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Filters:
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    temperature: float = 1.0


def slow_distribution(logits: Sequence[float], filters: Filters) -> dict[int, float]:
    """Return the survivors with their probabilities: temperature, top-k, top-p, then min-p.

    A token stays if what is strictly above it doesn't fill the filter: fewer than k tokens, less
    than p of the mass that top-k left. So ties stay or go together.
    """
    finite = {i: x / filters.temperature for i, x in enumerate(logits) if x > -math.inf}
    highest = max(finite.values())
    weight = {i: math.exp(x - highest) for i, x in finite.items()}
    if filters.top_k > 0:
        weight = {
            i: w
            for i, w in weight.items()
            if sum(finite[j] > finite[i] for j in weight) < filters.top_k
        }
    mass = math.fsum(weight.values())
    kept = {}
    for i, w in weight.items():
        above = math.fsum(weight[j] for j in weight if finite[j] > finite[i])
        in_top_p = filters.top_p >= 1 or above < filters.top_p * mass
        if in_top_p and w >= filters.min_p:
            kept[i] = w
    total = math.fsum(kept.values())
    return {i: w / total for i, w in kept.items()}


def total_variation(tokens: Sequence[int], exact: dict[int, float]) -> float:
    """Return half the sum of |share drawn - probability|, draws outside the support included."""
    counts = Counter(tokens)
    everything = counts.keys() | exact.keys()
    return sum(abs(counts[i] / len(tokens) - exact.get(i, 0)) for i in everything) / 2


def bar(draws: int, exact: dict[int, float], doubt: float = 1e-6) -> float:
    """Return what exact draws exceed with a probability of at most `doubt`.

    The expected total variation (Jensen: a mean deviation is at most the standard deviation) plus
    McDiarmid's bound: one draw moves the total variation by at most 1 / draws.
    """
    expected = sum(math.sqrt(p * (1 - p) / draws) for p in exact.values()) / 2
    return expected + math.sqrt(math.log(1 / doubt) / (2 * draws))
