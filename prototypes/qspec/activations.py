"""Activations in 4 bits, a scale a token, as the draft reads them (QSpec's and QuaRot's rule).

Codes -7 to 7 in bytes: the largest of a row becomes 7. The kernels want each 16 inputs in the
order in which a lane's bytes meet `weights.packing`'s nibbles (`ordered`).
"""

from __future__ import annotations

import torch

LARGEST = 7


def round_rows(x: torch.Tensor, largest: int = LARGEST) -> tuple[torch.Tensor, torch.Tensor]:
    """Return codes (rows, inputs) int8 and scales (rows,) float32; a row of zeros gets scale 0."""
    wide = x.float()
    most = wide.abs().amax(1)
    # A tensor, since torch multiplies by the rounded inverse of a number on a GPU.
    scales = most / torch.full_like(most, largest)
    inverse = torch.where(scales > 0, 1 / scales.clamp_min(1e-30), 0.0)
    codes = (wide * inverse[:, None]).round_().clamp_(-largest, largest)
    return codes.to(torch.int8), scales


def ordered(codes: torch.Tensor) -> torch.Tensor:
    """Return codes (rows, inputs) in the kernels' order: byte 4 t + 2 e + c of 16 is input
    8 c + 2 t + e."""
    rows, inputs = codes.shape
    parts = codes.view(rows, inputs // 16, 2, 4, 2)
    return parts.permute(0, 1, 3, 4, 2).reshape(rows, inputs).contiguous()


def rounded(x: torch.Tensor, largest: int = LARGEST) -> torch.Tensor:
    """Return x as its codes say, float32."""
    codes, scales = round_rows(x, largest)
    return codes.float() * scales[:, None]
