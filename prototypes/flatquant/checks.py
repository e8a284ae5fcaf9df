"""What rounded tokens stand for, and how they are held against emulation and exact arithmetic."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from prototypes.flatquant import bars, reference
from prototypes.flatquant.layout import stored_order
from prototypes.flatquant.prepared import Layer
from prototypes.flatquant.reference import Quantized
from prototypes.harness.formulas import errors
from prototypes.harness.gates import Check
from prototypes.harness.workload import Tensors

ZERO = {"cuda": 0, "cpu": 128}
"""What stands for zero among stored values: int8 on a GPU, oneDNN's unsigned codes on a CPU."""
BYTES = {"cuda": torch.int8, "cpu": torch.uint8}


def emulated(x: torch.Tensor, layer: Layer) -> Quantized:
    """Return tokens transformed and rounded as the kernels do it, in float32 and plain order."""
    between = None if layer.left.dtype is torch.float32 else layer.left.dtype
    z = reference.transform(x, layer.left.float(), layer.right.float(), between)
    return reference.quantize(z, 127.0, layer.token_clip)


def order_on(layer: Layer, device: torch.device) -> torch.Tensor:
    """Return which channel is stored at each place by the implementations on this device."""
    if device.type == "cpu":
        return torch.arange(layer.factors.width)
    return stored_order(layer.factors).to(device)


def _stored(outputs: Tensors) -> torch.Tensor:
    """Return the rounded values (t, n) as float32, around zero."""
    kind = outputs["values"].device.type
    return outputs["values"].view(BYTES[kind]).float() - ZERO[kind]


def meant_by(outputs: Tensors, order: torch.Tensor) -> torch.Tensor:
    """Return what rounded tokens stand for, in plain order."""
    meant = torch.empty_like(stored := _stored(outputs))
    meant[:, order.to(meant.device)] = stored
    return meant * outputs["scales"][:, None]


def off(x: torch.Tensor, layer: Layer, meant: torch.Tensor, bar: float) -> Iterator[Check]:
    """Hold rounded tokens against exact ones, each in units of its own largest: all count alike."""
    exact = reference.transform(x, layer.left.double(), layer.right.double())
    unit = exact.abs().amax(1, keepdim=True).clamp(min=reference.SMALLEST)
    yield from errors("exact", {"values": meant / unit}, {"values": exact / unit}, bar)


def by_token(told: str, outputs: torch.Tensor, exact: torch.Tensor, bar: float) -> Iterator[Check]:
    """Hold a layer's outputs against exact ones, each token in units of its own root mean square.

    A heavy token is ten times as large, and so is what rounding it costs.
    """
    unit = exact.square().mean(1, keepdim=True).sqrt().clamp(min=reference.SMALLEST)
    yield from errors(told, {"out": outputs / unit}, {"out": exact / unit}, bar)


def integers(told: str, right: Quantized, outputs: Tensors, order: torch.Tensor) -> Iterator[Check]:
    """Hold integers and scales against the emulation's; tokens that aren't finite by NaN alone."""
    finite = torch.isfinite(right.scales)
    wrong = int((torch.isfinite(outputs["scales"]) != finite).sum())
    yield Check.none(f"{told}: tokens finite where they shouldn't be, or not", wrong)
    apart = (_stored(outputs) - right.values[:, order].float())[finite].abs()
    most = float(apart.max()) if apart.numel() else 0.0
    yield Check.at_most(f"{told}: most that an integer is off", most, 1.0)
    share = float((apart > 0).float().mean()) if apart.numel() else 0.0
    yield Check.at_most(f"{told}: share of integers that are off", share, bars.DIFFERING)
    ours, theirs = outputs["scales"][finite].double(), right.scales[finite].double()
    relative = (ours - theirs) / theirs.clamp(min=reference.SMALLEST)
    off = float(relative.square().mean().sqrt()) if relative.numel() else 0.0
    yield Check.at_most(f"{told}: scales, relative difference", off, bars.SCALE)
