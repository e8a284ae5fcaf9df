"""Calls that are checked: fresh inputs in the same buffers, poisoned outputs, inputs kept whole.

They come before the timing and again after it, on the very buffers that were timed.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from prototypes.harness.declarations import Case
from prototypes.harness.gates import Check
from prototypes.harness.handed import (
    Handed,
    changed_check,
    poison,
    raw,
    raw_values,
    returned_check,
    unwritten,
)
from prototypes.harness.ordering import ordering_of
from prototypes.harness.tricks import Trick
from prototypes.harness.watch import Watch
from prototypes.harness.workload import Kernel, Tensors, Workload

if TYPE_CHECKING:
    import torch

FRESH_CALLS = 3
"""Calls on fresh random inputs that the fidelity gate begins with."""
LATE_SECONDS = 0.25
"""How long outputs that are wrong may take to become right for it to be called late work."""


def fresh_calls(
    workload: Workload,
    kernel: Kernel,
    case: Case,
    device: torch.device,
    seed: int,
    watch: Watch | None = None,
) -> list[Check]:
    """Call on fresh inputs written into the same buffers; poison outputs, compare inputs after.

    The same buffers with new values: an answer remembered by address is a wrong answer.
    """
    checks: list[Check] = []
    buffers = workload.inputs(case, device, seed)
    for number in range(FRESH_CALLS):
        overwrite(buffers, workload.inputs(case, device, seed + 1000 + number))
        checks += checked_call(workload, kernel, case, buffers, device, watch)
    return checks


def replayed(
    workload: Workload,
    kernel: Kernel,
    case: Case,
    sets: Sequence[Tensors],
    device: torch.device,
    seed: int,
    watch: Watch | None = None,
) -> list[Check]:
    """After timing: is the code that was timed still right, on the very buffers it was timed on?"""
    checks: list[Check] = []
    for number, inputs in enumerate(sets[:2]):
        if in_place(workload, inputs):  # the last call's leavings aren't what a call begins with
            overwrite(inputs, workload.inputs(case, device, seed + 3000 + number))
        checks += checked_call(workload, kernel, case, inputs, device, watch)
        overwrite(inputs, workload.inputs(case, device, seed + 2000 + number))
        checks += checked_call(workload, kernel, case, inputs, device, watch)
    return [c.during("after timing", Trick.WRONG_WHEN_TIMED) for c in checks]


def checked_call(
    workload: Workload,
    kernel: Kernel,
    case: Case,
    inputs: Tensors,
    device: torch.device,
    watch: Watch | None = None,
) -> list[Check]:
    """Call once and check what any code must keep, then what `Workload.verify` checks.

    Outputs are judged by a copy that stands right behind the call in its stream: what comes later
    is too late. Inputs that the workload declares as written in place are handed over as they are,
    may change, and are judged like outputs: `verify` sees them as the call left them.
    """
    import torch

    ordering = ordering_of(device)
    before = {key: tensor.clone() for key, tensor in inputs.items()}
    outputs = workload.outputs(case, device)
    given, filled = Handed(inputs), Handed(outputs)
    ordering.hold()
    poisons = {key: poison(tensor) for key, tensor in outputs.items()}
    # Only to be looked at if nobody else does: the caller's watch covers its whole phase.
    watcher = watch or Watch()
    with watcher.inside():
        returned = kernel(given.given, filled.given)  # type: ignore[func-returns-value]
    copies = {key: tensor.clone() for key, tensor in outputs.items()}
    written = in_place(workload, before)
    seen = before | {key: inputs[key].clone() for key in written}
    ordering.settle()
    missing = sum(unwritten(copies[key], value) for key, value in poisons.items())
    not_finite = sum(
        int((~torch.isfinite(raw_values(t))).sum())
        for t in copies.values()
        if t.is_floating_point()
    )
    fixed = before.keys() - written
    changed = sum(int((raw(inputs[key]) != raw(before[key])).sum()) for key in fixed)
    checks = [
        changed_check(given, "inputs"),
        changed_check(filled, "outputs"),
        returned_check(returned),
        Check.none("outputs not written", missing, Trick.NOT_WRITTEN),
        Check.none("outputs not finite", not_finite),
        Check.none("input bytes changed", changed, Trick.WROTE_INPUTS),
        *workload.verify(case, seen, copies),
    ]
    failed = any(not c.passed for c in checks)
    checks.append(_late(outputs, copies, LATE_SECONDS if failed else 0.0))
    return [*checks, *watcher.checks()]


def overwrite(buffers: Tensors, values: Tensors) -> None:
    """Write new values into the same memory."""
    for key, tensor in buffers.items():
        tensor.copy_(values[key])


def in_place(workload: Workload, inputs: Tensors) -> frozenset[str]:
    """Return the inputs that the technique writes by its nature (a cache that grows, say).

    A prototype of several tasks names what any of them writes: of a case, what it has counts.
    """
    names: Iterable[str] = getattr(workload, "in_place", ())
    return frozenset(name for name in names if name in inputs)


def _late(outputs: Tensors, copies: Tensors, seconds: float) -> Check:
    """Return whether outputs changed after the call had returned; waits only if it is in doubt."""
    deadline = time.monotonic() + seconds
    while True:
        changed = sum(int((raw(outputs[k]) != raw(copies[k])).sum()) for k in copies)
        if changed or time.monotonic() >= deadline:
            return Check.none("output bytes written after the call returned", changed, Trick.LATE)
        time.sleep(0.02)


def synchronize(device: torch.device) -> None:
    """Wait until the device has done all that was asked of it."""
    import torch

    if device.type == "cuda":
        torch.cuda.synchronize(device)
