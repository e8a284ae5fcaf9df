"""Launches the eviction on a GPU: workspace once, then six kernels a call, none that sorts."""

from __future__ import annotations

from typing import Any

import torch
import triton

from prototypes.decode.pages import PAGE
from prototypes.kv_compress.eviction import DIGITS
from prototypes.kv_compress.triton_evict_kernels import (
    digit_kernel,
    mark_kernel,
    rest_kernel,
)

BLOCK = 4096
"""Entries a program."""


class Evict:
    """Eviction for metrics of one shape (batch, heads, seq), `evicted` pages of each sequence."""

    def __init__(
        self,
        batch: int,
        heads: int,
        sequence: int,
        evicted: int,
        device: torch.device,
        block: int = BLOCK,
        warps: int = 8,
    ) -> None:
        rows, tiles = batch * heads, int(triton.cdiv(sequence, block))

        def room(*shape: int) -> torch.Tensor:
            return torch.zeros(shape, dtype=torch.int32, device=device)

        widest = 1 << max(width for _, width in DIGITS)
        self._counting = (
            room(rows, widest),
            room(rows, widest),
            room(batch, widest),
            room(rows),
            room(batch),
        )
        self._threshold, self._below, self._more = room(batch), room(rows), room(rows)
        self._ties, self._best = room(rows, tiles), room(rows, tiles, PAGE)
        self._counts = room(rows, tiles, PAGE)
        self._shape = (rows, tiles, heads, sequence)
        self._evicted, self._block, self._warps = evicted, block, warps

    def __call__(self, metric: torch.Tensor, lengths: torch.Tensor, stays: torch.Tensor) -> None:
        """Write how many tokens of each head stay (batch, heads) int32, and which, uint8.

        `metric` (batch, heads, seq) float32, contiguous; no entry may be negative or NaN.
        """
        rows, tiles, heads, sequence = self._shape
        digit, rest, mark = _kernels()
        bits = metric.view(torch.int32)
        sizes: dict[str, Any] = {"BLOCK": self._block, "PAGE": PAGE, "num_warps": self._warps}
        for number, (shift, width) in enumerate(DIGITS):
            digit[(rows, tiles)](
                bits,
                *self._counting,
                self._threshold,
                self._below,
                self._more,
                lengths,
                heads,
                sequence,
                self._evicted,
                SHIFT=shift,
                WIDTH=width,
                HEADS=max(2, int(triton.next_power_of_2(heads))),
                FIRST=number == 0,
                LAST=number == len(DIGITS) - 1,
                **sizes,
            )
        ties = (self._threshold, self._more, self._ties, self._best, self._counts)
        rest[(rows, tiles)](bits, *ties, heads, sequence, **sizes)
        padded = max(2, int(triton.next_power_of_2(tiles)))
        mark[(rows, tiles)](bits, *ties, stays, heads, sequence, TILES=padded, **sizes)


def _kernels() -> tuple[Any, Any, Any]:
    return digit_kernel, rest_kernel, mark_kernel
