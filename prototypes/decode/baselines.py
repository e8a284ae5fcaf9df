"""Decode attention over the full cache with what torch has; each returns a kernel.

Inputs q, k, v as `prototypes.decode.inputs` makes them; output `out` like q.
"""

from __future__ import annotations

import math

import torch
from torch.nn import functional

from prototypes.decode.inputs import Shape
from prototypes.harness.workload import Kernel, NotRunnableError, Tensors


def bmm(shape: Shape) -> Kernel:
    """Return two batched products with a softmax between, the queries of a group as rows.

    On a CPU in bfloat16 several times faster than SDPA, which has no kernel for grouped queries.
    """
    scale = 1 / math.sqrt(shape.head_dim)

    def run(inputs: Tensors, outputs: Tensors) -> None:
        q = inputs["q"].view(shape.rows, shape.queries, shape.head_dim) * scale
        k = inputs["k"].view(shape.rows, shape.seq, shape.head_dim)
        v = inputs["v"].view(shape.rows, shape.seq, shape.head_dim)
        weights = torch.bmm(q, k.transpose(1, 2)).softmax(dim=-1)
        torch.bmm(weights, v, out=outputs["out"].view(shape.rows, shape.queries, shape.head_dim))

    return run


def sdpa(shape: Shape) -> Kernel:
    """Return torch's fused attention, with its own handling of grouped queries."""

    def run(inputs: Tensors, outputs: Tensors) -> None:
        answer = functional.scaled_dot_product_attention(
            inputs["q"][:, :, None], inputs["k"], inputs["v"], enable_gqa=True
        )
        outputs["out"].copy_(answer[:, :, 0])

    return run


def split_kv_fp16(shape: Shape, device: torch.device) -> Kernel:
    """Return our split-KV kernel over the full cache; raises `NotRunnableError` without Triton."""
    if device.type != "cuda":
        raise NotRunnableError("split_kv_fp16 is a Triton kernel: it runs on a GPU.")
    try:
        from prototypes.decode.triton_split_kv import Attend
    except ImportError:
        raise NotRunnableError("Triton isn't installed: pip install triton.") from None
    attend = Attend(shape.rows, shape.queries, shape.head_dim, device)
    rows, d = shape.rows, shape.head_dim

    def run(inputs: Tensors, outputs: Tensors) -> None:
        attend.contiguous(
            inputs["q"].view(rows, shape.queries, d),
            inputs["k"].view(rows, shape.seq, d),
            inputs["v"].view(rows, shape.seq, d),
            outputs["out"],
        )

    return run
