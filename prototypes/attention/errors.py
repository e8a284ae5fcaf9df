"""How far an attention output is from the exact one: over all elements, and in the worst head.

The mean of relative errors, which some papers print, depends on the few outputs that happen to be
nearly zero: it is there for comparison with them, the relative L1 and L2 errors are to be trusted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

NEARLY_ZERO = 1e-5
"""Added to what a relative error is taken of."""


@dataclass(frozen=True, slots=True)
class Errors:
    """Of one output against the exact one; everything NaN where it isn't finite."""

    cosine: float
    worst_head_cosine: float
    l1: float
    """Sum of |error| over sum of |exact|."""
    worst_head_l1: float
    l2: float
    worst_head_l2: float
    rmse: float
    mean_relative: float
    """Mean of |error| / (|exact| + 1e-5)."""
    worst_element: float
    """The largest |error|, in units of the root mean square of its own row of the exact output."""


def measure(got: torch.Tensor, exact: torch.Tensor) -> Errors:
    """Return the errors of `got` (batch, heads, rows, dim) against `exact`, of the same shape.

    Sums are in float64, one batch entry and head at a time: outputs may be gigabytes. Raises
    `ValueError` for other shapes.
    """
    if got.shape != exact.shape:
        raise ValueError(f"shapes differ: {tuple(got.shape)} and {tuple(exact.shape)}")
    if got.numel() == 0:
        return Errors(1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    heads = torch.stack(
        [
            _sums(a, b)
            for a, b in zip(got.flatten(0, 1).unbind(), exact.flatten(0, 1).unbind(), strict=True)
        ]
    ).cpu()
    dot, got2, exact2, error1, exact1, error2, relative, worst = heads.unbind(dim=1)
    cosines = _cosine(dot, got2, exact2)
    total = heads.sum(dim=0)
    return Errors(
        cosine=float(_cosine(total[0:1], total[1:2], total[2:3])),
        worst_head_cosine=_least(cosines),
        l1=_ratio(float(error1.sum()), float(exact1.sum())),
        worst_head_l1=max(_ratio(float(e), float(x)) for e, x in zip(error1, exact1, strict=True)),
        l2=math.sqrt(_ratio(float(error2.sum()), float(exact2.sum()))),
        worst_head_l2=max(
            math.sqrt(_ratio(float(e), float(x))) for e, x in zip(error2, exact2, strict=True)
        ),
        rmse=math.sqrt(float(error2.sum()) / got.numel()),
        mean_relative=float(relative.sum()) / got.numel(),
        worst_element=float(worst.max()),
    )


def _sums(got: torch.Tensor, exact: torch.Tensor) -> torch.Tensor:
    """Return the sums of one head (rows, dim): (8,) float64."""
    a, b = got.double(), exact.double()
    size, error = b.abs(), (a - b).abs()
    row = b.square().mean(dim=-1, keepdim=True).sqrt()
    # Rows that are all zero have no scale of their own: any error there is infinite.
    worst = torch.where(error > 0, error / row, error)
    return torch.stack(
        [
            (a * b).sum(),
            a.square().sum(),
            b.square().sum(),
            error.sum(),
            size.sum(),
            error.square().sum(),
            (error / (size + NEARLY_ZERO)).sum(),
            worst.max(),
        ]
    )


def _cosine(dot: torch.Tensor, a2: torch.Tensor, b2: torch.Tensor) -> torch.Tensor:
    """Return the cosine; two outputs that are all zero point the same way."""
    both_zero = (a2 == 0) & (b2 == 0)
    return torch.where(both_zero, 1.0, dot / (a2 * b2).sqrt())


def _least(values: torch.Tensor) -> float:
    return math.nan if bool(values.isnan().any()) else float(values.min())


def _ratio(part: float, whole: float) -> float:
    if part == 0:
        return 0.0
    return part / whole if whole else math.inf
