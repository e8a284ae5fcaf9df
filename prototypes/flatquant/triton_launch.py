"""Sets up the transform and the linear layer on a GPU: Hopper's kernels, or the portable ones."""

from __future__ import annotations

import importlib
from typing import Any, Protocol

import torch
import triton

from prototypes.flatquant import triton_kernels
from prototypes.flatquant.layout import Factors, is_turned
from prototypes.flatquant.reference import E4M3
from prototypes.harness.workload import NotRunnableError

TILE = {"cuda": (128, 128, 128), "cpu": (16, 16, 32)}
"""Rows, channels and depth of a portable tile; a CPU interprets."""


class Transforms(Protocol):
    """Writes `quantized` (t, n) and `scales` (t,) of `tokens` (t, n)."""

    def __call__(
        self,
        tokens: torch.Tensor,
        quantized: torch.Tensor,
        scales: torch.Tensor,
        limit: float,
        clip: float = 1.0,
    ) -> None:
        """Round within ±limit."""
        ...


class Multiplies(Protocol):
    """Writes `output` (t, m) from INT8 tokens (t, n), weights (m, n), and a scale for each row."""

    def __call__(
        self,
        tokens: torch.Tensor,
        weights: torch.Tensor,
        token_scales: torch.Tensor,
        channel_scales: torch.Tensor,
        output: torch.Tensor,
    ) -> None:
        """Multiply; scales are readable up to the next multiple of `SCALES`."""
        ...


SCALES = 256
"""Vectors of scales have room for a multiple of so many: no tile asks where it ends."""


def room_for_scales(count: int, device: torch.device) -> torch.Tensor:
    """Return room for so many scales, and the rest of a tile: zeros."""
    return torch.zeros(-(-count // SCALES) * SCALES, device=device)


def with_room(scales: torch.Tensor) -> torch.Tensor:
    """Return these scales in such room."""
    room = room_for_scales(len(scales), scales.device)
    room[: len(scales)] = scales
    return room


def is_hopper(device: torch.device) -> bool:
    """Whether the matrix unit is the one that the Gluon kernels are written for."""
    return device.type == "cuda" and torch.cuda.get_device_capability(device)[0] == 9


class PortableTransform:
    """`triton_kernels.transform_kernel` with fixed P1 (n1, n1) and P2 (n2, n2)."""

    def __init__(self, factors: Factors, left: torch.Tensor, right: torch.Tensor) -> None:
        self.factors = factors
        self.left, self.right = left.contiguous(), right.contiguous()

    def __call__(
        self,
        tokens: torch.Tensor,
        quantized: torch.Tensor,
        scales: torch.Tensor,
        limit: float,
        clip: float = 1.0,
    ) -> None:
        """Write `quantized` (t, n) and `scales` (t,)."""
        if not len(tokens):
            return
        factors = self.factors
        rows, columns = (max(16, triton.next_power_of_2(size)) for size in (factors.n1, factors.n2))
        triton_kernels.transform_kernel[(len(tokens),)](
            tokens, self.left, self.right, quantized.view(torch.int8), scales, clip, limit,
            N1=factors.n1, N2=factors.n2, ROWS=rows, COLUMNS=columns, TURNED=is_turned(factors),
            num_warps=4 if rows * columns <= 4096 else 8,
        )  # fmt: skip


class PortableLinear:
    """`triton_kernels.linear_kernel`, for any shape."""

    def __init__(self, device: torch.device) -> None:
        self.tile = TILE[device.type]

    def __call__(
        self,
        tokens: torch.Tensor,
        weights: torch.Tensor,
        token_scales: torch.Tensor,
        channel_scales: torch.Tensor,
        output: torch.Tensor,
    ) -> None:
        """Write output (t, m)."""
        rows, columns, block = self.tile
        grid = (-(-len(tokens) // rows), -(-len(weights) // columns))
        if not grid[0] * grid[1]:
            return
        triton_kernels.linear_kernel[grid](
            tokens, weights, token_scales, channel_scales, output, len(tokens), len(weights),
            tokens.shape[1], ROWS=rows, COLUMNS=columns, BLOCK=block, num_warps=8, num_stages=3,
        )  # fmt: skip


def round_rows(
    tokens: torch.Tensor, quantized: torch.Tensor, scales: torch.Tensor, limit: float
) -> None:
    """Round tokens (t, n) to `quantized` (t, n) and `scales` (t,) without a transform."""
    if not len(tokens):
        return
    width = tokens.shape[1]
    triton_kernels.round_kernel[(len(tokens),)](
        tokens, quantized.view(torch.int8), scales, limit, WIDTH=width,
        BLOCK=triton.next_power_of_2(width), E4M3=limit == E4M3, num_warps=8,
    )  # fmt: skip


def transform(factors: Factors, left: torch.Tensor, right: torch.Tensor) -> Transforms:
    """Return the transform for P1 and P2: Hopper's kernel where it has tiles for these factors."""
    if is_hopper(left.device):
        hopper = _hopper()
        if hopper.suits_transform(factors):
            made: Transforms = hopper.Transform(factors, left, right)
            return made
    return PortableTransform(factors, left, right)


def linear(width: int, channels: int, device: torch.device) -> Multiplies:
    """Return the linear layer for weights (channels, width)."""
    if is_hopper(device) and width % 16 == 0 and channels % 8 == 0:
        hopper = _hopper()
        made: Multiplies = hopper.Linear(hopper.Tiles(), device)
        return made
    return PortableLinear(device)


def linear4(width: int, channels: int, device: torch.device) -> Multiplies:
    """Return the linear layer for packed 4-bit weights (channels, width/8): on Hopper only.

    Raises `NotRunnableError` elsewhere, and where the width isn't a multiple of 128.
    """
    if not is_hopper(device) or width % 128 or channels % 8:
        raise NotRunnableError("4-bit weights need a Hopper GPU and a width of a multiple of 128.")
    hopper = _hopper()
    made: Multiplies = hopper.Linear4(device)
    return made


def _hopper() -> Any:
    return importlib.import_module("prototypes.flatquant.gluon_launch")
