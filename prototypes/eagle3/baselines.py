"""Attention of a drafted tree with what torch has; each returns a kernel.

Inputs q (batch, heads, nodes, head_dim); k, v (batch, kv_heads, capacity, head_dim); visible (nodes
of a group, capacity) bool, what each query sees of the whole cache; output `out` like q.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch.nn import functional

from prototypes.harness.workload import Kernel, Tensors


def sdpa_tree_mask(inputs: Tensors) -> torch.Tensor:
    """Fused attention of torch over the whole cache with the mask, KV heads repeated for a group.

    As in transformers, where a mask turns the flash kernel off.
    """
    q, k, v = inputs["q"], inputs["k"], inputs["v"]
    group = q.shape[1] // k.shape[1]
    k, v = (x.repeat_interleave(group, dim=1) for x in (k, v))
    mask = inputs["visible"][:, None]
    return functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)


def sdpa_grouped_mask(inputs: Tensors) -> torch.Tensor:
    """The same with a group's heads as rows, so that no KV head is repeated."""
    q, k = inputs["q"], inputs["k"]
    rows = q.view(q.shape[0], k.shape[1], -1, q.shape[-1])
    group = q.shape[1] // k.shape[1]
    mask = inputs["visible"].repeat(1, group, 1)[:, None]
    out = functional.scaled_dot_product_attention(rows, k, inputs["v"], attn_mask=mask)
    return out.view(q.shape)


def two_parts(inputs: Tensors, length: int) -> torch.Tensor:
    """Flash attention of the prefix without a mask, the tree by products, joined by their sums."""
    q, k, v = inputs["q"], inputs["k"], inputs["v"]
    rows = q.view(q.shape[0], k.shape[1], -1, q.shape[-1])
    nodes = q.shape[2]
    first, sums = _with_sums(rows, k[:, :, :length], v[:, :, :length])
    mask = inputs["visible"][:, :, length : length + nodes].repeat(1, q.shape[1] // k.shape[1], 1)
    tail = slice(length, length + nodes)
    scores = (rows @ k[:, :, tail].transpose(2, 3)).float() / math.sqrt(q.shape[-1])
    scores = scores.masked_fill(~mask[:, None], -math.inf)
    own = scores.logsumexp(-1, keepdim=True)
    second = (scores - own).exp().to(q.dtype) @ v[:, :, tail]
    share = torch.sigmoid(own - sums[..., None])
    return torch.lerp(first.float(), second.float(), share).to(q.dtype).view(q.shape)


def _with_sums(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return attention without a mask and the logarithms of its sums (batch, kv_heads, rows)."""
    if q.device.type == "cuda":
        found = torch.ops.aten._scaled_dot_product_flash_attention(q, k, v)
        return found[0], found[1][:, :, : q.shape[2]]
    scores = (q @ k.transpose(2, 3)) / math.sqrt(q.shape[-1])
    sums = scores.float().logsumexp(-1)
    return scores.softmax(-1) @ v, sums


def made_by(product: Callable[[Tensors], torch.Tensor]) -> Kernel:
    """Return a kernel that copies what `product` makes, and is timed without the copy."""
    from prototypes.weights.baselines import made_by as copied

    return copied(product)
