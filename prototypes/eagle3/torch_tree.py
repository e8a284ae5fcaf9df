"""Attention of a drafted tree on a CPU: the prefix in chunks without a mask, the tree by itself."""

from __future__ import annotations

import math

import torch

from prototypes.harness.workload import Tensors

CHUNK = 1024
"""Tokens whose scores are held at once: those of a group in float32 take about a megabyte."""


def attend(inputs: Tensors, outputs: Tensors) -> None:
    """Write `out` (batch, heads, nodes, head_dim) of the inputs of `eagle3.inputs.attend`."""
    q, k, v = inputs["q"], inputs["k"], inputs["v"]
    batch, heads, nodes, dim = q.shape
    group = heads // k.shape[1]
    places = torch.arange(nodes, device=q.device)
    rows = (q / math.sqrt(dim)).view(batch, k.shape[1], group * nodes, dim)
    out = outputs["out"].view(rows.shape)
    for b, length in enumerate(inputs["lengths"].tolist()):
        hidden = (inputs["masks"][b, :, None] >> places & 1 == 0).repeat(group, 1)
        for h in range(k.shape[1]):
            asked, keys, values = rows[b, h], k[b, h], v[b, h]
            tail = slice(length, length + nodes)
            scores = (asked @ keys[tail].T).float().masked_fill_(hidden, -torch.inf)
            top = scores.amax(1, keepdim=True)
            shares = scores.sub_(top).exp_()
            weight = shares.sum(1, keepdim=True)
            acc = (shares.to(values.dtype) @ values[tail]).float()
            for begin in range(0, length, CHUNK):
                span = slice(begin, min(begin + CHUNK, length))
                scores = (asked @ keys[span].T).float()
                higher = torch.maximum(top, scores.amax(1, keepdim=True))
                shares = scores.sub_(higher).exp_()
                fade = (top - higher).exp_()
                weight = weight.mul_(fade).add_(shares.sum(1, keepdim=True))
                acc = acc.mul_(fade).add_(shares.to(values.dtype) @ values[span])
                top = higher
            out[b, h] = acc.div_(weight)
