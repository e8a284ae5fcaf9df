"""4-bit weights with contiguous rows an input: a skipped input skips its codes and its scales.

codes (inputs, outputs / 8) int32, output 8 w + j in bits 4 j of word w; scales (inputs, outputs /
group) float16: groups lie along the outputs, where others have them along the inputs. With
one scale for a whole block of group inputs by group outputs both kinds hold the same numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from prototypes.weights.quantize import GROUP, ZERO, Quantized


@dataclass(frozen=True, slots=True)
class Rows4:
    """Quantized weights of one layer."""

    codes: torch.Tensor
    scales: torch.Tensor

    @property
    def outputs(self) -> int:
        """Outputs of the layer."""
        return 8 * int(self.codes.shape[1])

    @property
    def group(self) -> int:
        """Outputs that share a scale."""
        return self.outputs // int(self.scales.shape[1])


def pack(codes: torch.Tensor) -> torch.Tensor:
    """Return words (inputs, outputs / 8) int32 of codes (inputs, outputs) of 0 to 15.

    Raises `ValueError` where the outputs aren't whole words.
    """
    if codes.shape[1] % 8:
        raise ValueError(f"{codes.shape[1]} outputs aren't whole words of 8 codes.")
    pairs = codes.to(torch.uint8).view(len(codes), -1, 2)
    return (pairs[..., 0] | pairs[..., 1] << 4).contiguous().view(torch.int32)


def unpack(words: torch.Tensor) -> torch.Tensor:
    """Return codes (inputs, outputs) uint8: `pack` undone."""
    pairs = words.contiguous().view(torch.uint8)
    return torch.stack([pairs & 15, pairs >> 4], dim=-1).view(len(words), 8 * words.shape[1])


def quantize(weights: torch.Tensor, group: int = GROUP) -> Rows4:
    """Round weights (inputs, outputs) to the nearest codes, the largest of a row's group to 7."""
    inputs, outputs = weights.shape
    if outputs % group:
        raise ValueError(f"{outputs} outputs don't divide into groups of {group}.")
    parts = weights.float().view(inputs, -1, group)
    largest = parts.abs().amax(-1)
    scales = (largest / 7).clamp(torch.finfo(torch.float16).tiny, torch.finfo(torch.float16).max)
    scales = torch.where(largest == 0, 1.0, scales).half()
    steps = (parts / scales.float()[..., None]).round_().add_(ZERO).clamp_(0, 15)
    return Rows4(pack(steps.to(torch.uint8).view(inputs, outputs)), scales)


def dequantize(rows: Rows4, dtype: torch.dtype, chosen: torch.Tensor | None = None) -> torch.Tensor:
    """Return the weights (inputs, outputs), or those of some inputs; exact in float32 and above."""
    words = rows.codes if chosen is None else rows.codes[chosen]
    scales = rows.scales if chosen is None else rows.scales[chosen]
    steps = unpack(words).to(dtype).sub_(ZERO).view(*scales.shape, rows.group)
    return steps.mul_(scales.to(dtype)[..., None]).view(len(words), rows.outputs)


def from_blocks(codes: torch.Tensor, scales: torch.Tensor, group: int) -> tuple[Rows4, Quantized]:
    """Return weights with one scale a block in both orders: by input, and by output.

    codes (inputs, outputs) uint8, scales (inputs / group, outputs / group) float16.
    """
    by_input = Rows4(pack(codes), scales.repeat_interleave(group, dim=0))
    by_output = Quantized(codes.t().contiguous(), scales.t().repeat_interleave(group, dim=0))
    return by_input, by_output
