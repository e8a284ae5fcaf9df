"""What a tree's attention must give, node by node in float64: slow, plain, and never a baseline."""

from __future__ import annotations

import math

import torch


def attention(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, lengths: torch.Tensor, masks: torch.Tensor
) -> torch.Tensor:
    """Return (batch, heads, nodes, head_dim) float64.

    q (batch, heads, nodes, head_dim); k, v (batch, kv_heads, capacity, head_dim), a sequence's
    prefix and then its nodes; lengths (batch,); masks (batch, nodes) int64.
    """
    batch, heads, nodes, head_dim = q.shape
    out = torch.zeros(q.shape, dtype=torch.float64, device=q.device)
    group = heads // k.shape[1]
    for b in range(batch):
        end = int(lengths[b]) + nodes
        hidden = ~visible(int(lengths[b]), masks[b])
        for h in range(k.shape[1]):
            mine = slice(h * group, (h + 1) * group)
            keys, values = k[b, h, :end].double(), v[b, h, :end].double()
            scores = q[b, mine].double() @ keys.T / math.sqrt(head_dim)
            out[b, mine] = scores.masked_fill(hidden, -math.inf).softmax(-1) @ values
    return out


def visible(length: int, masks: torch.Tensor) -> torch.Tensor:
    """Return (nodes, length + nodes) bool: what each node sees, by its word (nodes,) of a mask."""
    nodes = masks.shape[0]
    bits = masks[:, None] >> torch.arange(nodes, device=masks.device) & 1
    prefix = torch.ones((nodes, length), dtype=torch.bool, device=masks.device)
    return torch.cat([prefix, bits.bool()], dim=1)


def along_paths(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, lengths: torch.Tensor, masks: torch.Tensor
) -> torch.Tensor:
    """Return what plain decoding gives at each node, (batch, heads, nodes, head_dim) float64.

    A node's cache holds the prefix and its own path and nothing else: no mask, one query a step.
    """
    out = torch.zeros(q.shape, dtype=torch.float64, device=q.device)
    batch, heads, nodes, head_dim = q.shape
    group = heads // k.shape[1]
    for b in range(batch):
        length = int(lengths[b])
        for node in range(nodes):
            path = [length + i for i in range(nodes) if int(masks[b, node]) >> i & 1]
            rows = torch.tensor(path, device=q.device)
            keys, values = (
                torch.cat([x[b, :, :length], x[b, :, rows]], 1).double() for x in (k, v)
            )
            asked = q[b, :, node].double().view(k.shape[1], group, head_dim)
            shares = (asked @ keys.transpose(1, 2) / math.sqrt(head_dim)).softmax(-1)
            out[b, :, node] = (shares @ values).view(heads, head_dim)
    return out
