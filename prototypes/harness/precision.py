"""Outputs in a wide type that hold only values of a narrower one: precision was dropped on the way.

A float32 output in which every value is a bfloat16 or float16 value doesn't come about by chance.
It is only held against code where a baseline's output on the same inputs does use the width.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from prototypes.harness.declarations import Case
from prototypes.harness.gates import Check
from prototypes.harness.tricks import Trick
from prototypes.harness.workload import Kernel, Tensors, Workload

if TYPE_CHECKING:
    import torch

LEAST_VALUES = 64
"""Fewer finite, nonzero values may be narrow by chance."""
MOST_NARROW = 0.9
"""A rival with no larger share of narrow values uses the width."""


def dropped(
    workload: Workload,
    kernel: Kernel,
    rivals: Sequence[Kernel],
    case: Case,
    inputs: Tensors,
    device: torch.device,
) -> list[Check]:
    """Return how many outputs carry less precision than declared, where rivals carry it."""
    own = _narrow(_called(workload, kernel, case, inputs, device))
    suspects = [key for key, share in own.items() if share == 1.0]
    for rival in rivals if suspects else ():
        shares = _narrow(_called(workload, rival, case, inputs, device))
        wide = [key for key in suspects if shares.get(key, 1.0) <= MOST_NARROW]
        if wide:
            name = f"outputs with the precision of 16 bits: {', '.join(wide)}"
            return [Check.none(name, len(wide), Trick.LOW_PRECISION)]
    return [Check.none("outputs with the precision of 16 bits", 0, Trick.LOW_PRECISION)]


def _called(
    workload: Workload, kernel: Kernel, case: Case, inputs: Tensors, device: torch.device
) -> Tensors:
    outputs = workload.outputs(case, device)
    kernel({key: tensor.clone() for key, tensor in inputs.items()}, dict(outputs))
    return outputs


def _narrow(outputs: Tensors) -> dict[str, float]:
    """Return, for each float32 or float64 output, the largest share of values of 16 bits."""
    import torch

    shares = {}
    for key, tensor in outputs.items():
        if tensor.dtype not in (torch.float32, torch.float64):
            continue
        values = tensor[torch.isfinite(tensor) & (tensor != 0)]
        if values.numel() < LEAST_VALUES:
            continue
        shares[key] = max(
            float((values == values.to(kind).to(values.dtype)).double().mean())
            for kind in (torch.bfloat16, torch.float16)
        )
    return shares
