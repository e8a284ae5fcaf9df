"""One layer made ready once, as a server has it, in as many copies as a cycle has passes.

In a model a pass over one layer's weights is followed by all other layers', so no cache has them
when the next pass comes. Here each pass of a cycle reads a copy of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch

from prototypes.qspec import planes
from prototypes.weights import baselines, packing
from prototypes.weights.on_cpu import Int8Linear
from prototypes.weights.quantize import GROUP, Quantized, dequantize, quantize, rounded

SEED = 2410
W4A4, PLANE, FOUR_OF_SIXTEEN = "w4a4", "plane2", "w4"
"""What drafts: 4-bit weights and activations; the upper plane; 4-bit weights, for a target that
has 16-bit ones."""


@dataclass(frozen=True, slots=True)
class Shape:
    """One layer (outputs, inputs), what drafts, and how many tokens a cycle drafts."""

    draft: str
    drafted: int
    inputs: int
    outputs: int

    @classmethod
    def of(cls, parameters: Mapping[str, object]) -> Shape:
        """Read a case's parameters."""
        drafted, inputs, outputs = (
            int(str(parameters[key])) for key in ("drafted", "inputs", "outputs")
        )
        return cls(str(parameters["draft"]), drafted, inputs, outputs)

    @property
    def tokens(self) -> int:
        """Rows that the verifier sees: the last emitted token and the drafted ones."""
        return self.drafted + 1


@dataclass(frozen=True, slots=True)
class Layer:
    """Weights before rounding and after; `copies`, by name, of what contestants read in a pass.

    On a GPU: packed, scales (`packing`), upper, lower, upper_scales (`planes`). On a CPU: eight
    (oneDNN's 8-bit product over the 4-bit codes). On both: tiny (torch's 4-bit order and scales),
    turned (codes with `SIGN_BITS`), dense (16 bits). Only what the shape's contestants read.
    """

    weights: torch.Tensor
    rounded: Quantized
    copies: Mapping[str, tuple[Any, ...]]

    def held(self, is_wide: bool) -> torch.Tensor:
        """Return what the verifier's weights stand for, float64."""
        if is_wide:
            wide: torch.Tensor = self.copies["dense"][0]
            return wide.double()
        return dequantize(self.rounded, torch.float64)


@lru_cache(maxsize=2)
def layer(shape: Shape, device: str) -> Layer:
    """Return the layer of this shape, the same on every call."""
    where = torch.device(device)
    generator = torch.Generator(device=where).manual_seed(SEED)
    size = (shape.outputs, shape.inputs)
    weights = torch.randn(size, generator=generator, device=where)
    codes = quantize(weights) if where.type == "cuda" else by_outputs(weights)
    made = parts(shape, weights, codes)
    copies = {
        key: (value, *(copied(value) for _ in range(shape.drafted))) for key, value in made.items()
    }
    return Layer(weights, codes, copies)


def by_outputs(weights: torch.Tensor) -> Quantized:
    """Return 4-bit weights with one scale an output, as the released code has them.

    A scale is repeated for each group; so an 8-bit product with a scale an output reads the same
    integers and scales as the 4-bit product does.
    """
    scales = (weights.abs().amax(1, keepdim=True) / 7).clamp_min(2.0**-14)
    # bfloat16 as torch's 4-bit product on a CPU keeps them: the same number for both.
    scales = scales.bfloat16().half().expand(-1, weights.shape[1] // GROUP).contiguous()
    return Quantized(rounded(weights, scales), scales)


def parts(shape: Shape, weights: torch.Tensor, codes: Quantized) -> dict[str, Any]:
    """Return what this shape's contestants read on the weights' device."""
    made: dict[str, Any] = {}
    is_wide = shape.draft == FOUR_OF_SIXTEEN
    on_gpu = weights.device.type == "cuda"
    if is_wide:
        made["dense"] = weights.half() if on_gpu else weights.bfloat16()
    if on_gpu:
        made["packed"] = packing.pack(codes.codes)
        made["scales"] = packing.pack_scales(codes.scales)
    if not is_wide or not on_gpu:
        made["tiny"] = baselines.for_tinygemm(codes)
    if shape.draft == W4A4:
        kept = made["packed"].view(torch.uint8) if on_gpu else made["tiny"][0]
        made["turned"] = kept ^ SIGN_BITS
        if not on_gpu:
            signed = (codes.codes.to(torch.int8) - 8).contiguous()
            made["eight"] = Int8Linear.of_codes(signed, codes.scales[:, 0].float().contiguous())
    if shape.draft == PLANE:
        split = planes.split(codes)
        made["upper"] = planes.pack(split.upper, is_lower=False)
        made["lower"] = planes.pack(split.lower, is_lower=True)
        made["upper_scales"] = packing.pack_scales(split.upper_scales)
    return made


SIGN_BITS = 0x88
"""Signed nibbles, as the authors' packed weights have them: their W4A16 path turns them back with
one exclusive or over all weights, in every call."""


def copied(value: Any) -> Any:
    """Return the same numbers in other memory."""
    if isinstance(value, torch.Tensor):
        return value.clone()
    if isinstance(value, tuple):
        return tuple(copied(part) for part in value)
    return Int8Linear(value.packed.clone(), value.scales, value.zeros)
