"""Exact decode attention in float64, a row at a time: slow, plain, and never a baseline.

A row is one sequence and KV head; the `queries` heads of its group ask it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch


def attention(
    q: torch.Tensor,
    k: torch.Tensor,
    v: torch.Tensor,
    lengths: torch.Tensor | None = None,
    scale: float | None = None,
) -> torch.Tensor:
    """Return the exact answer of shape (batch, heads, head_dim), float64.

    q: (batch, heads, head_dim); k, v: (batch, kv_heads, seq, head_dim); `lengths` (batch,
    kv_heads): only the first so many tokens count. A row without tokens gives zeros.
    """
    batch, kv_heads, sequence, _ = k.shape
    asked = grouped(q, kv_heads)
    out = torch.zeros(asked.shape, dtype=torch.float64, device=q.device)
    counts = None if lengths is None else lengths.tolist()
    for b in range(batch):
        for h in range(kv_heads):
            n = sequence if counts is None else counts[b][h]
            out[b, h] = row(asked[b, h], k[b, h, :n], v[b, h, :n], scale)
    return out.view(q.shape)


def paged_attention(
    q: torch.Tensor,
    keys: torch.Tensor,
    values: torch.Tensor,
    table: torch.Tensor,
    lengths: torch.Tensor,
    scale: float | None = None,
) -> torch.Tensor:
    """Return the same over pages (pages, page, head_dim), found by `table` (batch, kv_heads, most).

    Only the first `lengths` (batch, kv_heads) tokens of a row count.
    """
    asked = grouped(q, table.shape[1])
    out = torch.zeros(asked.shape, dtype=torch.float64, device=q.device)
    for b, h, own_keys, own_values in paged_rows(keys, values, table, lengths):
        out[b, h] = row(asked[b, h], own_keys, own_values, scale)
    return out.view(q.shape)


def paged_rows(
    keys: torch.Tensor, values: torch.Tensor, table: torch.Tensor, lengths: torch.Tensor
) -> Iterator[tuple[int, int, torch.Tensor, torch.Tensor]]:
    """Yield each row's sequence, KV head, keys and values (tokens, head_dim), out of its pages."""
    page = keys.shape[1]
    for b, counts in enumerate(lengths.tolist()):
        for h, n in enumerate(counts):
            mine = table[b, h, : -(-n // page)].long()
            yield b, h, keys[mine].flatten(0, 1)[:n], values[mine].flatten(0, 1)[:n]


def row(
    asked: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, scale: float | None = None
) -> torch.Tensor:
    """Return the answer of one row, (queries, head_dim) in float64; zeros where it has no token."""
    if keys.shape[0] == 0:
        return torch.zeros(asked.shape, dtype=torch.float64, device=asked.device)
    return shares(asked, keys, scale) @ values.double()


def shares(asked: torch.Tensor, keys: torch.Tensor, scale: float | None = None) -> torch.Tensor:
    """Return how attention is shared among one row's tokens, (queries, tokens) in float64."""
    scale = 1 / math.sqrt(asked.shape[-1]) if scale is None else scale
    return (asked.double() @ keys.double().T * scale).softmax(dim=-1)


def grouped(q: torch.Tensor, kv_heads: int) -> torch.Tensor:
    """Return q (batch, heads, head_dim) as (batch, kv_heads, queries, head_dim)."""
    batch, heads, head_dim = q.shape
    return q.view(batch, kv_heads, heads // kv_heads, head_dim)
