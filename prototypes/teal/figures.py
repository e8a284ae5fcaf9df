"""Times by sparsity beside a run: the curve that the paper draws, where it crosses dense code."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from statistics import median
from typing import Any

import torch

from prototypes.harness.figures import Figure
from prototypes.harness.timing import timer_for
from prototypes.harness.workload import Kernel, NotRunnableError, Tensors
from prototypes.teal import losses
from prototypes.teal.inputs import Plan, threshold_of

SPARSITIES = (0, 25, 40, 50, 60, 70)
SAMPLES = 7
RIVALS = {
    ("cuda", False): ("cublas_fp16",),
    ("cuda", True): ("cublas_fp16_of_int4", "int4_dense", "int4pack_cuda"),
    ("cpu", False): ("linear_fp16", "linear_bf16"),
    ("cpu", True): ("int4pack",),
}


def of(name: str, plan: Plan, device: torch.device, seed: int, quick: bool) -> Iterator[Figure]:
    """Yield a case's curve, and for one 16-bit case what thresholds lose."""
    if plan.sparsity in (0.5, 0.0) and plan.family == "gauss":
        yield from curve(name, plan, device, seed, quick)
    if plan.sparsity == 0.5 and plan.family == "gauss" and not plan.is_int4 and plan.inputs == 4096:
        yield from losses.of(seed, quick)


def curve(name: str, plan: Plan, device: torch.device, seed: int, quick: bool) -> Iterator[Figure]:
    """Yield times of a call by sparsity, of the dense rivals, and where they cross."""
    from prototypes.teal.workload import WORKLOAD

    case = _case(plan)
    given = dict(WORKLOAD.inputs(case, device, seed))
    outputs = WORKLOAD.outputs(case, device)
    us = _clock(device, given, outputs, 3 if quick else SAMPLES)
    kernel = WORKLOAD.build(name, case, device)
    times: dict[int, float] = {}
    note = "calls in turn, cold cache; median"
    for percent in (0, 50) if quick else SPARSITIES:
        border = threshold_of(replace(plan, sparsity=percent / 100))
        given["thresholds"].fill_(border)
        times[percent] = us(kernel)
        active = float((given["x"].abs() > border).double().mean())
        rate = active * plan.weight_bytes / times[percent] / 1e3
        yield Figure(f"call at {percent} %", times[percent], "us", note=note)
        yield Figure(f"weights read at {percent} %", rate, "GB/s", note="bytes of active rows")
        if percent:
            of_ideal = (1 - percent / 100) * times[0] / times[percent]
            yield Figure(f"of (1 - s) times the dense call at {percent} %", 100 * of_ideal, "%")
    for rival in RIVALS[device.type, plan.is_int4]:
        try:
            took = us(WORKLOAD.build(rival, case, device))
        except (NotRunnableError, RuntimeError):
            continue
        yield Figure(f"{rival}", took, "us", note=note)
        yield Figure(f"sparsity at which a call costs {rival}", even(times, took), "%", note=note)
    if device.type == "cpu" and not plan.is_int4:
        other = replace(plan, is_int4=True)
        inputs = WORKLOAD.inputs(_case(other), device, seed)
        took = _clock(device, inputs, outputs, SAMPLES)(
            WORKLOAD.build("int4pack", _case(other), device)
        )
        yield Figure("int4pack of as many weights", took, "us", note=note)
        yield Figure("sparsity at which a call costs int4pack", even(times, took), "%", note=note)


def even(times: Mapping[int, float], rival: float) -> float:
    """Return the sparsity in percent from which a call is as fast as a rival, by lines in between.

    0 if it always is, 100 if it isn't at the most that was measured.
    """
    steps = sorted(times.items())
    if steps[0][1] <= rival:
        return 0.0
    for (low, slow), (high, fast) in pairwise(steps):
        if fast <= rival:
            return low + (high - low) * (slow - rival) / (slow - fast)
    return 100.0


def _case(plan: Plan) -> Any:
    from prototypes.harness.declarations import Case

    return Case(
        "curve",
        {
            "inputs": plan.inputs,
            "outputs": plan.outputs,
            "sparsity": 100 * plan.sparsity,
            "weights": "int4" if plan.is_int4 else "fp16",
            "family": plan.family,
        },
        seed=0,
    )


def _clock(
    device: torch.device, given: Tensors, outputs: Tensors, samples: int
) -> Callable[[Kernel], float]:
    timer = timer_for(device)

    def us(kernel: Kernel) -> float:
        uncopied = getattr(kernel, "uncopied", None)

        def call(_: int) -> None:
            if uncopied is not None:
                uncopied(given)
            else:
                kernel(given, outputs)

        call(0)
        timer.prepare(call)
        return median(timer.sample(call, [0]) for _ in range(samples))

    return us
