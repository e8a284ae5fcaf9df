"""The exact filtered distribution in float64, by sorting: slow, plain, and never a baseline.

Order of the filters: temperature, top-k (renormalised), top-p, min-p. A filter keeps every token
that ties with the last one it keeps: with k = 3 and all logits equal, all stay. Top-p keeps a token
if the probability of everything strictly above it is below p, so the most probable always stays.
"""

from __future__ import annotations

import torch

ROUNDING = 1e-5
"""Probability by which the border of top-p may move: float32 sums over 150 000 terms are good to
about 1e-6."""


def kept(
    logits: torch.Tensor,
    temperature: torch.Tensor,
    top_k: torch.Tensor,
    top_p: torch.Tensor,
    min_p: torch.Tensor,
    *,
    slack: float = 0.0,
) -> torch.Tensor:
    """Return which tokens survive the filters, (batch, vocab) bool.

    Parameters are (batch,); top_k 0 and top_p 1 switch those filters off. `slack` widens top-p and
    min-p: what survives then is what rounding may still keep.
    """
    x = logits.double() / temperature.double()[:, None]
    vocab = x.shape[-1]
    values, order = x.sort(dim=-1, descending=True)
    k = torch.where(top_k > 0, top_k, vocab).clamp(max=vocab).long()
    least = values.gather(-1, (k - 1)[:, None])
    in_top_k = values >= least
    weights = (values - values[:, :1]).exp() * in_top_k
    above = weights.cumsum(dim=-1) - weights
    # A token that ties with its predecessor has the same probability above it.
    first = torch.ones_like(in_top_k)
    first[:, 1:] = values[:, 1:] < values[:, :-1]
    position = torch.arange(vocab, device=x.device).expand_as(values)
    start = torch.where(first, position, 0).cummax(dim=-1).values
    above = above.gather(-1, start) / weights.sum(dim=-1, keepdim=True)
    p = top_p.double()[:, None]
    in_top_p = (above < p + slack) | (p >= 1)
    in_min_p = (values - values[:, :1]).exp() >= min_p.double()[:, None] * (1 - slack)
    keep_sorted = in_top_k & in_top_p & in_min_p & torch.isfinite(values)
    return torch.zeros_like(keep_sorted).scatter(-1, order, keep_sorted)


def distribution(
    logits: torch.Tensor,
    temperature: torch.Tensor,
    top_k: torch.Tensor,
    top_p: torch.Tensor,
    min_p: torch.Tensor,
) -> torch.Tensor:
    """Return the probability of each token, (batch, vocab) float64; rows sum to 1."""
    keep = kept(logits, temperature, top_k, top_p, min_p)
    x = (logits.double() / temperature.double()[:, None]).masked_fill(~keep, -torch.inf)
    return x.softmax(dim=-1)
