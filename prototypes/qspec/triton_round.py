"""Rounds rows of activations to 4 bits on a GPU, into the order that the products want."""

# Triton's own spelling: constants in capitals, arguments without Python types.
# ruff: noqa: N803
# mypy: disable-error-code="no-untyped-def, untyped-decorator"

from __future__ import annotations

from typing import Any

import torch
import triton
import triton.language as tl

MOST_INPUTS = 1 << 14
"""A row is held in the registers of one program."""


@triton.jit
def round_kernel(x, codes, scales, inputs, BLOCK: tl.constexpr):
    """codes (rows, inputs) int8, scales (rows,) float32 of x (rows, inputs). Grid: (rows,)."""
    row = tl.program_id(0).to(tl.int64)
    place = tl.arange(0, BLOCK)
    # Byte 4 t + 2 e + c of each 16 is input 8 c + 2 t + e.
    inner = place % 16
    column = place - inner + (inner % 2) * 8 + inner // 4 * 2 + (inner // 2) % 2
    inside = place < inputs
    wide = tl.load(x + row * inputs + column, mask=inside, other=0.0).to(tl.float32)
    # Quotients correctly rounded: a scale that is off by a bit moves codes.
    most = tl.max(tl.abs(wide), axis=0)
    scale = tl.div_rn(most, most * 0.0 + 7.0)
    inverse = tl.where(scale > 0, tl.div_rn(most * 0.0 + 1.0, tl.maximum(scale, 1e-30)), 0.0)
    steps = wide * inverse
    # To the nearest, halves to even. (Adding and taking away 1.5 * 2^23 is folded away.)
    nearest = tl.floor(steps + 0.5)
    is_odd = nearest - 2.0 * tl.floor(nearest * 0.5) != 0.0
    over = nearest - steps
    nearest = tl.where((over > 0.5) | ((over == 0.5) & is_odd), nearest - 1.0, nearest)
    nearest = tl.minimum(tl.maximum(nearest, -7.0), 7.0)
    tl.store(codes + row * inputs + place, nearest.to(tl.int8), mask=inside)
    tl.store(scales + row, scale)


def round_rows(x: torch.Tensor, codes: torch.Tensor, scales: torch.Tensor) -> None:
    """Write codes (rows, inputs) int8 in the kernels' order, and scales (rows,) float32, of x.

    Raises `ValueError` where inputs aren't whole sixteens, or more than a program holds.
    """
    rows, inputs = x.shape
    if inputs % 16 or inputs > MOST_INPUTS:
        raise ValueError(f"{inputs} inputs: takes multiples of 16 up to {MOST_INPUTS}.")
    kernel: Any = round_kernel
    if rows:
        block = max(triton.next_power_of_2(inputs), 16)
        # A product fused with the sum after it would round other codes than two operations do.
        options = {"num_warps": 8, "enable_fp_fusion": False}
        kernel[(rows,)](x, codes, scales, inputs, BLOCK=block, **options)
