"""The 4-bit linear layer in plain Triton: any device, any rows, groups of 64 and more.

Reads the packed order of `packing`; for shapes and devices that the Hopper kernels aren't written
for, and for the interpreter.
"""

# Triton's own spelling: constants in capitals, arguments without Python types.
# ruff: noqa: N803
# mypy: disable-error-code="no-untyped-def, untyped-decorator"

from __future__ import annotations

from typing import Any

import torch
import triton
import triton.language as tl

from prototypes.weights.packing import COLUMNS, ROWS


@triton.jit
def linear_kernel(
    x,
    packed,
    scales,
    out,
    rows,
    inputs,
    outputs,
    tiles,
    GROUP: tl.constexpr,
    TOKENS: tl.constexpr,
):
    """out (rows, outputs) = x (rows, inputs) W^T. Grid: (tiles of 64 outputs, blocks of rows)."""
    tile = tl.program_id(0)
    token = tl.program_id(1) * TOKENS + tl.arange(0, TOKENS)
    column = tl.arange(0, 64)
    output = tl.arange(0, 64)
    # A row's place among packed scales: (row in 8, warp, half).
    place = (output % 8) * 8 + output // 16 * 2 + (output // 8) % 2
    # Code n of a word is row half n % 2, column half n / 2 % 2, neighbour n / 4.
    shift = tl.arange(0, 8) * 4
    sums = tl.zeros((64, TOKENS), dtype=tl.float32)
    for step in range(inputs // 64):
        words = tl.load(packed + (tile * (inputs // 64) + step) * 512 + tl.arange(0, 512))
        codes = (words[:, None] >> shift[None, :]) & 15
        codes = tl.reshape(codes, (4, 8, 4, 4, 2, 2, 2))
        codes = tl.permute(codes, (0, 6, 1, 3, 5, 2, 4))
        codes = tl.reshape(codes, (64, 64))
        scale = tl.load(scales + (step * 64 // GROUP * tiles + tile) * 64 + place)
        weights = (codes - 8).to(tl.float16) * scale[:, None]
        there = token[None, :] < rows
        given = tl.load(
            x + token[None, :].to(tl.int64) * inputs + step * 64 + column[:, None],
            mask=there,
            other=0.0,
        )
        sums = tl.dot(weights, given, sums)
    output += tile * 64
    inside = (output[:, None] < outputs) & (token[None, :] < rows)
    at = out + token[None, :].to(tl.int64) * outputs + output[:, None]
    tl.store(at, sums.to(tl.float16), mask=inside)


class Portable:
    """out (rows, outputs) = x (rows, inputs) W^T: x, out float16 and contiguous, as packed.

    Raises `ValueError` where inputs aren't whole tiles or groups are smaller than a tile.
    """

    def __init__(self, rows: int, inputs: int, outputs: int, group: int) -> None:
        if inputs % COLUMNS or group % COLUMNS or inputs % group:
            raise ValueError(f"{inputs} inputs in groups of {group}: takes multiples of {COLUMNS}.")
        self.rows, self.inputs, self.outputs, self.group = rows, inputs, outputs, group
        self.tokens = 16 if rows <= 16 else 64

    def __call__(
        self, x: torch.Tensor, packed: torch.Tensor, scales: torch.Tensor, out: torch.Tensor
    ) -> None:
        """Write `out`."""
        if not self.rows or not self.outputs:
            return
        tiles = -(-self.outputs // ROWS)
        kernel: Any = linear_kernel
        kernel[(tiles, -(-self.rows // self.tokens))](
            x, packed, scales, out, self.rows, self.inputs, self.outputs, tiles,
            GROUP=self.group, TOKENS=self.tokens,
        )  # fmt: skip
