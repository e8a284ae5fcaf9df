"""4-bit weights as two planes of 2 bits: a draft that reads the upper one reads half the codes.

The upper plane holds a code's two high bits, with scales of its own; both together are the code.
Order of words: that of `weights.packing`, 16 codes a word. In the upper plane the codes of two
steps of 16 inputs lie in one word, pair 2 j + s in bits 4 j + 2 s and 16 above (j: as in
`packing`; s: which step). In the lower plane neighbouring pairs are exchanged, so that one
selection of bits joins half of the two words' codes to the nibbles that `packing` has.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from prototypes.weights.packing import ROWS, padded
from prototypes.weights.quantize import ZERO, Quantized

MIDDLE = 1.625
"""Upper codes 0 to 3 stand for 4 (upper - MIDDLE): the middle of the four codes they come from."""
PLANE_COLUMNS = 128
"""Inputs of a tile of one plane: a group."""


@dataclass(frozen=True, slots=True)
class Planes:
    """upper, lower (outputs, inputs) uint8, 0 to 3; scales of the codes and of the upper plane,
    (outputs, groups) float16."""

    upper: torch.Tensor
    lower: torch.Tensor
    scales: torch.Tensor
    upper_scales: torch.Tensor


def split(quantized: Quantized) -> Planes:
    """Return the planes of 4-bit weights.

    The upper plane's scale is the one of least squared error over a group's 4-bit weights.
    """
    outputs, groups = quantized.scales.shape
    upper, lower = quantized.codes >> 2, quantized.codes & 3
    steps = (quantized.codes.float() - ZERO).view(outputs, groups, -1)
    rough = (upper.float() - MIDDLE).view(outputs, groups, -1)
    fit = (steps * rough).sum(-1) / rough.square().sum(-1)
    scales = quantized.scales.float() * fit
    largest = torch.finfo(torch.float16).max
    upper_scales = scales.clamp(-largest, largest).half()
    return Planes(upper, lower, quantized.scales, upper_scales)


def joined(planes: Planes) -> Quantized:
    """Return the 4-bit weights: `split` undone."""
    return Quantized(planes.upper << 2 | planes.lower, planes.scales)


def rough(planes: Planes, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """Return the weights (outputs, inputs) that the upper plane alone stands for."""
    outputs, groups = planes.upper_scales.shape
    steps = planes.upper.to(dtype).view(outputs, groups, -1) - MIDDLE
    return (steps * planes.upper_scales.to(dtype)[..., None]).view(outputs, -1)


def pack(plane: torch.Tensor, is_lower: bool) -> torch.Tensor:
    """Return (outputs / 16, inputs / 128, 32, 4) int32 from a plane (outputs, inputs).

    The axes: blocks of outputs, groups of inputs, lane, pair of steps of 16 inputs. Outputs are
    padded as in `packing`, with codes of zero. Raises `ValueError` for broken groups.
    """
    outputs, inputs = plane.shape
    if inputs % PLANE_COLUMNS:
        raise ValueError(f"{inputs} inputs aren't whole groups of {PLANE_COLUMNS}.")
    whole = padded(outputs)
    if whole > outputs:
        rest = plane.new_full((whole - outputs, inputs), 0 if is_lower else ZERO >> 2)
        plane = torch.cat([plane, rest])
    # rows: tile, warp, row half, g; columns: group, pair of steps, step, column half, t, e
    parts = plane.view(whole // ROWS, 4, 2, 8, inputs // PLANE_COLUMNS, 4, 2, 2, 4, 2)
    # -> tile, warp, group, g, t, pair; then in a word: e, column half, row half, step, last first
    parts = parts.permute(0, 1, 4, 3, 8, 5, 9, 7, 2, 6)
    if is_lower:
        parts = parts.flip(-1)
    fours = parts.reshape(-1, 4)
    bytes_ = fours[:, 0] | fours[:, 1] << 2 | fours[:, 2] << 4 | fours[:, 3] << 6
    words = bytes_.contiguous().view(torch.int32)
    return words.view(whole // 16, inputs // PLANE_COLUMNS, 32, 4)


def unpack(words: torch.Tensor, outputs: int, is_lower: bool) -> torch.Tensor:
    """Return the plane (outputs, inputs) uint8: `pack` undone."""
    blocks, groups = words.shape[:2]
    bytes_ = words.contiguous().view(-1).view(torch.uint8)
    fours = torch.stack([bytes_ >> shift & 3 for shift in (0, 2, 4, 6)], dim=-1)
    parts = fours.view(blocks // 4, 4, groups, 8, 4, 4, 2, 2, 2, 2)
    if is_lower:
        parts = parts.flip(-1)
    # tile, warp, group, g, t, pair, e, column half, row half, step
    plane = parts.permute(0, 1, 8, 3, 2, 5, 9, 7, 4, 6)
    return plane.reshape(blocks * 16, groups * PLANE_COLUMNS)[:outputs].contiguous()
