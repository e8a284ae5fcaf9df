"""Layers as they are measured: drawn weights, rounded, in the order of each contestant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from prototypes.harness.declarations import Parameter
from prototypes.weights import baselines, packing
from prototypes.weights.quantize import Quantized, quantize


@dataclass(frozen=True, slots=True)
class Shape:
    """One product: x (rows, inputs) by weights (outputs, inputs), a scale for `group` of them."""

    rows: int
    inputs: int
    outputs: int
    group: int = 128

    @classmethod
    def of(cls, parameters: Mapping[str, Parameter]) -> Shape:
        """Read a case's parameters."""
        return cls(**{key: int(value) for key, value in parameters.items()})

    @property
    def ends(self) -> int:
        """Bytes of x and of the result, 16 bits each."""
        return 2 * self.rows * (self.inputs + self.outputs)

    @property
    def packed_bytes(self) -> int:
        """Bytes of codes and scales."""
        weights = self.inputs * self.outputs
        return weights // 2 + 2 * weights // self.group

    @property
    def ideal(self) -> float:
        """How many times fewer bytes than with 16-bit weights."""
        return (2 * self.inputs * self.outputs + self.ends) / (self.packed_bytes + self.ends)


def drawn(shape: Shape, device: torch.device, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return x (rows, inputs), float32 numbers that bfloat16 holds, and weights before rounding."""
    generator = torch.Generator(device=device).manual_seed(seed)
    x = torch.randn((shape.rows, shape.inputs), generator=generator, device=device)
    size = (shape.outputs, shape.inputs)
    return x.bfloat16().float(), torch.randn(size, generator=generator, device=device)


def tensors(x: torch.Tensor, weights: Quantized) -> dict[str, torch.Tensor]:
    """Return what the contestants of x's device read.

    Of all devices: x16 bfloat16; tiny, tiny_scales (torch's 4-bit order). On a GPU: x float16;
    packed, scales (`packing`); dense float16. On a CPU: codes, scales as they are, for the checks;
    dense16 bfloat16, dense float16; bytes int8 with byte_scales, an output each.
    """
    tiny, tiny_scales = baselines.for_tinygemm(weights)
    made = {"x16": x.bfloat16(), "x": x.half(), "tiny": tiny, "tiny_scales": tiny_scales}
    made["dense"] = baselines.dense(weights, torch.float16)
    if x.device.type != "cpu":
        made["packed"] = packing.pack(weights.codes)
        made["scales"] = packing.pack_scales(weights.scales)
        return made
    made["dense16"] = made["dense"].bfloat16()
    byte_scales = (made["dense16"].abs().amax(1).float() / 127).clamp(min=1e-30)
    made["bytes"] = (made["dense16"].float() / byte_scales[:, None]).round_().to(torch.int8)
    made["byte_scales"] = byte_scales.bfloat16()
    made["codes"], made["scales"] = weights.codes, weights.scales
    return made


def made(shape: Shape, device: torch.device, seed: int) -> dict[str, torch.Tensor]:
    """Return the inputs of a case."""
    x, weights = drawn(shape, device, seed)
    return tensors(x, quantize(weights, shape.group))


def held(inputs: Mapping[str, torch.Tensor], outputs: int) -> Quantized:
    """Return the 4-bit weights that inputs hold."""
    if "codes" in inputs:
        return Quantized(inputs["codes"], inputs["scales"])
    return packing.unpacked(inputs["packed"], inputs["scales"], outputs)
