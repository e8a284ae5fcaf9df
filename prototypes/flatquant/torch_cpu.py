"""FlatQuant's linear layer on a CPU: transform and rounding in pieces that stay in the L2 cache.

The product is oneDNN's, of unsigned tokens and signed weights, with weights packed once.
"""

from __future__ import annotations

import torch

from prototypes.flatquant.layout import stored_order
from prototypes.flatquant.prepared import Layer
from prototypes.flatquant.reference import SMALLEST, Quantized
from prototypes.weights.on_cpu import Int8Linear

PIECE = 32
"""Tokens that are taken through all steps together: half a megabyte of 4096 channels."""
TO_CODE = 12582912.0 + 128.0
"""1.5·2²³ rounds a small number half to even; 128 is the zero of unsigned codes."""


def transformed(x: torch.Tensor, layer: Layer) -> None:
    """Transform tokens (t, n) and forget them: what the transform costs by itself."""
    left = layer.left.T.contiguous()
    for first in range(0, len(x), PIECE):
        _turn(x[first : first + PIECE], left, layer.right)


def _turn(piece: torch.Tensor, left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """Return P1ᵀ x P2 of some tokens (t, n); `left` is P1ᵀ."""
    n1, n2 = len(left), len(right)
    z = (piece.to(right.dtype).view(-1, n2) @ right).view(-1, n1, n2)
    return torch.bmm(left.expand(len(z), n1, n1), z).view(len(piece), -1)


def transform_into(
    x: torch.Tensor, layer: Layer, codes: torch.Tensor, scales: torch.Tensor
) -> None:
    """Write codes (t, n) uint8 around 128, in plain order, and scales (t, 1) float32."""
    left = layer.left.T.contiguous()
    for first in range(0, len(x), PIECE):
        z = _turn(x[first : first + PIECE], left, layer.right)
        largest = torch.maximum(z.amax(1, keepdim=True), -z.amin(1, keepdim=True))
        largest = largest * layer.token_clip
        scales[first : first + PIECE] = torch.where(largest < torch.inf, largest / 127, torch.nan)
        z.mul_(torch.where(largest > SMALLEST, 127 / largest, 0.0))
        if layer.token_clip != 1.0:
            z.clamp_(-128, 127)
        # The lowest byte of the sum is the code.
        codes[first : first + PIECE] = z.add_(TO_CODE).view(torch.int32)


class FlatLinear:
    """y = x W^T in bfloat16 through transform and 8-bit product; W as `prepared.weights` has it."""

    def __init__(self, layer: Layer, weights: Quantized) -> None:
        self.layer = layer
        plain = torch.empty_like(weights.values)
        plain[:, stored_order(layer.factors)] = weights.values
        self.product = Int8Linear.of_codes(plain, weights.scales)

    def __call__(self, x: torch.Tensor, output: torch.Tensor) -> None:
        """Write output (t, m) from x (t, n)."""
        codes, scales = self.round(x)
        torch.mul(self.product.multiply(codes), scales, out=output)

    def round(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return codes and scales of transformed tokens."""
        codes = torch.empty(x.shape, dtype=torch.uint8)
        scales = torch.empty(len(x), 1)
        transform_into(x, self.layer, codes, scales)
        return codes, scales
