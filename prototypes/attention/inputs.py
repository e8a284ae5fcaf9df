"""Queries, keys and values of known kind, seeded; FP16, as the kernels read them.

Real models' keys have a few channels with a large constant part, and a few tokens that nearly every
query looks at; `kbias`, `outlier` and `heavy` have these one by one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from prototypes.harness.declarations import Parameter

Tensors = dict[str, torch.Tensor]

FAMILIES = ("normal", "uniform", "unit", "outlier", "kbias", "qkbias", "heavy")

BIASED_CHANNELS = 6
BIAS = 10.0
"""Standard deviation of the constant in those channels, where the rest of K has 1."""
OUTLIER_FACTOR = 30.0
SINKS = 4
SINK_SCORE, HITTER_SCORE = 6.0, 3.0
"""By how much the scores of the first tokens, and of one key in 200, are above the others'."""
SHARED = 4.0
"""The part along one direction that all queries have in common (`heavy`)."""


def make(parameters: Mapping[str, Parameter], device: torch.device, seed: int) -> Tensors:
    """Return `query` (batch, heads, seq, dim), `key` and `value` (batch, kv_heads, seq, dim).

    Parameters: batch, heads, seq, head_dim; kv_heads (heads unless given), queries (seq unless
    given), family (normal unless given). Raises `ValueError` for an unknown family.
    """
    batch, heads, seq = (int(parameters[n]) for n in ("batch", "heads", "seq"))
    dim = int(parameters["head_dim"])
    kv_heads = int(parameters.get("kv_heads", heads))
    queries = int(parameters.get("queries", seq))
    generator = torch.Generator(device=device).manual_seed(seed)
    return draw(
        str(parameters.get("family", "normal")),
        (batch, heads, queries, dim),
        (batch, kv_heads, seq, dim),
        device,
        generator,
    )


def draw(
    family: str,
    query_shape: tuple[int, int, int, int],
    key_shape: tuple[int, int, int, int],
    device: torch.device,
    generator: torch.Generator,
) -> Tensors:
    """Return query, key and value of one family, FP16.

    normal: N(0, 1). uniform: U(-0.5, 0.5). unit: U(0, 1). kbias: K plus a constant, large in six
    channels; qkbias: Q too. outlier: channels of K by log-normal factors and one in 128 by 30; one
    value in a hundred by 10. heavy: four sinks and a few heavy hitters get most of the weight.
    """
    options: dict[str, Any] = {"device": device, "generator": generator}
    if family in ("uniform", "unit"):
        low = -0.5 if family == "uniform" else 0.0
        q, k, v = (torch.rand(s, **options) + low for s in (query_shape, key_shape, key_shape))
        return {"query": q.half(), "key": k.half(), "value": v.half()}
    q, k, v = (torch.randn(s, **options) for s in (query_shape, key_shape, key_shape))
    batch, kv_heads, keys, dim = key_shape
    if family in ("kbias", "qkbias"):
        k = k + _bias((batch, kv_heads, 1, dim), options)
        if family == "qkbias":
            q = q + _bias((batch, query_shape[1], 1, dim), options)
    elif family == "outlier":
        factor = torch.exp(0.5 * torch.randn((batch, kv_heads, 1, dim), **options))
        large = torch.rand((batch, kv_heads, 1, dim), **options).argsort(dim=-1) < max(
            1, dim // 128
        )
        k = k * torch.where(large, OUTLIER_FACTOR, factor)
        v = v * torch.where(torch.rand((batch, kv_heads, keys, 1), **options) < 0.01, 10.0, 1.0)
    elif family == "heavy":
        # All heads of a batch entry share the direction, so grouped queries do as well.
        direction = torch.randn((batch, 1, 1, dim), **options)
        direction = direction / direction.norm(dim=-1, keepdim=True)
        q = q + SHARED * direction
        extra = torch.where(torch.rand((batch, kv_heads, keys, 1), **options) < 0.005, 1.0, 0.0)
        extra = extra * HITTER_SCORE
        extra[:, :, :SINKS] = SINK_SCORE
        k = k + direction * extra * (dim**0.5 / SHARED)
        # What sinks hold is next to nothing: that is what they are for.
        v[:, :, :SINKS] *= 0.1
    elif family != "normal":
        raise ValueError(f"no inputs called {family!r}: {', '.join(FAMILIES)}")
    return {"query": q.half(), "key": k.half(), "value": v.half()}


def parts(given: Mapping[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return query, key and value."""
    return given["query"], given["key"], given["value"]


def _bias(shape: tuple[int, ...], options: dict[str, Any]) -> torch.Tensor:
    """Return a constant for each channel, zero but in a few."""
    amount = torch.randn(shape, **options) * BIAS
    order = torch.rand(shape, **options).argsort(dim=-1)
    chosen: torch.Tensor = torch.where(order < BIASED_CHANNELS, amount, 0.0)
    return chosen
