"""Launches tree attention on a GPU: workspace once, then a kernel over the tokens and a join."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
import triton

from prototypes.decode.pages import PAGE
from prototypes.decode.triton_split_kv import multiprocessors
from prototypes.eagle3.triton_tree_kernels import join_kernel, tree_kernel
from prototypes.speculation.tree import MOST_NODES

MOST_SPLITS = 32
"""A program of the join holds a part of each."""


@dataclass(frozen=True, slots=True)
class Tiles:
    """Sizes that were tuned on an H100; LOG.md has the numbers."""

    block_m: int = 128
    block_n: int = 64
    warps: int = 8
    stages: int = 3
    programs: int = 1
    """Programs a multiprocessor."""
    joined: int = 4
    """Queries that a program joins."""
    early: bool = False
    """Whether the join is launched before the kernel over the tokens ends."""
    specialized: bool = False
    """Whether warps have roles (`gluon_tree`): Hopper, float16, a cache in one piece."""

    @classmethod
    def for_queries(cls, queries: int) -> Tiles:
        """Return the sizes for so many queries a KV head."""
        if queries <= 16:
            return cls(16, 64, 4, 3, 2)
        if queries <= 32:
            return cls(32, 64, 4, 3, 2)
        if queries <= 64:
            return cls(64, 64, 4, 3, 2)
        return cls()


def tuned(queries: int, head_dim: int, device: torch.device) -> Tiles:
    """Return the sizes for float16 caches in one piece: with roles for warps where they pay."""
    hopper = device.type == "cuda" and torch.cuda.get_device_capability(device)[0] == 9
    if hopper and queries > 64 and head_dim == 128:
        return Tiles(128, 128, 4, 2, 1, specialized=True)
    return Tiles.for_queries(queries)


class TreeAttention:
    """Attention of `nodes` tree nodes a sequence, `heads` query heads on `kv_heads`.

    Calls take q (batch, heads, nodes, head_dim) and write `out` like it. float16 or bfloat16,
    contiguous; specialized tiles: float16 only, and a cache in one piece. Raises `ValueError` where
    a mask has too few bits.
    """

    def __init__(
        self,
        batch: int,
        heads: int,
        kv_heads: int,
        nodes: int,
        head_dim: int,
        device: torch.device,
        tiles: Tiles | None = None,
        splits: int | None = None,
    ) -> None:
        if not 1 <= nodes <= MOST_NODES:
            raise ValueError(f"A tree has 1 to {MOST_NODES} nodes here, not {nodes}.")
        self._rows, self._queries = batch * kv_heads, heads // kv_heads * nodes
        self._kv_heads, self._nodes, self._head_dim = kv_heads, nodes, head_dim
        self.tiles = tiles or Tiles.for_queries(self._queries)
        self._across = -(-self._queries // self.tiles.block_m)
        programs = self.tiles.programs * multiprocessors(device)
        self.splits = splits or min(max(1, programs // (self._rows * self._across)), MOST_SPLITS)
        parts = (self._rows, self.splits, self._queries)
        self._sums = torch.empty((*parts, head_dim), device=device)
        self._tops, self._weights = (torch.empty(parts, device=device) for _ in range(2))
        self._scale = math.log2(math.e) / math.sqrt(head_dim)
        self._quick = device.type == "cuda"
        self._early = self._quick and self.tiles.early and self.splits > 1

    def contiguous(
        self,
        q: torch.Tensor,
        k: torch.Tensor,
        v: torch.Tensor,
        lengths: torch.Tensor,
        masks: torch.Tensor,
        out: torch.Tensor,
    ) -> None:
        """Attend over k, v (batch, kv_heads, capacity, head_dim).

        lengths (batch,) int32: the prefix's tokens, after which the tree's nodes lie. masks (batch,
        nodes) int64, as `speculation.tree.Tree.masks`.
        """
        self._launch(q, k, v, None, lengths, masks, out)

    def paged(
        self,
        q: torch.Tensor,
        k: torch.Tensor,
        v: torch.Tensor,
        table: torch.Tensor,
        lengths: torch.Tensor,
        masks: torch.Tensor,
        out: torch.Tensor,
    ) -> None:
        """Attend over pages (pages, PAGE, head_dim) by `table` (batch, kv_heads, most) int32."""
        self._launch(q, k, v, table, lengths, masks, out)

    def _launch(
        self,
        q: torch.Tensor,
        k: torch.Tensor,
        v: torch.Tensor,
        table: torch.Tensor | None,
        lengths: torch.Tensor,
        masks: torch.Tensor,
        out: torch.Tensor,
    ) -> None:
        if self.tiles.specialized:
            if table is not None or q.dtype is not torch.float16:
                raise ValueError("Warps with roles take float16 caches in one piece.")
            self._launch_specialized(q, k, v, lengths, masks)
        else:
            self._launch_tiles(q, k, v, table, lengths, masks, out)
            if self.splits == 1:
                return
        join: Any = join_kernel
        join[(self._rows * -(-self._queries // self.tiles.joined),)](
            out,
            self._sums,
            self._tops,
            self._weights,
            **self.joining(),
            num_warps=4,
            **({"launch_pdl": True} if self._early else {}),
        )

    def _launch_tiles(
        self,
        q: torch.Tensor,
        k: torch.Tensor,
        v: torch.Tensor,
        table: torch.Tensor | None,
        lengths: torch.Tensor,
        masks: torch.Tensor,
        out: torch.Tensor,
    ) -> None:
        kernel: Any = tree_kernel
        kernel[(self._rows * self.splits * self._across,)](
            q,
            k,
            v,
            lengths if table is None else table,
            lengths,
            masks,
            out,
            self._sums,
            self._tops,
            self._weights,
            k.shape[-2],
            0 if table is None else table.shape[-1],
            self._scale,
            **self.constants(table is not None),
            num_warps=self.tiles.warps,
        )

    def _launch_specialized(
        self,
        q: torch.Tensor,
        k: torch.Tensor,
        v: torch.Tensor,
        lengths: torch.Tensor,
        masks: torch.Tensor,
    ) -> None:
        from triton.experimental.gluon import language as gl
        from triton.experimental.gluon.nvidia.hopper import TensorDescriptor

        from prototypes.eagle3 import gluon_tree

        tile = [self.tiles.block_n, self._head_dim]
        layout = gl.NVMMASharedLayout.get_default_for(tile, gl.float16)
        descriptors = (
            TensorDescriptor.from_tensor(x.view(-1, self._head_dim), tile, layout) for x in (k, v)
        )
        kernel: Any = gluon_tree.tree_kernel
        kernel[(self._rows * self.splits * self._across,)](
            q, *descriptors, lengths, masks, self._sums, self._tops, self._weights, k.shape[-2],
            self._scale, KV_HEADS=self._kv_heads, QUERIES=self._queries, NODES=self._nodes,
            DIM=self._head_dim, KEYS=self.tiles.block_n, SPLITS=self.splits,
            STAGES=self.tiles.stages, REGISTERS=240, num_warps=4,
        )  # fmt: skip

    def constants(self, paged: bool) -> Mapping[str, int | bool]:
        """Return what the kernel over the tokens is compiled for."""
        return {
            "KV_HEADS": self._kv_heads,
            "QUERIES": self._queries,
            "NODES": self._nodes,
            "HEAD_DIM": self._head_dim,
            "BLOCK_M": self.tiles.block_m,
            "BLOCK_N": self.tiles.block_n,
            "SPLITS": self.splits,
            "PAGE": PAGE,
            "PAGED": paged,
            "STAGES": self.tiles.stages,
            "QUICK": self._quick,
            "EARLY": self._early,
        }

    def joining(self) -> Mapping[str, int | bool]:
        """Return what the join is compiled for."""
        return {
            "QUERIES": self._queries,
            "HEAD_DIM": self._head_dim,
            "SPLITS": self.splits,
            "PARTS": int(triton.next_power_of_2(self.splits)),
            "BLOCK": self.tiles.joined,
            "EARLY": self._early,
        }
