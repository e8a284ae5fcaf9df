"""The error ladder: one layer's error after rounding, with ever more done about large channels.

As it is (round to nearest), with channel scales (SmoothQuant's rule), behind a Hadamard transform
with random signs (QuaRot's kind), behind the learned transform; at W4A4, W4A8 and W8A8.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from prototypes.flatquant import inputs, reference
from prototypes.flatquant.calibration import Bits, learn, smoothing
from prototypes.flatquant.layout import Factors

Clip = float | torch.Tensor

STEPS = ("round to nearest", "channel scales", "Hadamard", "learned")
CONFIGURATIONS = (Bits(4, 4), Bits(4, 8), Bits(8, 8))
ALPHA = 0.5
"""SmoothQuant's own exponent."""


@dataclass(frozen=True, slots=True)
class Size:
    """How large the layer is, and how long is learned."""

    width: int
    outputs: int
    tokens: int
    steps: int


SIZES = {"cuda": Size(1024, 512, 1024, 100), "cpu": Size(256, 128, 512, 60)}


@dataclass(frozen=True, slots=True)
class Rung:
    """The relative L2 error of the layer's outputs on tokens that nothing was learned on."""

    bits: Bits
    step: str
    error: float
    largest: float
    """Of a transformed token's largest magnitude over its root mean square: how flat it is."""


def climb(size: Size, device: torch.device, seed: int) -> Iterator[Rung]:
    """Yield every rung for a layer of this size."""
    family, factors = inputs.family(size.width, device, seed), Factors.of(size.width)
    weights = inputs.weights(size.outputs, size.width, device, seed + 1)
    known, fresh = family.tokens(size.tokens, seed + 2), family.tokens(size.tokens, seed + 3)
    exact = reference.linear(fresh, weights)
    one = torch.ones(size.width, device=device)
    same = (torch.eye(factors.n1, device=device), torch.eye(factors.n2, device=device))
    generator = torch.Generator(device=device).manual_seed(seed + 4)
    signs = torch.randint(0, 2, (size.width,), generator=generator, device=device) * 2.0 - 1.0
    turns = (
        reference.hadamard(factors.n1).to(device),
        reference.hadamard(factors.n2).to(device),
    )
    for bits in CONFIGURATIONS:
        got = learn(known, weights, factors, bits, size.steps, seed + 5)
        ways: dict[str, tuple[torch.Tensor, torch.Tensor, torch.Tensor, float, Clip]] = {
            "round to nearest": (one, *same, 1.0, 1.0),
            "channel scales": (smoothing(known, weights, ALPHA), *same, 1.0, 1.0),
            "Hadamard": (signs, *turns, 1.0, 1.0),
            "learned": (got.channels, got.left, got.right, got.token_clip, got.weight_clip),
        }
        for step, (channels, left, right, token_clip, weight_clip) in ways.items():
            z = reference.transform(fresh / channels, left, right)
            w = reference.transform_weights(weights * channels, left, right).float()
            answer = reference.product(
                reference.quantize(z, bits.token_limit, token_clip),
                reference.quantize(w, bits.weight_limit, weight_clip),
            )
            error = float((answer - exact).norm() / exact.norm())
            largest = float((z.abs().amax(1) / z.square().mean(1).sqrt()).mean())
            yield Rung(bits, step, error, largest)
