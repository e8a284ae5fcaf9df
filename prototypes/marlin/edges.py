"""Layers that such code gets wrong: tails, zeros, one group that outweighs all, subnormals."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from prototypes.marlin.inputs import Shape, tensors
from prototypes.weights.quantize import Quantized, quantize


def layers(
    rows: int, device: torch.device, seed: int
) -> Iterator[tuple[str, Shape, dict[str, torch.Tensor]]]:
    """Yield small layers by name, for a kernel of about so many rows.

    Torch's own products take whole blocks of 16 (CPU) outputs; ours are given 8 more than a tile.
    """
    generator = torch.Generator(device=device).manual_seed(seed)

    def normal(*size: int) -> torch.Tensor:
        return torch.randn(size, generator=generator, device=device)

    outputs = 64 if device.type == "cpu" else 200
    tails = Shape(max(rows - 1, 1), 512, outputs)
    x, weights = normal(tails.rows, 512).bfloat16().float(), normal(outputs, 512)
    yield "rows, groups and outputs that fill no tile", tails, tensors(x, quantize(weights))
    yield "x zero", tails, tensors(x * 0, quantize(weights))
    spread = x * torch.logspace(-3, 2, 512, device=device)
    yield "x over five powers of ten", tails, tensors(spread.bfloat16().float(), quantize(weights))
    ends = torch.randint(0, 2, weights.shape, generator=generator, device=device) * 15
    scales = torch.full((outputs, 4), 0.5, dtype=torch.float16, device=device)
    yield "only the first and the last code", tails, tensors(x, Quantized(ends.byte(), scales))
    uneven = scales * torch.tensor([2.0**-8, 1.0, 2.0**7, 1.0], device=device).half()
    codes = torch.randint(0, 16, weights.shape, generator=generator, device=device).byte()
    yield "groups whose scales differ by 2^15", tails, tensors(x, Quantized(codes, uneven))
    zeros = Quantized(torch.full_like(codes, 8), scales)
    yield "all weights zero", tails, tensors(x, zeros)
    if device.type != "cpu":  # bfloat16 has other subnormals
        least = Quantized(codes, torch.full_like(scales, 2.0**-20))
        yield "subnormal scales", tails, tensors(x * 64, least)
