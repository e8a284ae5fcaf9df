"""The exact answers, in float64: what verifies, and what each draft computes by its own rule."""

from __future__ import annotations

import torch

from prototypes.qspec.planes import MIDDLE, split
from prototypes.qspec.prepared import PLANE, W4A4, Layer


def product(x: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Return x W^T in float64."""
    return x.double() @ weights.double().t()


def draft(kind: str, x: torch.Tensor, made: Layer) -> torch.Tensor:
    """Return a draft's rows: rounded activations, the upper plane, or 4-bit weights as they are."""
    if kind == W4A4:
        return product(four_bits(x), made.held(is_wide=False))
    if kind == PLANE:
        parts = split(made.rounded)
        outputs, groups = parts.upper_scales.shape
        steps = parts.upper.double().view(outputs, groups, -1) - MIDDLE
        weights = steps * parts.upper_scales.double()[..., None]
        return product(x, weights.view(outputs, -1))
    return product(x, made.held(is_wide=False))


def four_bits(x: torch.Tensor) -> torch.Tensor:
    """Return x in steps of a seventh of each row's largest element, to the nearest.

    In the precision of the scale that kernels have (float32), so that ties fall alike.
    """
    wide = x.float()
    most = wide.abs().amax(1, keepdim=True)
    scale = most / torch.full_like(most, 7)
    inverse = torch.where(scale > 0, 1 / scale.clamp_min(1e-30), 0.0)
    return (wide * inverse).round().clamp(-7, 7).double() * scale.double()
