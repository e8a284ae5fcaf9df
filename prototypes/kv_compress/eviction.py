"""Which pages go, in torch: by sorting as the authors do, and by counting digits.

Both take a metric (batch, heads, seq) float32 without negative values, and evict the same tokens.
Counting needs no sort: a head loses as many pages as it has sixteens of tokens at or under the
threshold, so the threshold of a sequence follows from histograms of its heads, digit by digit.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from prototypes.decode.pages import PAGE

DIGITS = ((23, 8), (15, 8), (7, 8), (0, 7))
"""Shift and bits of each digit; a float32 that isn't negative orders as its 31 bits do."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What stays: tokens of each head (batch, heads) int32, and which (batch, heads, seq) uint8."""

    counts: torch.Tensor
    stays: torch.Tensor


def evicted_pages(heads: int, sequence: int, rate: float) -> int:
    """Return how many pages of a sequence go so that one in `rate` stays.

    `heads` counts all that share the budget: KV heads times layers.
    """
    total = heads * -(-sequence // PAGE)
    return total - max(int(total / rate), heads)


def by_sort(metric: torch.Tensor, evicted: int) -> Kept:
    """Sort the entries of each head, then the pages of each sequence."""
    batch, heads, sequence = metric.shape
    values, order = metric.sort(dim=-1, stable=True)
    pages = sequence // PAGE
    best = values[..., PAGE - 1 : pages * PAGE : PAGE]
    _, cheapest = best.reshape(batch, -1).sort(dim=-1, stable=True)
    owners = cheapest[:, :evicted] // max(pages, 1)
    gone = torch.zeros((batch, heads), dtype=torch.int64, device=metric.device)
    gone.scatter_add_(1, owners, torch.ones_like(owners))
    ranks = torch.arange(sequence, device=metric.device)
    stays = torch.empty(metric.shape, dtype=torch.uint8, device=metric.device)
    stays.scatter_(-1, order, (ranks >= PAGE * gone[..., None]).to(torch.uint8))
    return Kept((sequence - PAGE * gone).int(), stays)


def uniform(metric: torch.Tensor, evicted: int) -> Kept:
    """Evict as many pages from each head: a budget per head, as SnapKV has it."""
    batch, heads, sequence = metric.shape
    each = metric.reshape(batch * heads, 1, sequence)
    kept = by_sort(each, evicted // heads)
    return Kept(kept.counts.view(batch, heads), kept.stays.view(metric.shape))


def by_digits(metric: torch.Tensor, evicted: int) -> Kept:
    """Count digits from the highest down; only entries that share the threshold's go on."""
    batch, heads, sequence = metric.shape
    bits = metric.view(torch.int32).view(batch, heads * sequence)
    below = torch.zeros((batch, heads), dtype=torch.int64, device=metric.device)
    thresholds, upto = [], below.clone()
    for b in range(batch):
        left, owner = bits[b], torch.arange(heads, device=metric.device).repeat_interleave(sequence)
        threshold = 0
        for shift, width in DIGITS:
            digits = (left >> shift) & ((1 << width) - 1)
            counts = torch.bincount((owner << width) + digits, minlength=heads << width)
            reached = counts.view(heads, -1).cumsum(dim=-1) + below[b][:, None]
            digit = int(((reached // PAGE).sum(dim=0) < evicted).sum())
            upto[b] = reached[:, digit]
            if digit:
                below[b] = reached[:, digit - 1]
            threshold = threshold << width | digit
            if shift:
                picked = (digits == digit).nonzero()[:, 0]
                left, owner = left[picked], owner[picked]
        thresholds.append(threshold)
    gone = _shared_out(below // PAGE, upto // PAGE, evicted)
    rows = bits.view(batch, heads, sequence)
    stays = torch.empty(metric.shape, dtype=torch.uint8, device=metric.device)
    for b in range(batch):
        for h in range(heads):
            _mark(rows[b, h], thresholds[b], int(PAGE * gone[b, h] - below[b, h]), stays[b, h])
    return Kept((sequence - PAGE * gone).int(), stays)


def _shared_out(under: torch.Tensor, upto: torch.Tensor, evicted: int) -> torch.Tensor:
    """Return the pages each head loses: all under the threshold, then the first of those at it."""
    at = upto - under
    rest = evicted - under.sum(dim=1, keepdim=True)
    return under + (rest - (at.cumsum(dim=1) - at)).clamp_min(0).minimum(at)


def _mark(row: torch.Tensor, threshold: int, more: int, stays: torch.Tensor) -> None:
    """Write which of one head's entries stay.

    All under the threshold go and the first `more` of those at it; if `more` is negative, the best
    so many of those under it stay, where a page wasn't full.
    """
    if more < 0:
        under = row[row < threshold]
        best = under.topk(-more).values
        threshold = int(best[-1])
        more = int((row == threshold).sum()) - int((best == threshold).sum())
    torch.ge(row, threshold, out=stays.view(torch.bool))
    if more > 0:
        stays[(row == threshold).nonzero()[:more, 0]] = 0
