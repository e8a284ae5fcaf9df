"""Sets up the Hopper kernels of 4-bit linear layers for one shape: splits, workspaces, launches."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch

from prototypes.weights.packing import COLUMNS, ROWS, padded
from prototypes.weights.quantize import GROUP

MOST_SMALL = 32
"""Rows up to which the kernel for few rows is taken."""


@dataclass(frozen=True, slots=True)
class Split:
    """How the kernel for few rows cuts its work.

    tokens: rows it has room for; blocks: 16 outputs each, of a warp; ways: warps that share
    outputs and divide the inputs among them; stages: places of the ring for x; programs a
    multiprocessor; fold: whether weights are scaled before the product.
    """

    tokens: int
    blocks: int = 4
    ways: int = 4
    stages: int = 3
    warps: int = 16
    programs: int = 1
    fold: bool = False

    @property
    def strip(self) -> int:
        """Outputs of a program at a time."""
        return self.warps // self.ways * 16 * self.blocks


BEST = (
    Split(8, ways=2, warps=8, programs=2),
    Split(16, blocks=2, ways=2, warps=8, programs=2),
    Split(32, blocks=2, ways=2, stages=2, fold=True),
)
"""By rows; found by the sweeps in LOG.md."""


def split_for(rows: int, groups: int) -> Split:
    """Return the best split for so many rows whose ways divide the groups of the inputs."""
    best = next(split for split in BEST if rows <= split.tokens)
    ways = best.ways
    while groups % ways:
        ways //= 2
    return replace(best, ways=ways)


class Small:
    """out (rows, outputs) = x (rows, inputs) W^T for up to 32 rows, in one launch.

    x and out float16, contiguous; packed and scales as `packing` has them, groups of 128. Raises
    `ValueError` for shapes that it isn't written for.
    """

    def __init__(
        self, rows: int, inputs: int, outputs: int, device: torch.device, split: Split | None = None
    ) -> None:
        if not 0 < rows <= MOST_SMALL or inputs % GROUP or outputs < 1:
            raise ValueError(f"{rows} rows by {inputs} inputs: takes 1 to 32 by multiples of 128.")
        groups = inputs // GROUP
        split = split or split_for(rows, groups)
        if groups % split.ways or rows > split.tokens or split.strip % ROWS:
            raise ValueError(f"{split} doesn't fit {rows} rows and {groups} groups.")
        self.rows, self.inputs, self.outputs, self.split = rows, inputs, outputs, split
        self.tiles = padded(outputs) // ROWS
        strips = -(-padded(outputs) // split.strip)
        self.slices = groups // split.ways
        self.units = strips * self.slices
        cores = torch.cuda.get_device_properties(device).multi_processor_count
        self.programs = min(cores * split.programs, self.units)
        self.partial = torch.empty(
            (self.programs, 2, split.tokens, split.strip), dtype=torch.float32, device=device
        )
        self.tickets = torch.zeros(strips, dtype=torch.int32, device=device)

    def __call__(
        self, x: torch.Tensor, packed: torch.Tensor, scales: torch.Tensor, out: torch.Tensor
    ) -> None:
        """Write `out`."""
        from prototypes.weights import gluon_small

        split, kernel = self.split, gluon_small.small
        options: dict[str, Any] = {"num_warps": split.warps}
        if split.programs > 1:
            options["maxnreg"] = 65536 // (32 * split.warps * split.programs)
        launch: Any = kernel[(self.programs,)]
        launch(
            x, packed, scales.view(torch.int32), out, self.partial, self.tickets, self.rows,
            self.inputs, self.outputs, self.tiles, self.slices, self.units, self.programs,
            TOKENS=split.tokens, BLOCKS=split.blocks, WAYS=split.ways, STAGES=split.stages,
            NW=split.warps, FOLD=split.fold, **options,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tile:
    """How the kernel for many rows cuts its work: rows of a tile, places of the ring, steps that
    codes are read ahead, registers of a thread, programs a multiprocessor."""

    tokens: int
    stages: int
    ahead: int
    registers: int
    programs: int = 1


TILES = (Tile(64, 6, 4, 104, 2), Tile(128, 6, 4, 160), Tile(256, 5, 2, 240))
"""By rows: the first that has room for all, else the last."""


def tile_for(rows: int, steps: int) -> Tile:
    """Return the best tile for so many rows; what it reads ahead divides its steps."""
    best = next((tile for tile in TILES if rows <= tile.tokens), TILES[-1])
    return best if steps % best.ahead == 0 else replace(best, ahead=2)


class Large:
    """out (rows, outputs) = x (rows, inputs) W^T for many rows, in one launch.

    As `Small`; outputs are multiples of 8 here. Raises `ValueError` for other shapes.
    """

    def __init__(
        self, rows: int, inputs: int, outputs: int, device: torch.device, tile: Tile | None = None
    ) -> None:
        if rows < 1 or inputs % GROUP or outputs < 1 or outputs % 8:
            raise ValueError(f"{inputs} inputs, {outputs} outputs: takes multiples of 128 and 8.")
        self.rows, self.inputs, self.outputs = rows, inputs, outputs
        self.tile = tile or tile_for(rows, inputs // COLUMNS)
        if inputs // COLUMNS % self.tile.ahead:
            raise ValueError(f"{self.tile} doesn't fit {inputs} inputs.")
        self.tiles = padded(outputs) // ROWS
        self.row_tiles = -(-rows // self.tile.tokens)
        self.work = -(-self.tiles // 2) * self.row_tiles
        cores = torch.cuda.get_device_properties(device).multi_processor_count
        self.programs = min(cores * self.tile.programs, self.work)

    def __call__(
        self, x: torch.Tensor, packed: torch.Tensor, scales: torch.Tensor, out: torch.Tensor
    ) -> None:
        """Write `out`."""
        from triton.experimental.gluon import language as gl
        from triton.experimental.gluon.nvidia.hopper import TensorDescriptor

        from prototypes.weights import gluon_large

        tile = self.tile
        box = [tile.tokens, COLUMNS]
        layout = gl.NVMMASharedLayout.get_default_for(box, gl.float16)
        options: dict[str, Any] = {"num_warps": 4}
        if tile.programs > 1:  # of 12 warps' registers, before the roles share them out
            options["maxnreg"] = 65536 // (384 * tile.programs) // 8 * 8
        launch: Any = gluon_large.large[(self.programs,)]
        launch(
            TensorDescriptor.from_tensor(x, box, layout), packed, scales.view(torch.int32),
            TensorDescriptor.from_tensor(out, box, layout), self.work, self.row_tiles,
            self.inputs // COLUMNS, self.tiles, self.inputs // COLUMNS, TOKENS=tile.tokens,
            STAGES=tile.stages, AHEAD=tile.ahead, REGISTERS=tile.registers, **options,
        )  # fmt: skip


def linear(rows: int, inputs: int, outputs: int, device: torch.device) -> Small | Large:
    """Return the kernel for so many rows."""
    kind = Small if rows <= MOST_SMALL else Large
    return kind(rows, inputs, outputs, device)


class Stream:
    """As `Large`; tiles that don't fill a round of all programs are cut up among them."""

    def __init__(
        self, rows: int, inputs: int, outputs: int, device: torch.device, tile: Tile | None = None
    ) -> None:
        if rows < 1 or inputs % GROUP or outputs < 1 or outputs % 8:
            raise ValueError(f"{inputs} inputs, {outputs} outputs: takes multiples of 128 and 8.")
        self.rows, self.inputs, self.outputs = rows, inputs, outputs
        steps = inputs // COLUMNS
        self.tile = tile = tile or tile_for(rows, steps)
        if steps % tile.ahead:
            raise ValueError(f"{tile} doesn't fit {inputs} inputs.")
        self.units = steps // tile.ahead
        self.tiles = padded(outputs) // ROWS
        self.row_tiles = -(-rows // tile.tokens)
        work = -(-self.tiles // 2) * self.row_tiles
        cores = torch.cuda.get_device_properties(device).multi_processor_count
        self.programs = min(cores * tile.programs, work * self.units)
        self.stream = work % self.programs
        self.whole = work - self.stream
        pieces = self.programs if self.stream else 1
        self.partial = torch.empty(
            (pieces, 2, 2, ROWS, tile.tokens), dtype=torch.float32, device=device
        )
        self.tickets = torch.zeros(2 * self.stream + 1, dtype=torch.int32, device=device)

    def __call__(
        self, x: torch.Tensor, packed: torch.Tensor, scales: torch.Tensor, out: torch.Tensor
    ) -> None:
        """Write `out`."""
        from triton.experimental.gluon import language as gl
        from triton.experimental.gluon.nvidia.hopper import TensorDescriptor

        from prototypes.weights import gluon_stream

        tile = self.tile
        box = [tile.tokens, COLUMNS]
        layout = gl.NVMMASharedLayout.get_default_for(box, gl.float16)
        options: dict[str, Any] = {"num_warps": 4}
        if tile.programs > 1:  # of 12 warps' registers, before the roles share them out
            options["maxnreg"] = 65536 // (384 * tile.programs) // 8 * 8
        launch: Any = gluon_stream.large[(self.programs,)]
        launch(
            TensorDescriptor.from_tensor(x, box, layout), packed, scales.view(torch.int32),
            TensorDescriptor.from_tensor(out, box, layout), self.partial, self.tickets, self.whole,
            self.stream, self.row_tiles, self.units, self.tiles, self.inputs // COLUMNS,
            TOKENS=tile.tokens, STAGES=tile.stages, AHEAD=tile.ahead, REGISTERS=tile.registers,
            **options,
        )  # fmt: skip
