"""Sets up the Hopper kernels for one shape: descriptors, grids, sizes of tiles and rings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from triton.experimental.gluon import language as gl
from triton.experimental.gluon.nvidia.hopper import TensorDescriptor

from prototypes.flatquant import gluon_linear, gluon_linear4, gluon_transform
from prototypes.flatquant.layout import Factors

KINDS: dict[torch.dtype, Any] = {
    torch.bfloat16: gl.bfloat16,
    torch.float16: gl.float16,
    torch.int8: gl.int8,
    torch.int32: gl.int32,
}
PIECES = {64: (64,), 112: (64, 32, 16), 128: (128,)}
"""How rows of a token are cut for the matrix unit, by n1."""


@dataclass(frozen=True, slots=True)
class Ring:
    """How a program of the transform is cut: groups of warps, places for tokens."""

    workers: int
    warps: int
    stages: int
    registers: int


RINGS = {
    (64, 64): Ring(4, 4, 8, 96),
    (64, 128): Ring(3, 4, 8, 152),
    (112, 128): Ring(2, 4, 5, 232),
}
"""By factors: what was fastest on an H100."""


def suits_transform(factors: Factors) -> bool:
    """Whether the Hopper kernel has tiles for these factors; the portable one takes all."""
    return (factors.n1, factors.n2) in RINGS


def described(tensor: torch.Tensor, tile: list[int]) -> TensorDescriptor:
    """Return a descriptor of a matrix for copies of this tile."""
    layout = gl.NVMMASharedLayout.get_default_for(tile, KINDS[tensor.dtype])
    return TensorDescriptor.from_tensor(tensor, tile, layout)


class Transform:
    """Transform and rounding of tokens (t, n) with fixed P1, P2; call it with room for the answer.

    left (n1, n1) and right (n2, n2) as in `reference.transform`, in the tokens' type.
    """

    def __init__(
        self,
        factors: Factors,
        left: torch.Tensor,
        right: torch.Tensor,
        ring: Ring | None = None,
    ) -> None:
        self.factors = factors
        self.ring = ring or RINGS[factors.n1, factors.n2]
        self.rows = 128 if factors.n1 > 64 else 64
        padded = torch.zeros(self.rows, factors.n1, dtype=left.dtype, device=left.device)
        padded[: factors.n1] = left.T
        self.pieces = PIECES[factors.n1]
        self.lefts = [described(padded, [self.rows, piece]) for piece in self.pieces]
        self.right = described(right.contiguous(), [factors.n2, factors.n2])
        self.programs = torch.cuda.get_device_properties(left.device).multi_processor_count

    def __call__(
        self,
        tokens: torch.Tensor,
        quantized: torch.Tensor,
        scales: torch.Tensor,
        limit: float,
        clip: float = 1.0,
    ) -> None:
        """Write `quantized` (t, n) within ±limit, and `scales` (t,)."""
        if not len(tokens):
            return
        n1, n2, ring = self.factors.n1, self.factors.n2, self.ring
        flat = tokens.view(-1, n2)
        rows = [described(flat, [piece, n2]) for piece in self.pieces]
        unused = [None] * (3 - len(rows))
        gluon_transform.transform_kernel[(min(self.programs, len(tokens)),)](
            *self.lefts,
            *unused,
            self.right,
            *rows,
            *unused,
            quantized,
            scales,
            len(tokens),
            clip,
            N1=n1,
            N2=n2,
            ROWS=self.rows,
            PARTS=len(rows),
            STAGES=ring.stages,
            WORKERS=ring.workers,
            WARPS=ring.warps,
            LIMIT=limit,
            CLAMP=clip != 1.0,
            REGISTERS=ring.registers,
            num_warps=ring.warps,
        )


@dataclass(frozen=True, slots=True)
class Tiles:
    """How the linear layer is cut: channels and depth of a tile, places, rows of a band."""

    columns: int = 256
    block: int = 128
    stages: int = 3
    band: int = 16
    registers: int = 240


class Linear:
    """Y = (X8 W8ᵀ)·scales, bfloat16; both operands INT8, rows of a multiple of 16."""

    def __init__(self, tiles: Tiles, device: torch.device) -> None:
        self.tiles = tiles
        self.programs = torch.cuda.get_device_properties(device).multi_processor_count

    def __call__(
        self,
        tokens: torch.Tensor,
        weights: torch.Tensor,
        token_scales: torch.Tensor,
        channel_scales: torch.Tensor,
        output: torch.Tensor,
    ) -> None:
        """Write output (t, m) from tokens (t, n), weights (m, n) and a scale for each row."""
        tiles, rows = self.tiles, 128
        block, columns = tiles.block, tiles.columns
        if not len(tokens):
            return
        count = -(-len(tokens) // rows) * -(-len(weights) // columns)
        gluon_linear.linear_kernel[(min(self.programs, count),)](
            described(tokens, [64, block]),
            described(weights, [columns, block]),
            described(output, [64, columns]),
            token_scales,
            channel_scales,
            len(tokens),
            len(weights),
            tokens.shape[1],
            ROWS=rows,
            COLUMNS=columns,
            BLOCK=block,
            STAGES=tiles.stages,
            BAND=tiles.band,
            REGISTERS=tiles.registers,
            num_warps=4,
        )


@dataclass(frozen=True, slots=True)
class Tiles4:
    """How the layer with 4-bit weights is cut: tokens of a tile, places, rows of a band."""

    tokens: int = 256
    stages: int = 3
    band: int = 4
    registers: int = 240


def tiles4(tokens: int) -> Tiles4:
    """Return what was fastest on an H100: few tokens are bound by the bytes of the weights."""
    if tokens <= 64:
        return Tiles4(tokens=64, stages=10)
    if tokens <= 128:
        return Tiles4(tokens=128, stages=6)
    return Tiles4()


class Linear4:
    """Y = (X8 W4ᵀ)·scales, bfloat16: tokens INT8, weights packed by `layout.pack4`."""

    def __init__(self, device: torch.device, tiles: Tiles4 | None = None) -> None:
        self.tiles = tiles
        self.programs = torch.cuda.get_device_properties(device).multi_processor_count

    def __call__(
        self,
        tokens: torch.Tensor,
        weights: torch.Tensor,
        token_scales: torch.Tensor,
        channel_scales: torch.Tensor,
        output: torch.Tensor,
    ) -> None:
        """Write output (t, m) from tokens (t, n), words (m, n/8) and a scale for each row."""
        tiles, channels = self.tiles or tiles4(len(tokens)), 128
        if not len(tokens):
            return
        count = -(-len(tokens) // tiles.tokens) * -(-len(weights) // channels)
        gluon_linear4.linear4_kernel[(min(self.programs, count),)](
            described(weights, [64, 16]),
            described(tokens, [tiles.tokens, 64]),
            described(output, [tiles.tokens, 64]),
            token_scales,
            channel_scales,
            len(tokens),
            len(weights),
            tokens.shape[1],
            TOKENS=tiles.tokens,
            CHANNELS=channels,
            STAGES=tiles.stages,
            BAND=tiles.band,
            REGISTERS=tiles.registers,
            num_warps=4,
        )
