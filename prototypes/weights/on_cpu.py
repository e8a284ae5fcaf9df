"""Linear layers on a CPU: 8-bit weights and activations, and the width that suits the rows.

8-bit products are oneDNN's, with weights packed once (`torch._int_mm` packs them in each call).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import torch

from prototypes.weights.baselines import for_tinygemm, tinygemm
from prototypes.weights.quantize import GROUP, quantize


@dataclass(frozen=True, slots=True)
class Int8Linear:
    """Weights in 8 bits with a scale an output, packed; activations are rounded in each call.

    packed: oneDNN's own order; scales (outputs,) float32; zeros (outputs,) int64.
    """

    packed: torch.Tensor
    scales: torch.Tensor
    zeros: torch.Tensor

    @classmethod
    def of(cls, weights: torch.Tensor) -> Int8Linear:
        """Round weights (outputs, inputs) to the nearest of 255 codes an output."""
        scales = weights.float().abs().amax(1).clamp(min=1e-30) / 127
        codes = (weights.float() / scales[:, None]).round_().to(torch.int8)
        return cls.of_codes(codes, scales)

    @classmethod
    def of_codes(cls, codes: torch.Tensor, scales: torch.Tensor) -> Int8Linear:
        """Pack codes (outputs, inputs) int8 that are rounded already."""
        packed = torch.ops.onednn.qlinear_prepack(codes, None)
        return cls(packed, scales, torch.zeros(len(scales), dtype=torch.int64))

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Return x W^T (rows, outputs) in x's type; x (rows, inputs) gets a scale a row."""
        codes, rows = round_rows(x)
        return self.multiply(codes).mul_(rows).to(x.dtype)

    def multiply(self, codes: torch.Tensor) -> torch.Tensor:
        """Return the product without the rows' scales, float32; codes uint8 around 128."""
        product: Any = torch.ops.onednn.qlinear_pointwise
        out: torch.Tensor = product(
            codes, 1.0, 128, self.packed, self.scales, self.zeros, None, 1.0, 0, torch.float32,
            "none", [], "",
        )  # fmt: skip
        return out


def round_rows(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return codes uint8 around 128, scales (rows, 1) float32: the largest of a row becomes 127."""
    wide = x.float()
    scales = wide.abs().amax(1, keepdim=True).clamp_(min=1e-30).div_(127)
    return wide.div(scales).round_().add_(128).to(torch.uint8), scales


@dataclass(frozen=True, slots=True)
class Dispatched:
    """A layer kept in several widths; the number of rows says which one a call reads.

    Crossovers are those measured on a CPU without 16-bit units (`marlin`'s figures); with such
    units `wide_from` is worth setting.
    """

    codes: torch.Tensor
    scales: torch.Tensor
    eight: Int8Linear
    group: int
    wide: torch.Tensor | None = None
    eight_from: int = 4
    wide_from: int | None = None

    @classmethod
    def of(cls, weights: torch.Tensor, group: int = GROUP, wide_from: int | None = None) -> Self:
        """Round weights (outputs, inputs) to 4 and to 8 bits; keep 16 bits if ever asked for."""
        codes, scales = for_tinygemm(quantize(weights, group))
        wide = weights.bfloat16() if wide_from is not None else None
        eight = Int8Linear.of(weights)
        return cls(codes, scales, eight, group, wide, wide_from=wide_from)

    def width(self, rows: int) -> int:
        """Return the bits of the weights that a call with so many rows reads."""
        if self.wide is not None and self.wide_from is not None and rows >= self.wide_from:
            return 16
        return 8 if rows >= self.eight_from else 4

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Return x W^T (rows, outputs), bfloat16 as x."""
        width = self.width(x.shape[0])
        if width == 16 and self.wide is not None:
            return torch.mm(x, self.wide.t())
        if width == 8:
            return self.eight(x)
        return tinygemm(x, self.codes, self.scales, self.group)
