"""Versions of the small model's weights: what verifies, and what drafts from the same codes.

Weights are rounded as for the kernels (groups of 128); what a version reads is what its kernel
would. Rotation is QuaRot's: Hadamard blocks of 128 before each linear layer, folded into weights.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from prototypes.qspec import planes
from prototypes.qspec.activations import rounded
from prototypes.speculation.model import Block, SmallModel
from prototypes.weights.quantize import GROUP, dequantize, quantize

LINEARS = ("qkv", "out", "gate_up", "down")
EIGHT_BITS = 127


@dataclass(frozen=True, slots=True)
class Version:
    """How a model reads its linear layers.

    weights: `w16`, `w4`, or `upper` (the upper plane). largest: the largest code of activations; 0
    leaves them in 16 bits. sparsity: share of activations that are left out (TEAL). only: layers
    that are read so, the others as W4A16.
    """

    name: str
    weights: str = "w4"
    largest: int = 0
    sparsity: float = 0.0
    is_rotated: bool = False
    only: tuple[str, ...] = LINEARS


TARGET = Version("W4A16")
ROTATED_TARGET = Version("W4A16, rotated", is_rotated=True)
W4A4 = Version("W4A4, rotated", largest=7, is_rotated=True)
PLAIN_W4A4 = Version("W4A4", largest=7)
W4A8 = Version("W4A8", largest=EIGHT_BITS)
UPPER = Version("2-bit plane", weights="upper")
UPPER_WIDE = Version("2-bit plane in gate, up and down", weights="upper", only=("gate_up", "down"))
TEAL_25 = Version("TEAL, 25 %", sparsity=0.25)
TEAL_50 = Version("TEAL, 50 %", sparsity=0.5)
WIDE = Version("16 bits", weights="w16")


class Linear(nn.Module):
    """A linear layer that reads its weights and input as its version says."""

    def __init__(self, weights: torch.Tensor, version: Version, threshold: float) -> None:
        super().__init__()
        self.version, self.threshold = version, threshold
        blocks = weights.view(len(weights), -1, GROUP)
        self.turn = hadamard(GROUP).to(weights) if version.is_rotated else None
        if self.turn is not None:
            weights = (blocks @ self.turn).reshape(weights.shape)
        if version.weights != "w16":
            codes = quantize(weights)
            if version.weights == "upper":
                weights = planes.rough(planes.split(codes))
            else:
                weights = dequantize(codes, torch.float32)
        self.register_buffer("weights", weights.contiguous())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return x W^T."""
        if self.turn is not None:
            x = (x.view(*x.shape[:-1], -1, GROUP) @ self.turn).flatten(-2)
        if self.threshold:
            x = torch.where(x.abs() > self.threshold, x, 0.0)
        if self.version.largest:
            x = rounded(x.flatten(0, -2), self.version.largest).view(x.shape)
        weights: torch.Tensor = self.get_buffer("weights")
        return functional.linear(x, weights)


def made(model: SmallModel, version: Version, text: torch.Tensor | None = None) -> SmallModel:
    """Return a copy of the model in this version.

    text (rows, tokens) is what TEAL's thresholds are learned on; needed where it has sparsity.
    """
    thresholds: dict[tuple[int, str], float] = {}
    if version.sparsity:
        if text is None:
            raise ValueError("TEAL's thresholds are learned on text: give some.")
        thresholds = learned(model, version.sparsity, text)
    copy = deepcopy(model)
    for number, name, linear in layers(copy):
        own = version if name in version.only else TARGET
        new = Linear(linear.weight, own, thresholds.get((number, name), 0.0))
        setattr(copy.blocks[number], name, new)
    return copy.eval().requires_grad_(False)


def layers(model: SmallModel) -> Iterator[tuple[int, str, nn.Linear]]:
    """Yield block number, name and linear layer of each."""
    for number, block in enumerate(model.blocks):
        assert isinstance(block, Block)
        for name in LINEARS:
            yield number, name, getattr(block, name)


def learned(model: SmallModel, sparsity: float, text: torch.Tensor) -> dict[tuple[int, str], float]:
    """Return each linear layer's threshold: that share of its inputs over text lies below."""
    seen: dict[tuple[int, str], float] = {}
    hooks = []

    def noted(key: tuple[int, str], linear: nn.Module) -> None:
        def hook(_: nn.Module, given: tuple[torch.Tensor, ...]) -> None:
            sizes = given[0].abs().flatten().float()
            seen[key] = float(sizes.kthvalue(max(1, int(sparsity * sizes.numel()))).values)

        hooks.append(linear.register_forward_pre_hook(hook))

    for number, name, linear in layers(model):
        noted((number, name), linear)
    with torch.no_grad():
        model(text)
    for hook in hooks:
        hook.remove()
    return seen


def hadamard(size: int) -> torch.Tensor:
    """Return the normalized Hadamard matrix (size, size) of a power of two: it is its inverse."""
    matrix: torch.Tensor = torch.ones((1, 1))
    while len(matrix) < size:
        matrix = torch.cat([torch.cat([matrix, matrix], 1), torch.cat([matrix, -matrix], 1)])
    return matrix / math.sqrt(size)
