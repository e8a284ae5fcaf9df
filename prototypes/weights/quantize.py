"""4-bit weights by groups along the inputs: symmetric, codes 0 to 15 around 8, a scale a group."""

from __future__ import annotations

from dataclasses import dataclass

import torch

GROUP = 128
"""Weights of one output that share a scale, as MARLIN has it."""
ZERO = 8
"""The code of zero: a weight is (code - ZERO) * scale."""


@dataclass(frozen=True, slots=True)
class Quantized:
    """codes (outputs, inputs) uint8, 0 to 15; scales (outputs, inputs / group) float16."""

    codes: torch.Tensor
    scales: torch.Tensor

    @property
    def group(self) -> int:
        """Weights that share a scale."""
        return int(self.codes.shape[1] // self.scales.shape[1])


def scales_of(weights: torch.Tensor, group: int = GROUP) -> torch.Tensor:
    """Return float16 scales (outputs, inputs / group): the largest of a group becomes 7.

    A group of zeros gets 1. Raises `ValueError` where groups don't divide the inputs.
    """
    outputs, inputs = weights.shape
    if inputs % group:
        raise ValueError(f"{inputs} inputs don't divide into groups of {group}.")
    largest = weights.view(outputs, inputs // group, group).abs().amax(-1).float()
    smallest = torch.finfo(torch.float16).tiny
    scales = (largest / 7).clamp(smallest, torch.finfo(torch.float16).max)
    return torch.where(largest == 0, 1.0, scales).half()


def rounded(weights: torch.Tensor, scales: torch.Tensor) -> torch.Tensor:
    """Return the codes nearest to weights (outputs, inputs) under these scales, as uint8."""
    outputs, groups = scales.shape
    steps = weights.reshape(outputs, groups, -1).float() / scales.float()[..., None]
    codes = steps.round_().add_(ZERO).clamp_(0, 15)
    return codes.to(torch.uint8).view(outputs, -1)


def quantize(weights: torch.Tensor, group: int = GROUP) -> Quantized:
    """Round weights (outputs, inputs) to the nearest codes."""
    scales = scales_of(weights, group)
    return Quantized(rounded(weights, scales), scales)


def dequantize(quantized: Quantized, dtype: torch.dtype = torch.float16) -> torch.Tensor:
    """Return the weights that the codes stand for; in float32 and above they are exact."""
    outputs, groups = quantized.scales.shape
    steps = quantized.codes.view(outputs, groups, -1).to(dtype) - ZERO
    return (steps * quantized.scales.to(dtype)[..., None]).view(outputs, -1)
