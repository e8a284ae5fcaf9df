"""What 4-bit linear layers are compared with: 16-bit weights, and torch's own 4-bit products."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from prototypes.harness.workload import Kernel, Tensors
from prototypes.weights.quantize import Quantized, dequantize

TILES = 8
"""`innerKTiles` of torch's packing on a GPU: 2, 4 or 8; the widest loads."""


def for_tinygemm(quantized: Quantized) -> tuple[torch.Tensor, torch.Tensor]:
    """Return codes and scales as `torch._weight_int4pack_mm` wants them (bfloat16 scales)."""
    codes, scales = quantized.codes, quantized.scales.t().bfloat16()
    both = torch.stack([scales, torch.zeros_like(scales)], dim=-1).contiguous()
    if codes.device.type == "cpu":
        return torch._convert_weight_to_int4pack_for_cpu(codes.int(), 1), both
    pairs = (codes[:, ::2] << 4 | codes[:, 1::2]).contiguous()
    return torch._convert_weight_to_int4pack(pairs, TILES), both


def tinygemm(
    x: torch.Tensor, codes: torch.Tensor, scales: torch.Tensor, group: int
) -> torch.Tensor:
    """Return x W^T in bfloat16 from bfloat16 x, with torch's own 4-bit product."""
    product: Any = torch._weight_int4pack_mm
    if x.device.type == "cpu":
        product = torch.ops.aten._weight_int4pack_mm_for_cpu
    out: torch.Tensor = product(x, codes, group, scales)
    return out


def made_by(product: Callable[[Tensors], torch.Tensor]) -> Kernel:
    """Return a kernel that copies what `product` makes, and is timed without the copy."""

    def run(inputs: Tensors, outputs: Tensors) -> None:
        outputs["out"].copy_(product(inputs))

    kernel: Any = run
    kernel.uncopied = product
    return run


def linear(x: str, weights: str) -> Kernel:
    """Return torch's linear layer over the inputs of these names, into `out` (rows, outputs)."""

    def run(inputs: Tensors, outputs: Tensors) -> None:
        torch.mm(inputs[x], inputs[weights].t(), out=outputs["out"])

    return run


def int4pack(
    group: int, x: str = "x16", codes: str = "tiny", scales: str = "tiny_scales"
) -> Kernel:
    """Return torch's 4-bit product over the inputs of these names, into `out`."""
    return made_by(lambda inputs: tinygemm(inputs[x], inputs[codes], inputs[scales], group))


def dense(quantized: Quantized, dtype: torch.dtype) -> torch.Tensor:
    """Return the weights in 16 bits, as a 16-bit product reads them: rounded once."""
    if dtype is torch.float16:
        return dequantize(quantized, torch.float16)
    return dequantize(quantized, torch.float32).to(dtype)
