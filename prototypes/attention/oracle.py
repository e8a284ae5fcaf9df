"""Exact attention: slow, plain, and never a baseline. The whole score matrix, a few rows at a time.

In float64 on a CPU; in float32 on a GPU, where float64 is too slow for every check: with TF32 off
that is good to about 1e-6, a thousandth of what FP16 outputs can hold.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch

SCORES_AT_ONCE = {"cpu": 1 << 22, "cuda": 1 << 27}
"""Scores held at a time: 32 MB of float64, or 512 MB of float32."""


def attention(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    *,
    causal: bool = False,
    softmax_scale: float | None = None,
    rows: torch.Tensor | None = None,
    dtype: torch.dtype | None = None,
) -> torch.Tensor:
    """Return softmax(Q·Kᵀ·scale)·V of Q (batch, heads, queries, dim) and K, V (batch, kv heads,
    keys, dim): (batch, heads, queries, dim) in `dtype`.

    Query head h reads kv head h // (heads / kv heads). Causal: query i of n sees keys up to
    i + keys - n; one that sees no key gets zeros. `rows` are the queries to answer, ascending; all
    unless given. `softmax_scale` is 1/√dim unless given.
    """
    if dtype is None:
        dtype = torch.float32 if query.device.type == "cuda" else torch.float64
    batch, heads, queries, dim = query.shape
    kv_heads, keys = key.shape[1], key.shape[2]
    scale = dim**-0.5 if softmax_scale is None else softmax_scale
    if rows is None:
        rows = torch.arange(queries, device=query.device)
    answer = torch.zeros(
        (batch, heads, len(rows), value.shape[-1]), dtype=dtype, device=query.device
    )
    k, v = key.to(dtype), value.to(dtype)
    step = max(1, SCORES_AT_ONCE[query.device.type] // max(1, batch * heads * keys))
    with exact_products():
        for start in range(0, len(rows), step):
            chosen = rows[start : start + step]
            seen = min(keys, int(chosen[-1]) + 1 + keys - queries) if causal else keys
            if seen <= 0:
                continue
            q = query[:, :, chosen].to(dtype) * scale
            # All query heads of one kv head in one product.
            scores = q.reshape(batch, kv_heads, -1, dim) @ k[:, :, :seen].mT
            scores = scores.view(batch, heads, len(chosen), seen)
            if causal:
                last = chosen[:, None] + (keys - queries)
                scores.masked_fill_(torch.arange(seen, device=q.device) > last, -math.inf)
            weights = scores.softmax(dim=-1).view(batch, kv_heads, -1, seen)
            mixed = (weights @ v[:, :, :seen]).view(batch, heads, len(chosen), -1)
            if causal:
                mixed.masked_fill_((last < 0)[None, None], 0.0)
            answer[:, :, start : start + step] = mixed
    return answer


@contextmanager
def exact_products() -> Iterator[None]:
    """Keep float32 products in float32: TF32 has 11 bits of them."""
    before = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cuda.matmul.allow_tf32 = before
