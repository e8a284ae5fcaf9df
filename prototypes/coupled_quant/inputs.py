"""Seeded layers whose channels are correlated, or not: what coupling channels lives by.

A family says how the channels of a head depend on each other; everything else is alike: heads have
scales of their own, their queries ask in a direction that gives lognormal weights (from nearly flat
to a few tokens that count), the first tokens are sinks, values have means. Keys are as they are
stored: rotated by position already, unless said.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

FAMILIES = ("ar1", "lowrank", "independent")
"""AR(1) along the channels with 0.9; rank 8 and noise; no dependence at all: the control."""
CORRELATION, RANK, NOISE = 0.9, 8, 0.35
SINKS, STRETCH = 4, 512
AMONG = 8192
"""Tokens that the sinks are set against: what a sink's key is doesn't depend on what follows it."""


@dataclass(frozen=True, slots=True)
class Layer:
    """What stays the same from text to text: how each head's channels depend, and what it asks.

    `key_mix`, `value_mix` (kv_heads, head_dim, head_dim): a row vector of noise times it has the
    head's covariance. `ways` (kv_heads, queries, head_dim): what the query heads ask for.
    """

    family: str
    key_mix: torch.Tensor
    value_mix: torch.Tensor
    ways: torch.Tensor
    value_means: torch.Tensor
    sink: torch.Tensor
    """Weight of the sinks, in units of what 8192 other tokens weigh, (kv_heads,)."""
    spread: torch.Tensor
    """Standard deviation of the scores, (kv_heads,)."""

    def generator(self, seed: int) -> torch.Generator:
        """Return a generator on this layer's device."""
        return torch.Generator(device=self.ways.device).manual_seed(seed)

    def keys(self, tokens: int, generator: torch.Generator) -> torch.Tensor:
        """Return keys of one sequence, (kv_heads, tokens, head_dim) float32."""
        keys = _normal(generator, self.key_mix.shape[0], tokens, self.key_mix.shape[1])
        keys = keys @ self.key_mix
        # Sinks lie far out in the direction that is asked for.
        way = self.ways.mean(dim=1)
        weight = (self.sink / SINKS).log() + self.spread**2 / 2 + math.log(AMONG)
        far = weight[:, None] * math.sqrt(way.shape[-1]) / way.square().sum(-1, keepdim=True)
        keys[:, :SINKS] = keys[:, :SINKS] * 0.1 + (far * way)[:, None]
        return keys

    def values(self, tokens: int, generator: torch.Generator) -> torch.Tensor:
        """Return values of one sequence, (kv_heads, tokens, head_dim) float32."""
        heads, dim = self.value_mix.shape[:2]
        values = _normal(generator, heads, tokens, dim) @ self.value_mix
        means = _normal(generator, heads, -(-tokens // STRETCH), dim) @ self.value_mix
        stretch = 0.5 * means.repeat_interleave(STRETCH, dim=1)[:, :tokens]
        values += stretch + self.value_means[:, None]
        values[:, :SINKS] *= 0.1
        return values

    def queries(self, count: int, generator: torch.Generator) -> torch.Tensor:
        """Return queries of `count` steps, (kv_heads, count, queries, head_dim) float32."""
        heads, queries, dim = self.ways.shape
        own = _normal(generator, heads, count * queries, dim).view(heads, count, queries, dim)
        return self.ways[:, None] + 0.5 * own


def layer(
    family: str, kv_heads: int, queries: int, head_dim: int, device: torch.device, seed: int
) -> Layer:
    """Return a layer of this family; raises `ValueError` where there is none of the name."""
    generator = torch.Generator(device=device).manual_seed(seed)
    key_mix = _mix(family, kv_heads, head_dim, generator)
    value_mix = _mix(family, kv_heads, head_dim, generator)
    shared = _normal(generator, kv_heads, 1, head_dim)
    ways = (0.9 * shared + 0.44 * _normal(generator, kv_heads, queries, head_dim)) @ key_mix
    spread = 1 + 2 * torch.rand(kv_heads, generator=generator, device=device)
    # Scores of a way w have the variance |mix w|^2 / head_dim: make it the head's.
    deviation = (ways @ key_mix.transpose(1, 2)).norm(dim=-1, keepdim=True) / math.sqrt(head_dim)
    low, high = math.log(0.1), math.log(1.5)
    sink = torch.rand(kv_heads, generator=generator, device=device)
    return Layer(
        family=family,
        key_mix=key_mix,
        value_mix=value_mix,
        ways=ways * (spread[:, None, None] / deviation),
        value_means=0.5 * (_normal(generator, kv_heads, 1, head_dim) @ value_mix)[:, 0],
        sink=(low + (high - low) * sink).exp(),
        spread=spread,
    )


def _mix(family: str, heads: int, dim: int, generator: torch.Generator) -> torch.Tensor:
    if family == "ar1":
        distance = torch.arange(dim, device=generator.device)
        covariance = CORRELATION ** (distance[:, None] - distance).abs().double()
        mix = torch.linalg.cholesky(covariance).float().T.expand(heads, dim, dim)
    elif family == "lowrank":
        # Each channel of noise by itself; the first RANK of them also reach all others.
        basis = _normal(generator, heads, RANK, dim) / math.sqrt(RANK)
        mix = NOISE * torch.eye(dim, device=generator.device).repeat(heads, 1, 1)
        mix[:, :RANK] += basis
        mix = mix / math.sqrt(1 + NOISE**2)
    elif family == "independent":
        mix = torch.eye(dim, device=generator.device).expand(heads, dim, dim)
    else:
        raise ValueError(f"There is no family {family!r} of layers: {', '.join(FAMILIES)}.")
    scale = (0.3 * _normal(generator, heads, 1, dim)).exp()
    scaled: torch.Tensor = mix * scale
    return scaled


def _normal(generator: torch.Generator, *shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=generator, device=generator.device)


def fisher(
    layer: Layer, keys: torch.Tensor, values: torch.Tensor, steps: int, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the diagonal Fisher information of keys and values, (kv_heads, tokens, head_dim).

    Of a loss that is linear in the outputs of `steps` queries a head, with random coefficients u:
    dL/dk_n = p_n (u (v_n - o)) q / sqrt(d) and dL/dv_n = p_n u, squared and summed over queries.
    """
    dim = keys.shape[-1]
    asked = layer.queries(steps, generator).flatten(1, 2)
    u = _normal(generator, *asked.shape)
    p = (asked @ keys.transpose(1, 2) / math.sqrt(dim)).softmax(dim=-1)
    toward = u @ values.transpose(1, 2)
    moved = toward - (p * toward).sum(dim=-1, keepdim=True)
    of_keys = (p * moved).square().transpose(1, 2) @ asked.square() / dim
    return of_keys, p.square().transpose(1, 2) @ u.square()


def rotated(vectors: torch.Tensor, positions: torch.Tensor, base: float = 5e5) -> torch.Tensor:
    """Return vectors (…, tokens, head_dim) turned by their positions (tokens,), as Llama 3 does."""
    half = vectors.shape[-1] // 2
    speed = base ** (-torch.arange(half, device=vectors.device) / half)
    angle = positions[:, None] * speed
    cos, sin = angle.cos(), angle.sin()
    a, b = vectors[..., :half], vectors[..., half:]
    return torch.cat([a * cos - b * sin, b * cos + a * sin], dim=-1)
