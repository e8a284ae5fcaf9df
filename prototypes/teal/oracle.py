"""The exact answers in float64: slow, plain, and never a baseline."""

from __future__ import annotations

import torch

CHUNK = 512
"""Rows of weights that are widened at a time."""


def kept(x: torch.Tensor, thresholds: torch.Tensor) -> torch.Tensor:
    """Return which inputs (channels,) stay: all but those at or under their threshold."""
    return ~(x.float().abs() <= thresholds)


def product(
    x: torch.Tensor, weights: torch.Tensor, thresholds: torch.Tensor | None = None
) -> torch.Tensor:
    """Return the sum of x_k W[k, :] in float64, (outputs,), over the inputs that stay, or all.

    x (inputs,), weights (inputs, outputs); a dropped input's weights aren't touched.
    """
    total = torch.zeros(weights.shape[1], dtype=torch.float64, device=x.device)
    index = torch.arange(len(x), device=x.device)
    if thresholds is not None:
        index = index[kept(x, thresholds)]
    for some in torch.split(index, CHUNK):
        total += x[some].double() @ weights[some].double()
    return total
