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
PROGRAMS = 252
"""Two a multiprocessor, and as many shares of 7, 14 or 28 stripes as make a whole."""
MOST_SHARES = 18
"""Joining is code that runs once and is fetched cold: 64 shares took 80 microseconds."""
LEAST = 224
"""Inputs of a share, active or not: fewer are sooner read than joined."""


@dataclass(frozen=True, slots=True)
class Split:
    """How a layer is spread over programs; LOG.md has the numbers of an H100."""

    shares: int
    """Programs that share a stripe's active inputs."""
    warps: int = 8
    """Warps of a program, 256 outputs each."""
    registers: int | None = 128
    """Bound on registers a thread: fewer let more programs share a multiprocessor."""

    @classmethod
    def of(cls, inputs: int, outputs: int) -> Split:
        """Return the split that was fastest for layers of Llama's sizes."""
        stripes = -(-outputs // (PANEL * 8))
        return cls(max(1, min(PROGRAMS // stripes, MOST_SHARES, -(-inputs // LEAST))))


class HopperProduct:
    """y = sum of x_k W[k, :] over the inputs above their threshold.

    Calls take x (inputs,) float16, thresholds (1,) or (inputs,) float32, codes and scales as
    `rows4` has them, and write out (outputs,) float16.
    """

    def __init__(
        self, inputs: int, outputs: int, device: torch.device, split: Split | None = None
    ) -> None:
        """Raises `ValueError` for a layer that it can't do: ask `fits` first."""
        self.split = split or Split.of(inputs, outputs)
        if not fits(inputs, outputs):
            raise ValueError("The fast product wants inputs in eights and outputs in 32s.")
        self._inputs, self._outputs = inputs, outputs
        self._stripes = -(-outputs // (PANEL * self.split.warps))
        self._room = -(-(-(-inputs // self.split.shares) + SLACK) // 16) * 16
        programs = self._stripes * self.split.shares
        self._words = torch.zeros((programs, self._room), dtype=torch.int32, device=device)
        self._partial = torch.zeros((self.split.shares, outputs), device=device)
        self._tickets = torch.zeros(self._stripes, dtype=torch.int32, device=device)

    def int4(
        self,
        x: torch.Tensor,
        thresholds: torch.Tensor,
        codes: torch.Tensor,
        scales: torch.Tensor,
        out: torch.Tensor,
    ) -> None:
        """Multiply by weights of 4 bits."""
        kernel: Any = gluon_int4.sparse_int4_product
        kernel[self._grid](
            x,
            thresholds,
            codes,
            scales,
            out,
            *self._work,
            codes.shape[1],
            scales.shape[1],
            GROUP=self._outputs // scales.shape[1],
            **self._constants(thresholds),
        )

    @property
    def _grid(self) -> tuple[int]:
        return (self._stripes * self.split.shares,)

    @property
    def _work(self) -> tuple[Any, ...]:
        sizes = (self._room, self._inputs, self._outputs)
        return (self._words, self._partial, self._tickets, *sizes)

    def _constants(self, thresholds: torch.Tensor) -> dict[str, Any]:
        limits = {"maxnreg": self.split.registers} if self.split.registers else {}
        return limits | {
            "PER_CHANNEL": thresholds.numel() > 1,
            "SHARES": self.split.shares,
            "TURNS": -(-self._inputs // (1024 * self.split.warps)),
            "NW": self.split.warps,
            "num_warps": self.split.warps,
        }


def fits(inputs: int, outputs: int) -> bool:
    """Whether the fast product can do a layer: 16 bytes at a time, places in 32 bits."""
    small = inputs <= 1 << 16 and inputs * outputs < 1 << 31
    return small and inputs % 8 == 0 and outputs % 32 == 0
