"""4-bit weights in the order in which Hopper's and Ampere's matrix units want their left operand.

The layer is computed as Y^T = W X^T, so the weights are that operand: of 16 outputs by 16 inputs a
lane (g, t) = (lane / 4, lane % 4) holds rows g and g + 8, columns 2t, 2t + 1, 2t + 8 and 2t + 9.
These eight codes make one word, and the words of four such steps lie together: a lane's load of 16
bytes covers 64 inputs, a warp's 512 bytes lie in a row, and four warps take 64 outputs. It is the
fragment of `mma.sync.m16n8k16` and of a warp of `wgmma.m64nNk16` alike.

In a word, code j + 4 e (bits 4 j + 16 e) is row g + 8 (j % 2), column 2t + e + 8 (j / 2): a word
and its shift by 8 hold, under the masks 0x000f000f and 0x00f000f0, pairs of halves' mantissas.
"""

from __future__ import annotations

import torch

from prototypes.weights.quantize import ZERO, Quantized

ROWS = 64
"""Outputs of one tile; a layer whose outputs it doesn't divide is padded with zeros."""
COLUMNS = 64
"""Inputs of one tile."""
WORDS = ROWS * COLUMNS // 8
"""32-bit words of a tile."""


def padded(outputs: int) -> int:
    """Return how many outputs the packed weights have."""
    return -(-outputs // ROWS) * ROWS


def pack(codes: torch.Tensor) -> torch.Tensor:
    """Return (outputs / 64, inputs / 64, 4, 32, 4) int32 from codes (outputs, inputs) of 0 to 15.

    The axes: tiles of outputs, tiles of inputs, warp, lane, step of 16 inputs. Raises `ValueError`
    where the inputs aren't whole tiles.
    """
    outputs, inputs = codes.shape
    if inputs % COLUMNS:
        raise ValueError(f"{inputs} inputs aren't whole tiles of {COLUMNS}.")
    whole = padded(outputs)
    if whole > outputs:
        rest = codes.new_full((whole - outputs, inputs), ZERO)
        codes = torch.cat([codes, rest])
    # rows: tile, warp, half (8), g; columns: tile, step, half (8), t, e
    parts = codes.view(whole // ROWS, 4, 2, 8, inputs // COLUMNS, 4, 2, 4, 2)
    # -> tiles, warp, g, t, step; then e, column half, row half: the codes of a word, last first
    parts = parts.permute(0, 4, 1, 3, 7, 5, 8, 6, 2)
    bytes_ = parts[..., 1] * 16 + parts[..., 0]
    words = bytes_.contiguous().view(-1).view(torch.int32)
    return words.view(whole // ROWS, inputs // COLUMNS, 4, 32, 4)


def unpack(packed: torch.Tensor, outputs: int) -> torch.Tensor:
    """Return the codes (outputs, inputs) as uint8: `pack` undone."""
    rows, columns = packed.shape[:2]
    bytes_ = packed.contiguous().view(-1).view(torch.uint8).view(rows, columns, 4, 8, 4, 4, 2, 2)
    parts = torch.stack([bytes_ & 15, bytes_ >> 4], dim=-1)
    # tiles of rows and columns, warp, g, t, step, e, column half, row half
    codes = parts.permute(0, 2, 8, 3, 1, 5, 7, 4, 6)
    return codes.reshape(rows * ROWS, columns * COLUMNS)[:outputs].contiguous()


def pack_scales(scales: torch.Tensor) -> torch.Tensor:
    """Return (groups, outputs / 64, 8, 4, 2) from scales (outputs, groups), zeros where padded.

    A lane's rows g and g + 8 of the four warps of a tile lie in 16 bytes: axes g, warp, half.
    """
    outputs, groups = scales.shape
    whole = padded(outputs)
    if whole > outputs:
        scales = torch.cat([scales, scales.new_zeros((whole - outputs, groups))])
    return scales.view(whole // ROWS, 4, 2, 8, groups).permute(4, 0, 3, 1, 2).contiguous()


def unpack_scales(packed: torch.Tensor, outputs: int) -> torch.Tensor:
    """Return scales (outputs, groups): `pack_scales` undone."""
    groups, tiles = packed.shape[:2]
    return packed.permute(1, 3, 4, 2, 0).reshape(tiles * ROWS, groups)[:outputs].contiguous()


def unpacked(packed: torch.Tensor, scales: torch.Tensor, outputs: int) -> Quantized:
    """Return the quantized weights that packed weights and packed scales hold."""
    return Quantized(unpack(packed, outputs), unpack_scales(scales, outputs))
