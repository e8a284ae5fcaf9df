"""Codebooks of a layer from calibration text: learned once, as a user would, and kept.

The text that is measured on is another one (other seeds), of the same layer.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch

from prototypes.coupled_quant import codebooks, inputs
from prototypes.coupled_quant.options import Config

LAYER_SEED, CALIBRATION_SEED = 2024, 405
TOKENS = 2048
"""Tokens of a calibration sequence, as in the paper (16 sequences of 2048 there)."""
SEQUENCES = {"cuda": 8, "cpu": 2}
ITERATIONS = {"cuda": 40, "cpu": 10}
KINDS = {"cuda": 8, "cpu": 2}
"""Different heads; those past them are alike. A CPU learns less: seconds, not minutes."""
STEPS = 64
"""Queries a head and sequence that the Fisher information is taken over."""


@dataclass(frozen=True, slots=True)
class Books:
    """Codebooks as stored, (kv_heads, 256, groups, channels) in half precision."""

    keys: torch.Tensor
    values: torch.Tensor


@lru_cache(maxsize=8)
def layer_of(family: str, queries: int, head_dim: int, device: str) -> inputs.Layer:
    """Return the layer of this family, with as many heads as differ."""
    where = torch.device(device)
    return inputs.layer(family, KINDS[where.type], queries, head_dim, where, LAYER_SEED)


@lru_cache(maxsize=8)
def books_of(family: str, config: Config, queries: int, head_dim: int, device: str) -> Books:
    """Return this layer's codebooks, Fisher-weighted."""
    return learn(layer_of(family, queries, head_dim, device), config, CALIBRATION_SEED)


def learn(layer: inputs.Layer, config: Config, seed: int, weighted: bool = True) -> Books:
    """Learn codebooks of a layer from calibration text of this seed."""
    kind = layer.ways.device.type
    keys, values, of_keys, of_values = samples(layer, seed)
    iterations = ITERATIONS[kind]
    learned = [
        codebooks.as_stored(
            codebooks.learn(points, config, weights if weighted else None, iterations, seed)
        )
        for points, weights in ((keys, of_keys), (values, of_values))
    ]
    return Books(*learned)


def samples(
    layer: inputs.Layer, seed: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return keys, values and the Fisher information of both, (kv_heads, tokens, head_dim)."""
    generator = layer.generator(seed)
    parts = []
    for _ in range(SEQUENCES[layer.ways.device.type]):
        keys, values = layer.keys(TOKENS, generator), layer.values(TOKENS, generator)
        parts.append((keys, values, *inputs.fisher(layer, keys, values, STEPS, generator)))
    keys, values, of_keys, of_values = (torch.cat(p, dim=1) for p in zip(*parts, strict=True))
    return keys, values, of_keys, of_values
