"""One layer made ready once: learned transform, weights in 16 and in 8 bits, as a server has them.

The tokens that a call gets are those after the norm, which takes the channel scales with it: x/c
costs nothing on-line, and the weights in 16 bits are w·c, so that every product is the same one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import torch

from prototypes.flatquant import calibration, inputs, reference
from prototypes.flatquant.calibration import Bits
from prototypes.flatquant.layout import Factors, stored_order
from prototypes.flatquant.reference import Quantized

CALIBRATION_SEED, WEIGHT_SEED = 77, 405
TOKENS, ROWS = 512, 256
"""Calibration tokens, and the rows of weights that the loss is taken over."""
STEPS = {"cuda": 200, "cpu": 12}
"""A CPU learns for a second, a GPU for two; `ladder` learns longer on smaller layers."""
KINDS = {"cuda": torch.bfloat16, "cpu": torch.float32}
"""What P1 and P2 are stored in, and what the first product is rounded to."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Tokens of a call, width of the layer, its outputs (0: only the transform is asked for)."""

    tokens: int
    width: int
    outputs: int

    @classmethod
    def of(cls, parameters: Mapping[str, object]) -> Shape:
        """Read a case's parameters."""
        tokens, width, outputs = (int(str(parameters[k])) for k in ("tokens", "width", "outputs"))
        return cls(tokens, width, outputs)


@dataclass(frozen=True, slots=True)
class Layer:
    """P1, P2 and clipping as they are stored, and how this layer's tokens look."""

    factors: Factors
    family: inputs.Family
    channels: torch.Tensor
    left: torch.Tensor
    right: torch.Tensor
    token_clip: float
    weight_clip: float

    def tokens(self, count: int, seed: int) -> torch.Tensor:
        """Return tokens (count, n) after the norm, bfloat16."""
        return self.family.tokens(count, seed).div_(self.channels).bfloat16()


@dataclass(frozen=True, slots=True)
class Weights:
    """One matrix (m, n): 16 bits; transformed INT8 in stored order; INT8 and E4M3 as it is."""

    full: torch.Tensor
    flat: Quantized
    plain: Quantized
    small_floats: Quantized | None


@lru_cache(maxsize=2)
def layer(width: int, device: str) -> Layer:
    """Return the layer of this width: learned for W8A8, the same on every call."""
    where = torch.device(device)
    family, factors = inputs.family(width, where), Factors.of(width)
    sample = inputs.weights(ROWS, width, where, WEIGHT_SEED)
    tokens = family.tokens(TOKENS, CALIBRATION_SEED)
    learned = calibration.learn(
        tokens, sample, factors, Bits(8, 8), STEPS[where.type], CALIBRATION_SEED
    )
    kind = KINDS[where.type]
    return Layer(
        factors=factors,
        family=family,
        channels=learned.channels,
        left=learned.left.to(kind),
        right=learned.right.to(kind),
        token_clip=learned.token_clip,
        weight_clip=float(learned.weight_clip.mean()),
    )


@lru_cache(maxsize=1)
def weights(width: int, outputs: int, device: str) -> Weights:
    """Return the layer's weights in every form that something reads."""
    where, made = torch.device(device), layer(width, device)
    full = inputs.weights(outputs, width, where, WEIGHT_SEED).mul_(made.channels).bfloat16()
    order = stored_order(made.factors).to(where)
    parts = [
        reference.quantize(
            reference.transform_weights(rows, made.left, made.right).float(),
            127.0,
            made.weight_clip,
        )
        for rows in full.split(4096)
    ]
    flat = Quantized(
        torch.cat([part.values for part in parts])[:, order].contiguous(),
        torch.cat([part.scales for part in parts]),
    )
    small = reference.quantize(full, reference.E4M3) if where.type == "cuda" else None
    return Weights(full, flat, reference.quantize(full, 127.0), small)
