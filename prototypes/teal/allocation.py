"""How a block's sparsity is spread over its seven linears: alike, greedily, by weights.

Greedy is the paper's (Algorithm 1): in each step try to drop as many more weight bytes of each
linear in turn, keep the one after which the block's output is off the least. All blocks get the
same total.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch

from prototypes.teal.calibration import Histogram, weight_aware
from prototypes.teal.stack import LINEARS, READS, Stack, Thresholds

MOST = 0.95
"""A linear is never left with less than a twentieth of its inputs."""
STEPS = 16
"""Steps from nothing to a sparsity of 0.5."""
LARGEST = 0.25
"""Share of a linear that one step drops at the most: small ones would go as a whole."""


def hidden_states(
    stack: Stack, x: torch.Tensor
) -> Iterator[tuple[torch.Tensor, dict[str, torch.Tensor]]]:
    """Yield each block's input and hidden states in the dense run over x (tokens, hidden)."""
    for number in range(len(stack.blocks)):
        seen: dict[str, torch.Tensor] = {}
        following = stack.block(number, x, seen=seen)
        yield x, seen
        x = following


def uniform(stack: Stack, x: torch.Tensor, sparsity: float) -> tuple[Thresholds, ...]:
    """Return the thresholds that drop the same share of every linear's inputs."""
    return tuple(
        _thresholds(
            {state: Histogram.of(v) for state, v in seen.items()}, dict.fromkeys(LINEARS, sparsity)
        )
        for _, seen in hidden_states(stack, x)
    )


def by_weights(stack: Stack, x: torch.Tensor, sparsity: float) -> tuple[Thresholds, ...]:
    """Return a threshold a channel: inputs are ranked by size times norm of their weights."""
    return tuple(
        {
            name: weight_aware(seen[READS[name]], stack.blocks[number][name], sparsity)
            for name in LINEARS
        }
        for number, (_, seen) in enumerate(hidden_states(stack, x))
    )


def greedy(
    stack: Stack, x: torch.Tensor, sparsity: float
) -> tuple[tuple[Thresholds, ...], tuple[dict[str, float], ...]]:
    """Return the thresholds of each block, and the shares that they drop of each linear."""
    sizes = {name: a * b for name, (a, b) in stack.shape.sizes().items()}
    total = sum(sizes.values())
    step = 0.5 / STEPS * total
    found, shares = [], []
    for number, (given, seen) in enumerate(hidden_states(stack, x)):
        histograms = {state: Histogram.of(values) for state, values in seen.items()}
        right = stack.block(number, given)
        dropped = dict.fromkeys(LINEARS, 0.0)
        left, error = sparsity * total, 0.0
        while left > 1e-6 * total:
            moves = {}
            for name in LINEARS:
                room = min(LARGEST, MOST - dropped[name]) * sizes[name]
                taken = min(step, left, room)
                if taken > 1e-9 * total:
                    tried = dropped | {name: dropped[name] + taken / sizes[name]}
                    out = stack.block(number, given, _thresholds(histograms, tried))
                    after = float((out - right).square().sum())
                    # Small linears can't take a whole step: what counts is the energy lost a byte.
                    moves[name] = ((after - error) / taken, after, tried, taken)
            if not moves:
                raise ValueError(f"No more than {MOST:g} of a block can be dropped.")
            _, error, dropped, taken = min(moves.values(), key=lambda move: move[0])
            left -= taken
        found.append(_thresholds(histograms, dropped))
        shares.append(dropped)
    return tuple(found), tuple(shares)


def _thresholds(histograms: dict[str, Histogram], shares: dict[str, float]) -> dict[str, float]:
    return {
        name: histograms[READS[name]].threshold(share)
        for name, share in shares.items()
        if share > 0
    }


def block_error(stack: Stack, x: torch.Tensor, thresholds: tuple[Thresholds, ...]) -> float:
    """Return the mean over blocks of the output's relative L2 error, each from dense inputs."""
    errors = []
    for number, (given, _) in enumerate(hidden_states(stack, x)):
        right = stack.block(number, given)
        off = stack.block(number, given, thresholds[number]) - right
        errors.append(float(off.norm() / right.norm()))
    return sum(errors) / len(errors)
