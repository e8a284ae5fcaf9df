"""What FlatQuant is compared with: 16-bit products, 8-bit ones without a transform, plain torch."""

from __future__ import annotations

from collections.abc import Callable

import torch

from prototypes.flatquant.prepared import Layer, Shape, Weights
from prototypes.flatquant.reference import E4M3
from prototypes.harness.workload import Kernel, Tensors
from prototypes.weights.baselines import made_by
from prototypes.weights.on_cpu import Int8Linear


def full(shape: Shape, weights: Weights) -> Kernel:
    """Return the product with weights in bfloat16."""

    def run(inputs: Tensors, outputs: Tensors) -> None:
        torch.mm(inputs["x"], inputs["weights"].t(), out=outputs["out"])

    return run


def full_float32(shape: Shape, weights: Weights) -> Kernel:
    """Return the product in float32, for processors without bfloat16: weights widened once."""
    copies = [weights.full.float() for _ in range(2)]
    calls = 0

    def run(inputs: Tensors, outputs: Tensors) -> None:
        nonlocal calls
        calls += 1
        outputs["out"].copy_(inputs["x"].float() @ copies[calls % 2].t())

    return run


def plain_on_cpu(shape: Shape, weights: Weights) -> Kernel:
    """Return oneDNN's W8A8 product without a transform."""
    product = Int8Linear.of_codes(weights.plain.values, weights.plain.scales)
    return made_by(lambda inputs: product(inputs["x"]))


def plain_on_gpu(shape: Shape, weights: Weights) -> Kernel:
    """Return our own W8A8 product behind a rounding without a transform."""
    from prototypes.flatquant.triton_launch import linear, room_for_scales, round_rows

    device = weights.full.device
    multiply = linear(shape.width, shape.outputs, device)
    tokens = torch.empty(shape.tokens, shape.width, dtype=torch.int8, device=device)
    scales = room_for_scales(shape.tokens, device)

    def run(inputs: Tensors, outputs: Tensors) -> None:
        round_rows(inputs["x"], tokens, scales, 127.0)
        multiply(tokens, inputs["plain"], scales, inputs["plain_scales"], outputs["out"])

    return run


def small_floats(shape: Shape, weights: Weights) -> Kernel:
    """Return torch's E4M3 product, a scale a row, behind a rounding without a transform."""
    from prototypes.flatquant.triton_launch import room_for_scales, round_rows

    device = weights.full.device
    tokens = torch.empty(shape.tokens, shape.width, dtype=torch.float8_e4m3fn, device=device)
    scales = room_for_scales(shape.tokens, device)[: shape.tokens]

    def product(inputs: Tensors) -> torch.Tensor:
        round_rows(inputs["x"], tokens, scales, E4M3)
        return torch._scaled_mm(
            tokens,
            inputs["small"].t(),
            scales[:, None],
            inputs["small_scales"][None, : shape.outputs],
            out_dtype=torch.bfloat16,
            use_fast_accum=True,
        )

    return made_by(product)


def eager_transform(shape: Shape, layer: Layer) -> Kernel:
    """Return transform and rounding in plain torch: two products, then a pass for each step."""
    left, right, clip = layer.left, layer.right, layer.token_clip
    n1, n2 = layer.factors.n1, layer.factors.n2
    zero = 0.0 if left.device.type == "cuda" else 128.0

    def run(inputs: Tensors, outputs: Tensors) -> None:
        x = inputs["x"].to(left.dtype).view(-1, n1, n2)
        z = torch.matmul(torch.matmul(left.T, x), right).view(len(x), -1)
        scales = z.abs().amax(dim=1).float() * (clip / 127)
        kind = torch.int8 if zero == 0.0 else torch.uint8
        whole = (z / scales[:, None]).round_().clamp_(-128, 127).add_(zero)
        outputs["values"].view(kind).copy_(whole)
        outputs["scales"].copy_(scales)

    return run


LINEAR: dict[str, Callable[[Shape, Weights], Kernel]] = {
    "cublas_bf16": full,
    "torch_bf16": full,
    "torch_fp32": full_float32,
    "int8_plain": plain_on_gpu,
    "int8_plain_cpu": plain_on_cpu,
    "fp8_rows": small_floats,
}
