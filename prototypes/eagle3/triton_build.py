"""Launches the building of a tree, one kernel a level, and the move of the accepted path."""

from __future__ import annotations

from typing import Any

import torch
import triton

from prototypes.eagle3.triton_build_kernels import compact_kernel, expand_kernel
from prototypes.speculation.tree import MOST_NODES

CHUNK, WARPS = 4096, 8
"""Logits that a program searches, and its warps; LOG.md has the numbers."""
MOST_VOCABULARY = 1 << 16
"""A place has 16 bits."""


class TreeBuilder:
    """Builds a tree of `nodes` drafted tokens, `levels` deep, `width` children a node.

    Draft and builder take turns: `expand(level, logits)` for each level; the frontier's tokens are
    in `tokens` at `frontier`. Raises `ValueError` for sizes that don't fit.
    """

    def __init__(
        self,
        batch: int,
        levels: int,
        width: int,
        nodes: int,
        vocabulary: int,
        device: torch.device,
        chunk: int = CHUNK,
        warps: int = WARPS,
    ) -> None:
        made = width + (levels - 1) * width * width
        if not 1 <= nodes < MOST_NODES or nodes > made or vocabulary > MOST_VOCABULARY:
            raise ValueError(
                f"At most {min(made, MOST_NODES - 1)} nodes and {MOST_VOCABULARY} drafted tokens."
            )
        if vocabulary < width:
            raise ValueError(f"{width} children of {vocabulary} tokens aren't different ones.")
        self._batch, self._levels, self._width, self._nodes = batch, levels, width, nodes
        self._vocabulary, self._warps = vocabulary, warps
        wide = max(2, int(triton.next_power_of_2(width)))
        chunks = int(triton.next_power_of_2(-(-vocabulary // chunk)))
        front = int(triton.next_power_of_2(width * width))
        # The next level's programs are in place before this level ends, and wait for its end.
        self._early = device.type == "cuda" and torch.cuda.get_device_capability(device)[0] >= 9
        self._sizes = {
            "CHUNK": chunk,
            "CHUNKS": chunks,
            "WIDE": wide,
            "FRONT": front,
            "COPIES": max(1, 32 * warps // front),
            "ROOM": int(triton.next_power_of_2(made)),
        }

        def room(*shape: int, kind: torch.dtype = torch.int32) -> torch.Tensor:
            return torch.zeros(shape, dtype=kind, device=device)

        self.scores = room(batch, made, kind=torch.float32)
        self.tokens, self.parents = room(batch, made), room(batch, made)
        self.frontier = room(batch, width)
        self._above = room(batch, width, kind=torch.float32)
        self._keys = room(batch, width, chunks, wide)
        self._places = room(batch, made)
        self._maxima = room(batch, width, chunks, kind=torch.float32)
        self._sums = room(batch, width, chunks, kind=torch.float32)
        self._tickets = room(batch)

    def expand(
        self,
        level: int,
        logits: torch.Tensor,
        ids: torch.Tensor,
        root: torch.Tensor,
        tokens: torch.Tensor,
        parents: torch.Tensor,
        depths: torch.Tensor,
        masks: torch.Tensor,
    ) -> None:
        """Give the frontier children by logits (batch, width, vocabulary), 16-bit floats.

        ids (vocabulary,) int32: the target's token of each drafted one. root (batch,) int32. The
        last level writes tokens, parents, depths (batch, nodes + 1) int32 and masks int64.
        """
        kernel: Any = expand_kernel
        rows = self._width if level else 1
        kernel[(rows * self._sizes["CHUNKS"], self._batch)](
            logits, ids, root, self.scores, self.tokens, self.parents, self.frontier, self._above,
            self._keys, self._maxima, self._sums, self._places, self._tickets, tokens, parents,
            depths, masks, level, **self.constants(), num_warps=self._warps,
            **({"launch_pdl": True} if self._early else {}),
        )  # fmt: skip

    def build(
        self,
        logits: torch.Tensor,
        ids: torch.Tensor,
        root: torch.Tensor,
        tokens: torch.Tensor,
        parents: torch.Tensor,
        depths: torch.Tensor,
        masks: torch.Tensor,
    ) -> None:
        """Build the whole tree from logits (levels, batch, width, vocabulary)."""
        for level in range(self._levels):
            self.expand(level, logits[level], ids, root, tokens, parents, depths, masks)

    def constants(self) -> dict[str, int | bool]:
        """Return what the kernel is compiled for: all levels are one code."""
        return {
            "VOCABULARY": self._vocabulary,
            "WIDTH": self._width,
            "LEVELS": self._levels,
            "NODES": self._nodes,
            **self._sizes,
            "EARLY": self._early,
        }


def compact(
    cache: torch.Tensor,
    path: torch.Tensor,
    counts: torch.Tensor,
    lengths: torch.Tensor,
    new_lengths: torch.Tensor,
) -> None:
    """Move the accepted path's keys and values to the prefix's end, all layers in one launch.

    cache (layers, 2, batch, kv_heads, capacity, head_dim), in place; path (batch, most) int32:
    nodes, the root first; counts, lengths (batch,) int32; new_lengths (batch,) is written.
    """
    layers, two, batch, heads, capacity, head_dim = cache.shape
    kernel: Any = compact_kernel
    kernel[(layers * two * batch * heads,)](
        cache, path, counts, lengths, new_lengths, capacity, heads, batch,
        MOST=path.shape[1], ROWS=max(2, int(triton.next_power_of_2(path.shape[1]))),
        HEAD_DIM=head_dim, num_warps=1,
    )  # fmt: skip
