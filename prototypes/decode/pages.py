"""Caches in pages: which tokens of each head are where."""

from __future__ import annotations

import torch

PAGE = 16
"""Tokens a page, as vLLM and KV-Compress have them."""


def packed(
    k: torch.Tensor, v: torch.Tensor, stays: torch.Tensor, pages: int, order: torch.Tensor | None
) -> dict[str, torch.Tensor]:
    """Return keys and values (pages, PAGE, head_dim) of the tokens that stay, and where they are.

    k, v (batch, kv_heads, seq, head_dim); stays like them without channels. Pages are taken in
    `order`, a permutation, or each head's in a run. table (batch, kv_heads, most) int32 with -1
    past a head's last page; lengths (batch, kv_heads) int32. Unused places of a page are zeros.
    """
    batch, kv_heads, sequence, head_dim = k.shape
    lengths = stays.sum(dim=-1, dtype=torch.int32)
    counts = (lengths.flatten() + PAGE - 1) // PAGE
    most = -(-sequence // PAGE)
    order = torch.arange(pages, device=k.device) if order is None else order
    table = torch.full((batch * kv_heads, most), -1, dtype=torch.int32, device=k.device)
    taken = torch.arange(most, device=k.device) < counts[:, None]
    table[taken] = order[: int(counts.sum())].int()
    keys = torch.zeros((pages * PAGE, head_dim), dtype=k.dtype, device=k.device)
    values = torch.zeros_like(keys)
    mask = stays.bool().view(batch * kv_heads, sequence)
    for row, mine in enumerate(mask):
        tokens = mine.nonzero()[:, 0]
        rank = torch.arange(tokens.numel(), device=k.device)
        place = table[row, rank // PAGE].long() * PAGE + rank % PAGE
        keys[place] = k.view(-1, sequence, head_dim)[row].index_select(0, tokens)
        values[place] = v.view(-1, sequence, head_dim)[row].index_select(0, tokens)
    return {
        "keys": keys.view(pages, PAGE, head_dim),
        "values": values.view(pages, PAGE, head_dim),
        "table": table.view(batch, kv_heads, most),
        "lengths": lengths,
    }
