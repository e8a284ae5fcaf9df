"""The law of speculative decoding: what a cycle emits and costs. Every result of it is modelled.

Costs are in units of one decode step of the target without speculation. Sources: Leviathan et al.,
arXiv 2211.17192, Theorem 3.8 and Corollary 3.9; tokens are taken as accepted independently.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

MODELLED = "modelled"
"""The word that stands beside every number that comes out of here."""


def tokens_per_cycle(alpha: float, drafted: int) -> float:
    """Return how many tokens a cycle emits on average: accepted ones, and the target's own.

    `alpha`, the chance that a drafted token is accepted, from 0 to 1; `drafted` tokens a cycle.
    """
    if not 0 <= alpha <= 1:
        raise ValueError(f"An acceptance rate lies between 0 and 1, not at {alpha}.")
    return sum(alpha**k for k in range(drafted + 1))


def acceptance_rate(tokens: float, drafted: int) -> float:
    """Return the alpha that emits so many tokens a cycle: `tokens_per_cycle` undone.

    Raises `ValueError` outside of 1 to drafted + 1.
    """
    if not 1 <= tokens <= drafted + 1:
        raise ValueError(f"A cycle of {drafted} drafted tokens can't emit {tokens}.")
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if tokens_per_cycle(middle, drafted) < tokens:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def speedup(tokens: float, steps: int, draft: float, verify: float, overhead: float = 0.0) -> float:
    """Return how many times faster than plain decoding, modelled.

    `tokens` a cycle; `steps` passes of the draft at cost `draft` each; one pass of the target over
    all drafted tokens and the last emitted one at cost `verify`; `overhead` a cycle.
    """
    cost = steps * draft + verify + overhead
    if cost <= 0:
        raise ValueError("A cycle costs something.")
    return tokens / cost


def break_even_draft(tokens: float, steps: int, verify: float, overhead: float = 0.0) -> float:
    """Return the cost of a draft's pass above which speculation loses; negative: it always does."""
    return (tokens - verify - overhead) / steps if steps else math.inf


def best_length(
    alpha: float, draft: float, verify: Iterable[tuple[int, float]]
) -> tuple[int, float]:
    """Return how many tokens to draft and the speedup it gives, modelled; (0, 1.0): don't.

    `verify`: pairs of drafted tokens and what it costs to verify them.
    """
    best = (0, 1.0)
    for drafted, cost in verify:
        gain = speedup(tokens_per_cycle(alpha, drafted), drafted, draft, cost)
        if drafted and gain > best[1]:
            best = (drafted, gain)
    return best
