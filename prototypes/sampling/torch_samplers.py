"""Sorting-free samplers in plain torch, for the CPU: row by row, one small tensor after another.

`torch_rejection` is the paper's loop. `torch_sieve` first asks which groups of logits can hold a
survivor at all, and mostly needs no loop.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch

from prototypes.harness.workload import Kernel, Tensors

GROUP = 64
"""Logits a group: 2004 maxima for a vocabulary of 128 256."""

SIEVED_GROUPS = 128
"""Groups that the sieve may keep: 8192 logits, a sixteenth of the vocabulary."""

NO_TOKEN = -1
"""What a row without a finite logit draws."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row's request: logits (vocab,) and its parameters; top_k 0 and top_p 1 are off."""

    logits: torch.Tensor
    temperature: float
    top_k: int
    top_p: float
    min_p: float
    seed: int


Draw = Callable[[Row], int]


def build(name: str) -> Kernel:
    """Return the sampler called `torch_rejection` or `torch_sieve`."""
    draw: Draw = {"torch_rejection": draw_by_rejection, "torch_sieve": draw_by_sieve}[name]

    def run(inputs: Tensors, outputs: Tensors) -> None:
        columns = (inputs[key].tolist() for key in ("temperature", "top_k", "top_p", "min_p"))
        seeds = inputs["seeds"].tolist()
        rows = zip(inputs["logits"].unbind(0), *columns, seeds, strict=True)
        outputs["tokens"].copy_(torch.tensor([draw(Row(*row)) for row in rows]))

    return run


