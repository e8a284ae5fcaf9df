"""Calls that are checked: fresh inputs in the same buffers, poisoned outputs, inputs kept whole.

They come before the timing and again after it, on the very buffers that were timed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from prototypes.harness.declarations import Case
from prototypes.harness.gates import Check
from prototypes.harness.workload import Kernel, Tensors, Workload

if TYPE_CHECKING:
    import torch

FRESH_CALLS = 3
"""Calls on fresh random inputs that the fidelity gate begins with."""


def fresh_calls(
    workload: Workload, kernel: Kernel, case: Case, device: torch.device, seed: int
) -> list[Check]:
    """Call on fresh inputs written into the same buffers; poison outputs, compare inputs after.

    The same buffers with new values: an answer remembered by address is a wrong answer.
    """
    checks: list[Check] = []
    buffers = workload.inputs(case, device, seed)
    for number in range(FRESH_CALLS):
        fresh = workload.inputs(case, device, seed + 1000 + number)
        for key, tensor in buffers.items():
            tensor.copy_(fresh[key])
        checks += checked_call(workload, kernel, case, buffers, device)
    return checks


def replayed(
    workload: Workload,
    kernel: Kernel,
    case: Case,
    sets: Sequence[Tensors],
    device: torch.device,
    seed: int,
) -> list[Check]:
    """After timing: is the code that was timed still right, on the very buffers it was timed on?"""
    checks: list[Check] = []
    for number, inputs in enumerate(sets[:2]):
        checks += checked_call(workload, kernel, case, inputs, device)
        fresh = workload.inputs(case, device, seed + 2000 + number)
        for key, tensor in inputs.items():
            tensor.copy_(fresh[key])
        checks += checked_call(workload, kernel, case, inputs, device)
    return [Check(f"after timing: {c.name}", c.value, c.bar, c.passed) for c in checks]


def checked_call(
    workload: Workload, kernel: Kernel, case: Case, inputs: Tensors, device: torch.device
) -> list[Check]:
    """Call once and check what any code must keep, then what `Workload.verify` checks."""
    import torch

    before = {key: tensor.clone() for key, tensor in inputs.items()}
    outputs = workload.outputs(case, device)
    poisons = {key: _poison(tensor) for key, tensor in outputs.items()}
    kernel(inputs, outputs)
    synchronize(device)
    unwritten = sum(int((t == poisons[key]).sum()) for key, t in outputs.items())
    not_finite = sum(
        int((~torch.isfinite(t)).sum()) for t in outputs.values() if t.is_floating_point()
    )
    # Compared as bytes: NaN equals NaN here, and -0 isn't 0.
    changed = sum(int((_raw(inputs[key]) != _raw(tensor)).sum()) for key, tensor in before.items())
    return [
        Check.none("outputs not written", unwritten),
        Check.none("outputs not finite", not_finite),
        Check.none("input bytes changed", changed),
        *workload.verify(case, before, outputs),
    ]


def _poison(tensor: torch.Tensor) -> float:
    """Fill with a value that no right answer has; return it."""
    import torch

    value = (
        -1.2345e30
        if tensor.dtype in (torch.float32, torch.float64, torch.bfloat16)
        else -12345.0
        if tensor.is_floating_point()
        else torch.iinfo(tensor.dtype).max
    )
    tensor.fill_(value)
    return float(tensor.reshape(-1)[0]) if tensor.is_floating_point() else value


def _raw(tensor: torch.Tensor) -> torch.Tensor:
    import torch

    return tensor.contiguous().view(torch.uint8)


def synchronize(device: torch.device) -> None:
    """Wait until the device has done all that was asked of it."""
    import torch

    if device.type == "cuda":
        torch.cuda.synchronize(device)
