"""Launches the fast 4-bit product on Hopper: workspace once, then one kernel a call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from prototypes.teal import gluon_int4

PANEL = 256
"""Outputs of a warp."""
SLACK = 64
"""Words past the end of a list that may be read."""


@dataclass(frozen=True, slots=True)
class Split:
    """How a layer is spread over programs; LOG.md has the numbers of an H100."""

    shares: int = 9
    """Programs that share a stripe's active inputs."""
    warps: int = 8
    """Warps of a program, 256 outputs each."""
    registers: int | None = 128
    """Bound on registers a thread: fewer let more programs share a multiprocessor."""


def split_of(inputs: int, outputs: int) -> Split:
    """Return the split that was fastest on an H100: two programs a multiprocessor at the most."""
    stripes = -(-outputs // (PANEL * 8))
    return Split(shares=max(1, min(252 // stripes, -(-inputs // 256))))


class SparseInt4:
    """y = sum of x_k W[k, :] over the inputs above their threshold, W in 4 bits (`rows4`).

    Calls take x (inputs,) float16, thresholds (1,) or (inputs,) float32, codes, scales and write
    out (outputs,) float16. Raises `ValueError` where the outputs aren't whole groups of 32.
    """

    def __init__(
        self, inputs: int, outputs: int, device: torch.device, split: Split | None = None
    ) -> None:
        self.split = split or Split()
        if outputs % 32 or inputs % 8 or inputs > 1 << 16:
            raise ValueError(
                "The fast 4-bit product wants outputs in 32s, and inputs in 8s, 65536 at most."
            )
        self._inputs, self._outputs = inputs, outputs
        self._stripes = -(-outputs // (PANEL * self.split.warps))
        self._room = -(-(-(-inputs // self.split.shares) + SLACK) // 16) * 16
        programs = self._stripes * self.split.shares
        self._words = torch.zeros((programs, self._room), dtype=torch.int32, device=device)
        self._partial = torch.zeros((self.split.shares, outputs), device=device)
        self._tickets = torch.zeros(self._stripes, dtype=torch.int32, device=device)

    def __call__(
        self,
        x: torch.Tensor,
        thresholds: torch.Tensor,
        codes: torch.Tensor,
        scales: torch.Tensor,
        out: torch.Tensor,
    ) -> None:
        """Multiply."""
        kernel: Any = gluon_int4.sparse_int4_product
        limits = {"maxnreg": self.split.registers} if self.split.registers else {}
        kernel[(self._stripes * self.split.shares,)](
            x,
            thresholds,
            codes,
            scales,
            out,
            self._words,
            self._partial,
            self._tickets,
            self._room,
            self._inputs,
            self._outputs,
            codes.shape[1],
            scales.shape[1],
            PER_CHANNEL=thresholds.numel() > 1,
            SHARES=self.split.shares,
            GROUP=self._outputs // scales.shape[1],
            TURNS=-(-self._inputs // (1024 * self.split.warps)),
            NW=self.split.warps,
            num_warps=self.split.warps,
            **limits,
        )
