"""Which tokens stay, worked out by sorting in NumPy, one sequence at a time, and what that loses.

No code here is shared with an implementation or a baseline.
"""

from __future__ import annotations

import numpy as np
import torch

from prototypes.decode.oracle import grouped, shares


def kept(metric: torch.Tensor, evicted: int, page: int) -> torch.Tensor:
    """Return which tokens stay, bool like metric (batch, heads, seq), when `evicted` pages go.

    Section 4.2 of the paper: each head's entries in the order of their worth are cut into pages, a
    page is worth its best entry, and the cheapest pages of a sequence go, whichever heads they are
    of. Equal entries go in the order of position, equal pages in that of heads.
    """
    rows = metric.double().cpu().numpy()
    stays = np.ones(rows.shape, dtype=bool)
    batch, heads, sequence = rows.shape
    for b in range(batch):
        orders = [np.argsort(rows[b, h], kind="stable") for h in range(heads)]
        pages = [
            (rows[b, h, orders[h][start + page - 1]], h, start)
            for h in range(heads)
            for start in range(0, sequence - page + 1, page)
        ]
        values = np.array([p[0] for p in pages])
        for index in np.argsort(values, kind="stable")[:evicted]:
            _, h, start = pages[index]
            stays[b, h, orders[h][start : start + page]] = False
    return torch.from_numpy(stays).to(metric.device)


def attention_of(q: torch.Tensor, k: torch.Tensor) -> torch.Tensor:
    """Return each token's share of the attention, (batch, kv_heads, seq) float64.

    The mean over the query heads of a group, and over steps if there are several. q (batch, heads,
    head_dim) or (batch, kv_heads, steps, queries, head_dim), k (batch, kv_heads, seq, head_dim).
    """
    batch, kv_heads, sequence = k.shape[:3]
    asked = grouped(q, kv_heads) if q.dim() == 3 else q.flatten(2, 3)
    found = torch.empty((batch, kv_heads, sequence), dtype=torch.float64, device=k.device)
    for b in range(batch):
        for h in range(kv_heads):
            found[b, h] = shares(asked[b, h], k[b, h]).mean(dim=0)
    return found


def retained(attention: torch.Tensor, stays: torch.Tensor) -> float:
    """Return the share of the attention that the tokens that stay have, mean over heads.

    Both (batch, heads, seq).
    """
    return float((attention * stays).sum(dim=-1).mean())


def best(attention: torch.Tensor, tokens: int) -> torch.Tensor:
    """Return the choice of `tokens` of each sequence that keeps the most attention, bool.

    Like `attention` (batch, heads, seq), whose queries it knows.
    """
    flat = attention.flatten(1)
    stays = torch.zeros(flat.shape, dtype=torch.bool, device=flat.device)
    stays.scatter_(1, flat.topk(tokens, dim=1).indices, True)
    return stays.view(attention.shape)


def surviving(needles: torch.Tensor, asking: torch.Tensor, stays: torch.Tensor, run: int) -> float:
    """Return the share of needle tokens that the heads that ask for them keep; 1 if none asks."""
    tokens = needles[:, :, None] + torch.arange(run, device=needles.device)
    picked = stays.gather(2, tokens.flatten(1)[:, None].expand(-1, stays.shape[1], -1))
    return float(picked[asking].double().mean()) if bool(asking.any()) else 1.0
