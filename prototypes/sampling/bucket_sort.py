"""llama.cpp's partial sort in torch: the algorithm of its `src/llama-sampling.cpp`, our own code.

Logits are counted into 128 buckets of one width between -10 and 10, whatever they are; the highest
buckets that together hold enough are sorted, nothing else. Top-p asks for 256, and for everything
if those don't weigh enough.
"""

from __future__ import annotations

import torch

from prototypes.harness.workload import Kernel, Tensors

BUCKETS = 128
LOW, HIGH = -10.0, 10.0
FIRST = 256
"""How many top-p asks for first."""


def largest(logits: torch.Tensor, least: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return at least the `least` largest of logits (vocab,), descending, and their places.

    As many as the buckets hold that had to be sorted: a bucket is never cut.
    """
    least = min(least, logits.numel())
    scale = BUCKETS / (HIGH - LOW)
    bucket = (logits * scale).sub_(LOW * scale).clamp_(0, BUCKETS - 1).to(torch.int32)
    counts = torch.bincount(bucket, minlength=BUCKETS)
    held = counts.flip(0).cumsum(0)
    lowest = BUCKETS - 1 - int(torch.searchsorted(held, least))
    places = (bucket >= lowest).nonzero()[:, 0]
    values, order = logits[places].sort(descending=True)
    return values, places[order]


def top_k(k: int, top_p: float, min_p: float) -> Kernel:
    """Return a sampler that sorts k, then filters by top-p and min-p; a loop over rows."""

    def run(inputs: Tensors, outputs: Tensors) -> None:
        for row, logits in enumerate(inputs["logits"]):
            values, places = largest(logits, k)
            weights = _weights(values[:k], inputs["temperature"][row])
            outputs["tokens"][row] = places[_draw(weights, weights.sum(), top_p, min_p)]

    return run


def top_p_alone(top_p: float, min_p: float) -> Kernel:
    """Return a sampler that sorts 256, or everything if they weigh less than top-p."""

    def run(inputs: Tensors, outputs: Tensors) -> None:
        for row, logits in enumerate(inputs["logits"]):
            temperature = inputs["temperature"][row]
            values, places = largest(logits, FIRST)
            mass = ((logits - values[0]) / temperature).exp_().sum()
            weights = _weights(values, temperature)
            if weights[:FIRST].sum() < top_p * mass and len(values) < len(logits):
                values, places = largest(logits, len(logits))
                weights = _weights(values, temperature)
            outputs["tokens"][row] = places[_draw(weights, mass, top_p, min_p)]

    return run


def _weights(values: torch.Tensor, temperature: torch.Tensor) -> torch.Tensor:
    return ((values - values[0]) / temperature).exp_()


def _draw(weights: torch.Tensor, mass: torch.Tensor, top_p: float, min_p: float) -> int:
    """Return a place among descending weights that the filters leave; top-p is of `mass`."""
    cumulative = weights.cumsum(0)
    keep = len(weights)
    if top_p < 1:
        keep = int((cumulative - weights < top_p * mass).sum())
    if min_p > 0:
        keep = min(keep, int((weights >= min_p).sum()))
    uniform = float(torch.rand(()))
    return min(
        int(torch.searchsorted(cumulative, cumulative[keep - 1] * uniform, right=True)), keep - 1
    )
