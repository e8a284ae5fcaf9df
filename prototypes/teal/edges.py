"""Inputs that such code gets wrong: none active, all, ties with thresholds, what isn't finite."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch

from prototypes.teal import rows4
from prototypes.teal.inputs import Plan

PLANS = (
    Plan(296, 200, 0.5, False, "gauss"),
    Plan(1, 104, 0.5, False, "gauss"),
    Plan(296, 384, 0.5, True, "gauss"),
)
"""No multiple of any tile; one input; 4 bits."""


def activations(plan: Plan, device: torch.device, seed: int) -> Iterator[tuple[str, torch.Tensor]]:
    """Yield x (inputs,) float16 by name; the threshold is 0.5."""
    generator = torch.Generator(device=device).manual_seed(seed)
    x = torch.randn(plan.inputs, device=device, generator=generator)
    even = torch.arange(plan.inputs, device=device) % 2 == 0
    yield "normal", x.half()
    yield "none active", (x * 0.01).clamp_(-0.4, 0.4).half()
    yield "all active", (x.sign() * (x.abs() + 1)).half()
    yield "all at the threshold", torch.full_like(x, -0.5).half()
    yield "every second at the threshold", torch.where(even, 0.5, x.abs() + 1).half()
    yield "all zero", torch.zeros_like(x).half()
    yield "subnormal", (x * 1e-7).half()
    yield "large", (x * 500).half()
    one = torch.zeros_like(x)
    one[-1] = 3.0
    yield "the last one alone", one.half()


def by_channel(plan: Plan, device: torch.device, seed: int) -> torch.Tensor:
    """Return a threshold an input (inputs,), some of them infinite: those are always dropped."""
    generator = torch.Generator(device=device).manual_seed(seed + 1)
    drawn = torch.rand(plan.inputs, device=device, generator=generator) * 1.5
    return torch.where(drawn > 1.2, torch.inf, drawn)


def broken(plan: Plan, device: torch.device) -> Iterator[tuple[str, torch.Tensor]]:
    """Yield x with a value that isn't finite: every output must be that, or NaN."""
    for value in (math.inf, -math.inf, math.nan):
        x = torch.zeros(plan.inputs, device=device)
        x[plan.inputs // 2] = value
        yield f"an input is {value}", x.half()


def layer(plan: Plan, device: torch.device, seed: int) -> dict[str, torch.Tensor]:
    """Return weights of an edge case: no zeros among the 16-bit ones."""
    generator = torch.Generator(device=device).manual_seed(seed)
    size = (plan.inputs, plan.outputs)
    weights = torch.randn(size, device=device, generator=generator)
    if not plan.is_int4:
        weights = weights.sign() * (weights.abs() + 0.05)
        return {"weights": weights.half()}
    rows = rows4.quantize(weights)
    return {"codes": rows.codes, "scales": rows.scales}
