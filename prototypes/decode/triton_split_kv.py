"""Launches decode attention on a GPU: workspace once, then one kernel a call."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
import triton

from prototypes.decode.pages import PAGE
from prototypes.decode.triton_kernels import attend_kernel


@dataclass(frozen=True, slots=True)
class Tiles:
    """Sizes that were tuned on an H100; LOG.md has the numbers."""

    block_n: int = 32
    warps: int = 4
    stages: int = 3
    programs: int = 2
    """Programs a multiprocessor."""
    parts: int = 16
    """Parts of a row that are joined at a time."""
    beginning: int = 8
    """What it takes to begin a row, in pages."""
    least: int = 8
    """Pages that a program has at least: a row in fewer parts is joined sooner."""


class Attend:
    """One decode step of `rows` = batch x kv_heads rows of a cache, each asked by `queries` heads.

    Calls take q (rows, queries, head_dim) and write `out` of the same shape. float16 or bfloat16
    tensors, contiguous; scores are scaled by 1 / sqrt(head_dim) unless `scale` says otherwise.
    """

    def __init__(
        self,
        rows: int,
        queries: int,
        head_dim: int,
        device: torch.device,
        tiles: Tiles | None = None,
        scale: float | None = None,
    ) -> None:
        self.tiles = tiles or Tiles()
        self._programs = self.tiles.programs * multiprocessors(device)
        parts = 2 * self._programs

        def room(*shape: int, kind: torch.dtype = torch.float32) -> torch.Tensor:
            return torch.zeros(shape, dtype=kind, device=device)

        self._sums = room(parts, queries, head_dim)
        self._maxima, self._weights = room(parts, queries), room(parts, queries)
        self._tickets = room(rows, kind=torch.int32)
        scale = 1 / math.sqrt(head_dim) if scale is None else scale
        self._scale = scale * math.log2(math.e)
        self._rows, self._queries, self._head_dim = rows, queries, head_dim

    def contiguous(
        self,
        q: torch.Tensor,
        k: torch.Tensor,
        v: torch.Tensor,
        out: torch.Tensor,
        lengths: torch.Tensor | None = None,
    ) -> None:
        """Attend over k, v (rows, seq, head_dim); `lengths` (rows,) int32, if not all of seq."""
        self._launch(q, k, v, None, lengths, out, k.shape[-2], 0)

    def paged(
        self,
        q: torch.Tensor,
        k: torch.Tensor,
        v: torch.Tensor,
        table: torch.Tensor,
        lengths: torch.Tensor,
        out: torch.Tensor,
    ) -> None:
        """Attend over pages (pages, PAGE, head_dim) by `table` (rows, most) and `lengths` (rows,).

        Both int32. A row of length 0 gives zeros.
        """
        self._launch(q, k, v, table, lengths, out, 0, table.shape[-1])

    def _launch(
        self,
        q: torch.Tensor,
        k: torch.Tensor,
        v: torch.Tensor,
        table: torch.Tensor | None,
        lengths: torch.Tensor | None,
        out: torch.Tensor,
        sequence: int,
        table_stride: int,
    ) -> None:
        most = sequence if table is None else PAGE * table_stride
        work = self._rows * (-(-most // PAGE) + self.tiles.beginning)
        if work * (self._programs + 1) >= 1 << 31:
            raise ValueError("The cache has too many pages for one call: split the batch.")
        kernel: Any = attend_kernel
        kernel[(self._programs,)](
            q,
            k,
            v,
            self._tickets if table is None else table,
            self._tickets if lengths is None else lengths,
            out,
            self._sums,
            self._maxima,
            self._weights,
            self._tickets,
            self._rows,
            sequence,
            table_stride,
            self._scale,
            **constants(
                self._rows,
                self._queries,
                self._head_dim,
                table is not None,
                lengths is not None,
                self.tiles,
            ),
            num_warps=self.tiles.warps,
        )


def constants(
    rows: int, queries: int, head_dim: int, paged: bool, ragged: bool, tiles: Tiles
) -> Mapping[str, int | bool]:
    """Return what the kernel is compiled for."""
    few = int(triton.next_power_of_2(queries))
    return {
        "ROWS": max(2, int(triton.next_power_of_2(rows))),
        "QUERIES": queries,
        "FEW": few,
        "HEAD_DIM": head_dim,
        "BLOCK_M": max(16, few),
        "BLOCK_N": tiles.block_n,
        "PAGE": PAGE,
        "PAGED": paged,
        "RAGGED": ragged,
        "PARTS": tiles.parts,
        "STAGES": tiles.stages,
        "BEGINNING": tiles.beginning,
        "LEAST": tiles.least,
    }


def multiprocessors(device: torch.device) -> int:
    """Return how many the device has; a few where the kernels are interpreted."""
    if device.type != "cuda":
        return 3
    return int(torch.cuda.get_device_properties(device).multi_processor_count)
