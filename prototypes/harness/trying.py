"""Tries a prototype on the CPU, untimed: do its codes pass, and do its gates see faults?

The second matters more: a gate that lets rounded, stale or half-wrong outputs pass proves nothing.
So the shipped code is spoiled on purpose, and some check has to fail each time.
"""

from __future__ import annotations

import copy
import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from prototypes.harness.declarations import Case, Declaration, Device

if TYPE_CHECKING:
    import torch

    from prototypes.harness.gates import Check
    from prototypes.harness.workload import Kernel, Tensors, Workload

SEED = 20260101
DRAWS = 8
"""Calls in which a spoiled output may be noticed: one wrong token may be an allowed one."""

Spoil = Callable[["torch.Tensor", "torch.Tensor"], None]
"""Spoils one output; the second tensor is the same output of other inputs."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a prototype needs, and whether it is there."""

    text: str
    holds: bool


def try_it(declaration: Declaration) -> Iterator[Finding]:
    """Yield what only running it tells, on the smallest quick case that the CPU has."""
    try:
        workload: Workload = importlib.import_module(declaration.module).WORKLOAD
    except Exception as error:  # whatever a file of Python may raise
        yield Finding(f"{declaration.module} can be imported ({told(error)})", False)
        return
    cases = [c for c in declaration.cases if Device.CPU in c.devices and c.quick]
    works = {}
    for case in declaration.cases:
        try:
            works[case.id] = workload.work(case)
        except Exception as error:
            yield Finding(f"work gives bytes and flops of {case.id} ({told(error)})", False)
            return
    wrong = [i for i, work in works.items() if work.bytes <= 0 or work.flops < 0]
    yield Finding("work gives bytes and flops of every case", not wrong)
    if not cases:
        return  # said above already, if there should be one
    case = min(cases, key=lambda c: works[c.id].bytes)
    for implementation in declaration.implementations:
        if implementation.device is Device.CPU and implementation.applies(case):
            yield _passes(workload, case, implementation.name)
    for baseline in declaration.baselines_for(case, Device.CPU):
        yield _is_right(workload, case, baseline.name)
    shipped = [i for i in declaration.implementations if i.shipped and i.device is Device.CPU]
    for implementation in shipped:
        yield from _sees_faults(workload, case, implementation.name)


def failures(workload: Workload, case: Case, name: str, device: str = "cpu") -> list[str]:
    """Return the checks of both gates that this code fails, in words; untimed."""
    import torch

    from prototypes.harness.calls import fresh_calls
    from prototypes.harness.gates import GateReport, merge
    from prototypes.harness.watch import Watch

    where, watch = torch.device(device), Watch()
    with watch.inside():
        kernel = workload.build(name, case, where)
    report = GateReport(
        merge(
            [
                *fresh_calls(workload, kernel, case, where, SEED, watch),
                *workload.fidelity(name, case, where, SEED, True),
            ]
        ),
        merge(workload.quality(name, case, where, SEED, True)),
    )
    empty = [] if report.quality else ["the quality gate makes no check"]
    return [f"{c.name}: {c.value:.4g}, bar {c.bar:.4g}" for c in report.failures] + empty


def _passes(workload: Workload, case: Case, name: str) -> Finding:
    try:
        failed = failures(workload, case, name)
    except Exception as error:
        failed = [told(error)]
    reason = f" ({'; '.join(failed[:3])})" if failed else ""
    return Finding(f"{name} passes both gates in {case.id}{reason}", not failed)


def _is_right(workload: Workload, case: Case, name: str) -> Finding:
    import torch

    from prototypes.harness.calls import checked_call
    from prototypes.harness.workload import NotRunnableError

    device = torch.device("cpu")
    try:
        kernel = workload.build(name, case, device)
        inputs = workload.inputs(case, device, SEED)
        failed = [
            c.name for c in checked_call(workload, kernel, case, inputs, device) if not c.passed
        ]
    except NotRunnableError:
        failed = []  # it isn't here: the run will say so
    except Exception as error:
        failed = [told(error)]
    reason = f" ({'; '.join(failed[:3])})" if failed else ""
    return Finding(f"the baseline {name} gives the right answer{reason}", not failed)


def _sees_faults(workload: Workload, case: Case, name: str) -> Iterator[Finding]:
    import torch

    device = torch.device("cpu")
    try:
        sound = workload.build(name, case, device)
        stale = workload.outputs(case, device)
        sound(workload.inputs(case, device, SEED - 1), stale)
    except Exception:
        return  # said above already
    faults: dict[str, Spoil] = {
        "outputs of other inputs": lambda tensor, other: _ignore(tensor.copy_(other)),
        "one wrong element": _one_wrong,
    }
    if any(t.dtype in (torch.float32, torch.float64) for t in stale.values()):
        faults["outputs rounded to float16"] = _rounding(torch.float16)
        faults["outputs rounded to bfloat16"] = _rounding(torch.bfloat16)
    for what, spoil in faults.items():
        seen = _is_noticed(workload, case, name, _spoiled(sound, spoil, stale), device)
        yield Finding(f"the gates notice {what}", seen)


def _ignore(_: object) -> None:
    return None


def _rounding(kind: torch.dtype) -> Spoil:
    def spoil(tensor: torch.Tensor, other: torch.Tensor) -> None:
        if tensor.is_floating_point():
            tensor.copy_(tensor.to(kind))

    return spoil


def _one_wrong(tensor: torch.Tensor, other: torch.Tensor) -> None:
    """Change the last element by twice what the values usually are; an integer into another."""
    last = tensor.view(-1)[-1:]
    if tensor.is_floating_point():
        usual = float(tensor.double().norm()) / max(tensor.numel(), 1) ** 0.5
        last += 2 * max(usual, 1e-6)
    elif tensor.element_size() == 1 and str(tensor.dtype) == "torch.bool":
        last.logical_not_()
    else:
        last += 1


def _spoiled(kernel: Kernel, spoil: Spoil, stale: Tensors) -> Kernel:
    def run(inputs: Tensors, outputs: Tensors) -> None:
        kernel(inputs, outputs)
        for key, tensor in outputs.items():
            spoil(tensor, stale[key])

    return run


def _is_noticed(
    workload: Workload, case: Case, name: str, kernel: Kernel, device: torch.device
) -> bool:
    from prototypes.harness.calls import checked_call

    for draw in range(DRAWS):
        inputs = workload.inputs(case, device, SEED + draw)
        if any(not c.passed for c in checked_call(workload, kernel, case, inputs, device)):
            return True
    # The fidelity gate builds its code itself: here it gets the spoiled one.
    spoiled: Any = copy.copy(workload)
    spoiled.build = lambda built, *rest: kernel if built == name else workload.build(built, *rest)
    checks: list[Check] = list(spoiled.fidelity(name, case, device, SEED, True))
    return any(not c.passed for c in checks)


def told(error: BaseException) -> str:
    """Return an error in a few words."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:120]}" if lines else type(error).__name__
