"""The exact layer over 4-bit weights, in float64: slow, plain, of a few outputs at a time."""

from __future__ import annotations

import torch

from prototypes.weights.quantize import Quantized, dequantize

AT_ONCE = 1 << 24
"""Weights that are widened together."""


def product(x: torch.Tensor, weights: Quantized) -> torch.Tensor:
    """Return x W^T (rows, outputs) in float64; x (rows, inputs) of any type."""
    outputs, inputs = weights.codes.shape
    each = max(AT_ONCE // max(inputs, 1), 1)
    parts = [
        x.double()
        @ dequantize(
            Quantized(weights.codes[i : i + each], weights.scales[i : i + each]), torch.float64
        ).t()
        for i in range(0, outputs, each)
    ]
    return torch.cat(parts, dim=1)


def unrounded(x: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Return x W^T (rows, outputs) in float64 over weights (outputs, inputs) of any type."""
    outputs, inputs = weights.shape
    each = max(AT_ONCE // max(inputs, 1), 1)
    wide = x.double()
    parts = [wide @ weights[i : i + each].double().t() for i in range(0, outputs, each)]
    return torch.cat(parts, dim=1)