def uniforms(seed: int) -> Iterator[float]:
    """Yield numbers in [0, 1) by splitmix64 (Steele, Lea and Flood, 2014): cheap to start."""
    state = seed & 0xFFFFFFFFFFFFFFFF
    while True:
        state = (state + 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF
        z = state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & 0xFFFFFFFFFFFFFFFF
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & 0xFFFFFFFFFFFFFFFF
        yield ((z ^ (z >> 31)) >> 11) * 2.0**-53


def draw_by_rejection(row: Row) -> int:
    """Draw a token by the paper's loop: every pass over the whole vocabulary."""
    return rejection(row)[0]


def rejection(row: Row) -> tuple[int, int]:
    """Return a token by the paper's loop, and how many draws it took."""
    highest = float(row.logits.max())
    if highest == -math.inf:
        return NO_TOKEN, 0
    weights = ((row.logits - highest) / row.temperature).exp_()
    if 0 < row.top_k < weights.numel():
        weights *= weights >= _kth_largest(weights, row.top_k)
    if row.min_p > 0:
        # The mass that top-p speaks of is what top-k left, min-p's victims included.
        return _reject(weights, row, float(weights.sum()), weights >= row.min_p)
    return _reject(weights, row, float(weights.sum()))


def _kth_largest(weights: torch.Tensor, k: int) -> float:
    """Return the k-th largest weight, by halving an interval that holds it."""
    low, high = 0.0, 1.0  # at least k weights are ≥ low; fewer than k are > high
    while True:
        middle = (low + high) / 2
        if not low < middle < high:
            return low
        at_least = weights >= middle
        count = int(at_least.sum())
        if count == k:
            return float(weights[at_least].min())
        if count > k:
            low = middle
        else:
            high = middle


def _reject(
    weights: torch.Tensor, row: Row, mass: float, allowed: torch.Tensor | None = None
) -> tuple[int, int]:
    """Draw until a token has less than top_p·mass strictly above it; never twice the same.

    Returns the token and how many draws it took.
    """
    candidates = weights if allowed is None else weights * allowed
    limit = row.top_p * mass if row.top_p < 1 else math.inf
    for rounds, uniform in enumerate(uniforms(row.seed), start=1):
        token = _pick(candidates, uniform)
        pivot = weights[token]
        if float(weights[weights > pivot].sum()) < limit:
            return token, rounds
        candidates = candidates * (weights > pivot)
    raise AssertionError("the most probable token is always accepted")


def _pick(weights: torch.Tensor, uniform: float) -> int:
    """Return an index with probability proportional to its weight, by one cumulative sum."""
    cumulative = weights.cumsum(dim=0)
    token = int(torch.searchsorted(cumulative, cumulative[-1] * uniform, right=True))
    # A rounded-up draw may fall past the end or on a weightless tail: step back to a real one.
    if token >= weights.numel() or not float(weights[token]) > 0:
        token = int(weights.nonzero()[-1])
    return token


def draw_by_sieve(row: Row) -> int:
    """Draw a token from the few groups that can hold survivors, else by rejection."""
    maxima = _group_maxima(row.logits)
    highest = float(maxima.max())
    if highest == -math.inf:
        return NO_TOKEN
    sieved = _sieve(row, maxima, highest)
    if sieved is None:
        return draw_by_rejection(row)
    values, tokens, mass = sieved
    values, order = values.sort(descending=True)
    weights = ((values - highest) / row.temperature).exp_()
    keep = _rank(weights, row, mass)
    cumulative = weights[:keep].cumsum(dim=0)
    uniform = next(uniforms(row.seed))
    index = int(torch.searchsorted(cumulative, cumulative[-1] * uniform, right=True))
    return int(tokens[order[min(index, keep - 1)]])


def _group_maxima(logits: torch.Tensor) -> torch.Tensor:
    whole = logits.numel() // GROUP * GROUP
    maxima = logits[:whole].view(-1, GROUP).amax(dim=-1)
    if whole < logits.numel():
        maxima = torch.cat([maxima, logits[whole:].amax()[None]])
    return maxima


def _sieve(
    row: Row, maxima: torch.Tensor, highest: float
) -> tuple[torch.Tensor, torch.Tensor, float | None] | None:
    """Return logits and tokens that hold all survivors, and the mass that top-p speaks of.

    None if a few groups can't be shown to hold them. The mass is None where it is that of the
    tokens top-k keeps, which only the ranking knows.
    """
    groups = maxima.numel()
    floor = -math.inf
    if row.min_p > 0:
        # Nothing under this survives, whatever the other filters do.
        floor = highest + math.log(row.min_p) * row.temperature
    if 0 < row.top_k < groups:
        # k groups have maxima at or above this, so at least k logits are.
        floor_k = float(maxima.topk(row.top_k).values[-1])
        if row.top_k > SIEVED_GROUPS:
            inside = (row.logits >= floor_k).nonzero()[:, 0]
            return row.logits[inside], inside, None
        return _collect(row, maxima, floor_k, None)
    if row.top_k > 0:
        return None
    if row.top_p >= 1:
        return _collect(row, maxima, floor, math.inf) if row.min_p > 0 else None
    scaled = row.logits if row.temperature == 1 else row.logits / row.temperature
    mass = math.exp(float(scaled.logsumexp(dim=0)) - highest / row.temperature)
    largest = maxima.topk(min(SIEVED_GROUPS, groups)).values
    cumulative = ((largest - highest) / row.temperature).exp_().cumsum(dim=0)
    # If the maxima alone weigh enough, their groups hold the whole nucleus.
    needed = int(torch.searchsorted(cumulative, row.top_p * mass * 1.00001))
    if needed < largest.numel():
        return _collect(row, maxima, max(floor, float(largest[needed])), mass)
    if row.min_p > 0:
        return _collect(row, maxima, floor, mass)
    return None


def _collect(
    row: Row, maxima: torch.Tensor, floor: float, mass: float | None
) -> tuple[torch.Tensor, torch.Tensor, float | None] | None:
    """Return all logits ≥ floor with their tokens, read from the groups that can hold them."""
    chosen = (maxima >= floor).nonzero()[:, 0]
    if chosen.numel() > SIEVED_GROUPS:
        return None
    index = (chosen[:, None] * GROUP + torch.arange(GROUP)).view(-1)
    if int(chosen[-1]) == maxima.numel() - 1:
        index = index[index < row.logits.numel()]
    values = row.logits[index]
    inside = (values >= floor).nonzero()[:, 0]
    return values[inside], index[inside], mass


def _rank(weights: torch.Tensor, row: Row, mass: float | None) -> int:
    """Return how many of the weights, in descending order, survive; ties stay together."""
    keep = weights.numel()
    if 0 < row.top_k < keep:
        keep = int((weights >= weights[row.top_k - 1]).sum())
    if row.top_p < 1:
        cumulative = weights[:keep].cumsum(dim=0)
        limit = row.top_p * (float(cumulative[-1]) if mass is None else mass)
        last = int((cumulative - weights[:keep] < limit).sum()) - 1
        # What ties with the last one has no more above it than that one.
        keep = int((weights[:keep] >= weights[max(last, 0)]).sum())
    if row.min_p > 0:
        keep = min(keep, int((weights[:keep] >= row.min_p).sum()))
    return keep
