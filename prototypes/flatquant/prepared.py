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
from prototypes.flatquant.layout import Factors, pack4, stored_order, unpack4
from prototypes.flatquant.reference import Quantized

CALIBRATION_SEED, WEIGHT_SEED = 77, 405
TOKENS = 512
ROWS = {"cuda": 256, "cpu": 128}
"""Calibration tokens, and the rows of weights that the loss is taken over."""
STEPS = {"cuda": 40, "cpu": 12}
"""Learned for about a second; `ladder` learns longer, on smaller layers."""
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
    """1 where tokens have 8 bits: what clipping gains there (0.98 is learned) can't be seen in the
    error, and the kernel spends two instructions a number on it."""
    weight_clip: float
    """Of 4-bit weights; those of 8 bits aren't clipped."""

    def tokens(self, count: int, seed: int) -> torch.Tensor:
        """Return tokens (count, n) after the norm, bfloat16."""
        return self.family.tokens(count, seed).div_(self.channels).bfloat16()


@dataclass(frozen=True, slots=True)
class Weights:
    """One matrix (m, n): 16 bits; transformed, in stored order, INT8 and packed 4 bits; INT8 and
    E4M3 as it is. Only a GPU has those that nothing on a CPU reads."""

    full: torch.Tensor
    flat: Quantized
    flat4: Quantized | None
    plain: Quantized
    small: Quantized | None

    def integers(self, form: str) -> Quantized:
        """Return the weights of this form as integers (m, n), unpacked."""
        rows: Quantized = getattr(self, form)
        if form == "flat4":
            return Quantized(unpack4(rows.values), rows.scales)
        return rows


@lru_cache(maxsize=2)
def layer(width: int, device: str) -> Layer:
    """Return the layer of this width: learned for W4A8, the same on every call."""
    where = torch.device(device)
    family, factors = inputs.family(width, where), Factors.of(width)
    sample = inputs.weights(ROWS[where.type], width, where, WEIGHT_SEED)
    tokens = family.tokens(TOKENS, CALIBRATION_SEED)
    learned = calibration.learn(
        tokens, sample, factors, Bits(4, 8), STEPS[where.type], CALIBRATION_SEED
    )
    kind = KINDS[where.type]
    return Layer(
        factors=factors,
        family=family,
        channels=learned.channels,
        left=learned.left.to(kind),
        right=learned.right.to(kind),
        token_clip=1.0,
        weight_clip=float(learned.weight_clip.mean()),
    )


@lru_cache(maxsize=1)
def weights(width: int, outputs: int, device: str) -> Weights:
    """Return the layer's weights in every form that something reads."""
    where, made = torch.device(device), layer(width, device)
    full = inputs.weights(outputs, width, where, WEIGHT_SEED).mul_(made.channels).bfloat16()
    order = stored_order(made.factors).to(where)
    turned = torch.cat(
        [
            reference.transform_weights(rows, made.left, made.right).float()[:, order]
            for rows in (full[i : i + 4096] for i in range(0, outputs, 4096))
        ]
    )
    small, flat4 = None, None
    if where.type == "cuda":
        small = reference.quantize(full, reference.E4M3)
        four = reference.quantize(turned, 7.0, made.weight_clip)
        flat4 = Quantized(pack4(four.values), four.scales)
    flat = reference.quantize(turned, 127.0)
    return Weights(full, flat, flat4, reference.quantize(full, 127.0), small)
