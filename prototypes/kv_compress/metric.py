"""What a cached key is worth: the squared attention that the last queries paid to it.

Section 3.2 of the paper: summed over the window's queries and the query heads of the group, then
the largest among neighbours. Powers other than 2 are there to compare with.
"""

from __future__ import annotations

import math

import torch
from torch.nn import functional

POOL = 7
"""Neighbouring keys that share the largest value among them."""


def worth(window: torch.Tensor, k: torch.Tensor, power: int = 2, pool: int = POOL) -> torch.Tensor:
    """Return (batch, kv_heads, seq) float32, never negative; the window's own keys are infinite.

    window (batch, kv_heads, queries in time, query heads, head_dim), the oldest first, at the last
    positions of the sequence; k (batch, kv_heads, seq, head_dim).
    """
    batch, kv_heads, sequence, head_dim = k.shape
    steps, heads = window.shape[2:4]
    found = torch.empty((batch, kv_heads, sequence), dtype=torch.float32, device=k.device)
    when = torch.arange(sequence - steps, sequence, device=k.device)[:, None, None]
    future = torch.arange(sequence, device=k.device) > when
    for b in range(batch):
        for h in range(kv_heads):
            asked = window[b, h].float() / math.sqrt(head_dim)
            scores = (asked.flatten(0, 1) @ k[b, h].float().T).view(steps, heads, sequence)
            shares = scores.masked_fill_(future, -math.inf).softmax(dim=-1)
            found[b, h] = shares.pow_(power).sum(dim=(0, 1))
    pooled = functional.max_pool1d(found, pool, stride=1, padding=pool // 2) if pool > 1 else found
    pooled[..., -steps:] = math.inf
    return pooled
