"""Seeded layers with what makes rounding hard: a few large channels, and a few heavy tokens.

Channels have lognormal scales, 8 of 1024 are thirty times larger, and one token of a hundred is ten
times as large: what activations of large models look like before any transform.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

LAYER_SEED = 2410
SPREAD, LARGE, HOW_LARGE = 0.5, 8 / 1024, 30.0
HEAVY, HOW_HEAVY = 0.01, 10.0


@dataclass(frozen=True, slots=True)
class Family:
    """What stays the same from text to text: each channel's scale, (n,) float32."""

    scales: torch.Tensor

    def tokens(self, count: int, seed: int) -> torch.Tensor:
        """Return tokens (count, n), float32."""
        device = self.scales.device
        generator = torch.Generator(device=device).manual_seed(seed)
        drawn = torch.randn(count, len(self.scales), generator=generator, device=device)
        heavy = torch.rand(count, 1, generator=generator, device=device) < HEAVY
        return drawn.mul_(self.scales).mul_(torch.where(heavy, HOW_HEAVY, 1.0))


def family(width: int, device: torch.device, seed: int = LAYER_SEED) -> Family:
    """Return a layer's channels."""
    generator = torch.Generator(device=device).manual_seed(seed)
    scales = (SPREAD * torch.randn(width, generator=generator, device=device)).exp()
    large = torch.randperm(width, generator=generator, device=device)[: max(1, int(width * LARGE))]
    scales[large] *= HOW_LARGE
    return Family(scales)


def weights(outputs: int, width: int, device: torch.device, seed: int) -> torch.Tensor:
    """Return weights (outputs, width), float32: normal, rows of unequal size."""
    generator = torch.Generator(device=device).manual_seed(seed)
    drawn = torch.randn(outputs, width, generator=generator, device=device)
    sizes = (0.2 * torch.randn(outputs, 1, generator=generator, device=device)).exp()
    return drawn.mul_(sizes / width**0.5)
