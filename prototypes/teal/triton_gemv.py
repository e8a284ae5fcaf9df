"""Launches the sparse products on a GPU: workspace once, then one kernel a call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import triton

from prototypes.harness.workload import Kernel, Tensors
from prototypes.teal import triton_kernels
from prototypes.teal.inputs import Plan

MOST_ELEMENTS = 1 << 31
"""Places of weights are counted in 32 bits."""


@dataclass(frozen=True, slots=True)
class Tiles:
    """Sizes that were tuned on an H100; LOG.md has the numbers."""

    width: int = 896
    """Outputs of a stripe."""
    shares: int = 8
    """Programs that share a stripe's active inputs."""
    deep: int = 8
    """Inputs that a thread reads at a time."""
    beside: int = 1
    """Groups of warps that read other inputs of the same outputs."""
    warps: int = 4
    registers: int | None = None
    """Bound on registers a thread: fewer let more programs share a multiprocessor."""
    parts: int = 32
    """Inputs that a thread looks at together for the list of active ones."""

    @property
    def columns(self) -> int:
        """The power of two that holds a stripe."""
        return int(triton.next_power_of_2(self.width))


def build(plan: Plan, device: torch.device) -> Kernel:
    """Return the product of a case: by matrix units for 4 bits on Hopper, else Triton's."""
    product = product_of(plan, device)

    def run(inputs: Tensors, outputs: Tensors) -> None:
        x, thresholds, out = inputs["x"], inputs["thresholds"], outputs["out"]
        if plan.is_int4:
            product.int4(x, thresholds, inputs["codes"], inputs["scales"], out)
        else:
            product(x, thresholds, inputs["weights"], out)

    return run


def product_of(plan: Plan, device: torch.device) -> Any:
    """Return a `SparseProduct`, or a `HopperProduct` where 4 bits are all that is asked."""
    if plan.is_int4 and is_hopper(device):
        from prototypes.teal.gluon_launch import HopperProduct, fits

        if fits(plan.inputs, plan.outputs):
            return HopperProduct(plan.inputs, plan.outputs, device)
    tiles = tiles_of(plan.inputs, plan.outputs)
    return SparseProduct(plan.inputs, plan.outputs, device, tiles)


def is_hopper(device: torch.device) -> bool:
    """Whether the device has Hopper's instructions."""
    return device.type == "cuda" and torch.cuda.get_device_capability(device)[0] == 9


def tiles_of(inputs: int, outputs: int) -> Tiles:
    """Return the tiles that were fastest on an H100: two programs of 8 warps a multiprocessor."""
    if outputs >= 49152:
        return Tiles(width=1792, shares=8, deep=8, beside=1, warps=8)
    if outputs >= 16384:
        return Tiles(width=896, shares=8, deep=8, beside=2, warps=8)
    if inputs > 8192:
        return Tiles(width=1024, shares=32, deep=8, beside=2, warps=8)
    return Tiles(width=256, shares=8, deep=8, beside=8, warps=8)


class SparseProduct:
    """y = sum of x_k W[k, :] over the inputs above their threshold.

    Calls take x (inputs,) float16 or bfloat16, thresholds (1,) or (inputs,) float32, weights
    (inputs, outputs) like x and write out (outputs,). Raises `ValueError` where the weights are
    more than a call can count.
    """

    def __init__(
        self, inputs: int, outputs: int, device: torch.device, tiles: Tiles | None = None
    ) -> None:
        self.tiles = tiles or Tiles()
        if inputs * outputs >= MOST_ELEMENTS or inputs > 1 << 16:
            raise ValueError("More weights than a call counts: split the layer.")
        self._inputs, self._outputs = inputs, outputs
        self._room = -(-inputs // self.tiles.shares)
        self._stripes = -(-outputs // self.tiles.width)
        programs = self._stripes * self.tiles.shares
        self._words = torch.zeros((programs, self._room), dtype=torch.int32, device=device)
        self._partial = torch.zeros((self.tiles.shares, outputs), device=device)
        self._tickets = torch.zeros(self._stripes, dtype=torch.int32, device=device)

    def _constants(self, thresholds: torch.Tensor) -> dict[str, Any]:
        threads = 32 * self.tiles.warps
        limits = {"maxnreg": self.tiles.registers} if self.tiles.registers else {}
        return limits | {
            "PER_CHANNEL": thresholds.numel() > 1,
            "SHARES": self.tiles.shares,
            "THREADS": threads,
            "PARTS": min(
                self.tiles.parts, int(triton.next_power_of_2(-(-self._inputs // threads)))
            ),
            "WIDTH": self.tiles.width,
            "COLUMNS": self.tiles.columns,
            "DEEP": self.tiles.deep,
            "BESIDE": self.tiles.beside,
            "num_warps": self.tiles.warps,
        }

    def __call__(
        self, x: torch.Tensor, thresholds: torch.Tensor, weights: torch.Tensor, out: torch.Tensor
    ) -> None:
        """Multiply by weights of 16 bits."""
        kernel: Any = triton_kernels.sparse_product
        kernel[(self._stripes * self.tiles.shares,)](
            x,
            thresholds,
            weights,
            out,
            self._words,
            self._partial,
            self._tickets,
            self._room,
            x.stride(0),
            self._inputs,
            self._outputs,
            **self._constants(thresholds),
        )

    def int4(
        self,
        x: torch.Tensor,
        thresholds: torch.Tensor,
        codes: torch.Tensor,
        scales: torch.Tensor,
        out: torch.Tensor,
    ) -> None:
        """Multiply by 4-bit weights: codes (inputs, outputs / 8) int32, scales a row's groups."""
        kernel: Any = triton_kernels.sparse_int4_product
        kernel[(self._stripes * self.tiles.shares,)](
            x,
            thresholds,
            codes,
            scales,
            out,
            self._words,
            self._partial,
            self._tickets,
            self._room,
            x.stride(0),
            self._inputs,
            self._outputs,
            codes.shape[1],
            scales.shape[1],
            GROUP=self._outputs // scales.shape[1],
            **self._constants(thresholds),
        )
