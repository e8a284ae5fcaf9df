"""Attention of a drafted tree on a CPU: the prefix without a mask, the tree by itself, joined."""

from __future__ import annotations

import math
from typing import Any

import torch

from prototypes.harness.workload import Tensors


def attend(inputs: Tensors, outputs: Tensors) -> None:
    """Write `out` (batch, heads, nodes, head_dim) of the inputs of `eagle3.inputs.attend`.

    A group's heads are rows of one KV head, so that its keys and values are read once.
    """
    q, k, v = inputs["q"], inputs["k"], inputs["v"]
    batch, heads, nodes, dim = q.shape
    group = heads // k.shape[1]
    places = torch.arange(nodes, device=q.device)
    rows = q.view(batch, k.shape[1], group * nodes, dim)
    out = outputs["out"].view(rows.shape)
    fused: Any = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
    for b, length in enumerate(inputs["lengths"].tolist()):
        tail = slice(length, length + nodes)
        hidden = (inputs["masks"][b, :, None] >> places & 1 == 0).repeat(group, 1)
        scores = (rows[b] @ k[b, :, tail].transpose(1, 2)).float() / math.sqrt(dim)
        scores = scores.masked_fill(hidden, -math.inf)
        own = scores.logsumexp(-1, keepdim=True)
        answer = ((scores - own).exp().to(v.dtype) @ v[b, :, tail]).float()
        if length:
            one = slice(b, b + 1)
            before, sums = fused(rows[one], k[one, :, :length], v[one, :, :length])
            share = torch.sigmoid(own - sums[0].view(own.shape))
            answer = torch.lerp(before[0].float(), answer, share)
        out[b] = answer
