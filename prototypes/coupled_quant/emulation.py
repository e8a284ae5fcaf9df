"""The technique's own answer, in float32: what a right implementation gives."""

from __future__ import annotations

import math

import torch

from prototypes.coupled_quant import codebooks, layout
from prototypes.coupled_quant.options import Config
from prototypes.decode.inputs import Shape
from prototypes.harness.workload import Tensors


def newest(inputs: Tensors, kind: str) -> torch.Tensor:
    """Return the codes that the newest key or value has to get, (batch, kv_heads, 1, groups).

    `kind` is key or value; bytes as they are stored.
    """
    stored = inputs[f"{kind}_codes"]
    token = torch.tensor([stored.shape[2] - 1], device=stored.device)
    codes = codebooks.encode(inputs[f"new_{kind[0]}"][:, :, None], inputs[f"{kind}_books"])
    return layout.skewed(codes, groups_of(kind, token, stored.shape[3]))


def groups_of(kind: str, tokens: torch.Tensor, groups: int) -> torch.Tensor:
    """Return which group each byte codes, for keys or values."""
    return (layout.key_groups if kind == "key" else layout.value_groups)(tokens, groups)


def cached(inputs: Tensors, kind: str, batch: int) -> torch.Tensor:
    """Return one sequence's keys or values as decoded, (kv_heads, tokens, head_dim) float32.

    With the newest token coded from `new_k` or `new_v`, whatever the cache holds in its place.
    """
    stored = torch.cat([inputs[f"{kind}_codes"][:, :, :-1], newest(inputs, kind)], dim=2)[batch]
    tokens = torch.arange(stored.shape[1], device=stored.device)
    codes = layout.by_group(stored, groups_of(kind, tokens, stored.shape[2]))
    return codebooks.decode(codes, inputs[f"{kind}_books"].float())


def attention(shape: Shape, config: Config, inputs: Tensors) -> torch.Tensor:
    """Return attention over the decoded cache, (batch, heads, head_dim) float32."""
    q = inputs["q"].float().view(shape.batch, shape.kv_heads, shape.queries, shape.head_dim)
    answers = []
    for b in range(shape.batch):
        keys, values = cached(inputs, "key", b), cached(inputs, "value", b)
        scores = q[b] @ keys.transpose(1, 2) / math.sqrt(shape.head_dim)
        answers.append(scores.softmax(dim=-1) @ values)
    return torch.stack(answers).view(shape.batch, shape.heads, shape.head_dim)
