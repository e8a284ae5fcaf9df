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


def retained(q: torch.Tensor, k: torch.Tensor, stays: torch.Tensor) -> torch.Tensor:
    """Return the share of attention that the tokens that stay have, (batch, kv_heads) float64.

    q (batch, heads, head_dim), k (batch, kv_heads, seq, head_dim), stays (batch, kv_heads, seq).
    """
    batch, kv_heads = k.shape[:2]
    asked = grouped(q, kv_heads)
    found = torch.empty((batch, kv_heads), dtype=torch.float64, device=k.device)
    for b in range(batch):
        for h in range(kv_heads):
            found[b, h] = shares(asked[b, h], k[b, h])[:, stays[b, h]].sum(dim=-1).mean()
    return found


def surviving(needles: torch.Tensor, asking: torch.Tensor, stays: torch.Tensor, run: int) -> float:
    """Return the share of needle tokens that the heads that ask for them keep; 1 if none asks."""
    tokens = needles[:, :, None] + torch.arange(run, device=needles.device)
    picked = stays.gather(2, tokens.flatten(1)[:, None].expand(-1, stays.shape[1], -1))
    return float(picked[asking].double().mean()) if bool(asking.any()) else 1.0
