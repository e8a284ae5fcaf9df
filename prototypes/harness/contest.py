"""One process's share of a measurement: who takes part, and their times round by round.

The candidate, the declared baselines, and those that ASSAY_BASELINES adds. Set-up, the whole call,
and (where a workload can tell it apart) the kernel alone are timed as three things.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from prototypes.harness import timing
from prototypes.harness.calls import checked_call, synchronize
from prototypes.harness.declarations import Baseline, Case, Declaration, Device
from prototypes.harness.foreign import Foreign
from prototypes.harness.spot_checks import SpotChecks
from prototypes.harness.workload import Kernel, NotRunnableError, Tensors, Workload

if TYPE_CHECKING:
    import torch

Progress = Callable[[float, str], None]

CHECKING = "checking again after timing"
KERNEL_ALONE = "{name}: kernel alone"
MOST_SETS_BYTES = 1 << 30
"""Input sets take no more than this together (but two are kept)."""


@dataclass(frozen=True, slots=True)
class Entrant:
    """A baseline that takes part, and the version that is recorded with it."""

    baseline: Baseline
    version: str


@dataclass(slots=True)
class Field:
    """What is timed, the candidate first, and the baselines that can't be, with reasons."""

    kernels: dict[str, Kernel]
    setup_us: dict[str, float] = field(default_factory=dict)
    """Building it and its first call: compiling, packing weights, choosing a configuration."""
    entrants: list[Entrant] = field(default_factory=list)
    absent: list[tuple[Baseline, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Times:
    """Samples in microseconds, one a round, and how they were taken."""

    samples: dict[str, list[float]]
    kernel_alone: list[float]
    method: dict[str, Any]


def enter(
    declaration: Declaration,
    workload: Workload,
    case: Case,
    name: str,
    kernel: Kernel,
    setup_us: float,
    device: torch.device,
    foreign: Foreign,
) -> Field:
    """Set up the rivals; a baseline that gives a wrong result is none, however fast."""
    entered = Field({name: kernel}, {name: setup_us})
    entered.absent += foreign.failed
    kind = Device(device.type)
    inputs = workload.inputs(case, device, case.seed - 1)

    def try_one(baseline: Baseline, version: str, build: Callable[[], Kernel]) -> None:
        start = time.perf_counter()
        try:
            rival = build()
            checks = checked_call(workload, rival, case, inputs, device)
        except NotRunnableError as reason:
            entered.absent.append((baseline, str(reason)))
            return
        spent = (time.perf_counter() - start) * 1e6
        wrong = [c.name for c in checks if not c.passed]
        if wrong:
            entered.absent.append((baseline, f"Its result is wrong here: {', '.join(wrong)}."))
            return
        entered.kernels[baseline.name] = rival
        entered.setup_us[baseline.name] = round(spent, 1)
        entered.entrants.append(Entrant(baseline, version))

    for baseline in declaration.baselines_for(case, kind):
        # A closure over the loop's variable would be read too late: it is bound here.
        try_one(
            baseline,
            package_version(baseline.package),
            lambda b=baseline: workload.build(b.name, case, device),  # type: ignore[misc]
        )
    taken = {i.name for i in declaration.implementations} | {b.name for b in declaration.baselines}
    for other in foreign.of(declaration.name):
        if kind not in other.baseline.devices or not other.baseline.applies(case):
            continue
        if other.baseline.name in taken:
            why = f"{declaration.name} already has a {other.baseline.name}: give it another name."
            entered.absent.append((other.baseline, why))
            continue
        taken.add(other.baseline.name)
        try_one(
            other.baseline,
            other.version,
            lambda o=other: o.build(case, device),  # type: ignore[misc]
        )
    return entered


def input_sets(
    workload: Workload, case: Case, device: torch.device, budget: timing.Budget
) -> list[Tensors]:
    """Return the input sets that rotate, of different seeds.

    As many as the budget says, unless they would take more than `MOST_SETS_BYTES`.
    """
    sets: list[Tensors] = []
    for number in range(budget.sets):
        sets.append(workload.inputs(case, device, case.seed + number))
        if len(sets) >= 2 and set_bytes(sets) * (len(sets) + 1) / len(sets) > MOST_SETS_BYTES:
            break
    return sets


def set_bytes(sets: Sequence[Tensors]) -> int:
    """Return what these sets take together."""
    return sum(t.numel() * t.element_size() for inputs in sets for t in inputs.values())


def time_field(
    entered: Field,
    sets: Sequence[Tensors],
    outputs: Tensors,
    alone: Callable[[Tensors, Tensors], Callable[[], None]] | None,
    spots: SpotChecks,
    timer: timing.Timer,
    device: torch.device,
    budget: timing.Budget,
    number: int,
    progress: Progress,
) -> Times:
    """Warm up, then time all in turns; `number` is that of this process.

    `alone` prepares a call of the candidate's kernel by itself, for one input set; `spots` checks
    the candidate's calls in the midst of it.
    """
    import torch

    calls = {name: baseline_call(kernel, sets, outputs) for name, kernel in entered.kernels.items()}
    candidate = next(iter(calls))
    calls[candidate] = spots.call(entered.kernels[candidate])
    extra = KERNEL_ALONE.format(name=candidate)
    if alone is not None:
        prepared = [alone(inputs, outputs) for inputs in sets]
        calls[extra] = lambda index: prepared[index]()
    progress(0.3, "warming up")
    warm: dict[str, int] = {}
    slowest = 0.0
    with torch.inference_mode():
        for name, call in calls.items():
            # Each was called before: it is compiled, and has chosen its configuration.
            timer.prepare(call)
            times: list[float] = []
            warm[name] = timing.warm_up(_noted(timer, call, times), budget.warm_up_seconds)
            slowest = max(slowest, times[-1] / 1e6)
        # As many sets a sample as its slowest contestant allows within its share of the budget.
        share = budget.seconds / budget.rounds / max(len(calls), 1)
        width = max(1, min(len(sets), int(share / max(slowest, 1e-9))))
        samplers = {
            name: spots.around(call, timer, order(width, len(sets)), checked=name == candidate)
            for name, call in calls.items()
        }
        gc.collect()
        gc.disable()
        try:
            samples = timing.interleave(
                samplers,
                budget,
                lambda done, of: progress(0.35 + 0.6 * done / of, f"timing: round {done} of {of}"),
                number,
            )
        finally:
            gc.enable()
    method = {
        "timer": timer.method,
        "cache": timer.cache,
        "rounds": len(samples[candidate]),
        "calls_per_sample": width,
        "input_sets": len(sets),
        "warm_up_samples": warm,
    }
    if device.type == "cuda":
        method["host_us"] = {
            name: _host_us(call, device) for name, call in calls.items() if name != extra
        }
    return Times(samples, samples.pop(extra, []), method)


def baseline_call(kernel: Kernel, sets: Sequence[Tensors], outputs: Tensors) -> timing.Call:
    """Return the timed call of a baseline.

    Code that makes its own output has to copy it into ours to be checked, which can cost it a
    fifth of its time. If its kernel has `uncopied`, a function of the inputs, that is timed.
    """
    uncopied: Callable[[Tensors], object] | None = getattr(kernel, "uncopied", None)
    if uncopied is None:
        return lambda index: kernel(sets[index], outputs)
    bare = uncopied

    def call(index: int) -> None:
        bare(sets[index])

    return call


def _noted(timer: timing.Timer, call: timing.Call, times: list[float]) -> Callable[[], float]:
    def sample() -> float:
        times.append(timer.warm(call))
        return times[-1]

    return sample


def sampler(
    timer: timing.Timer, call: timing.Call, width: int, total: int
) -> Callable[[int], float]:
    """Return what times `width` of the sets in a round, others in the next."""
    sets = order(width, total)
    return lambda number: timer.sample(call, sets(number))


def order(width: int, total: int) -> Callable[[int], list[int]]:
    """Return which input sets a round takes: they rotate."""
    return lambda number: [(number * width + i) % total for i in range(width)]


def _host_us(call: timing.Call, device: torch.device, repeats: int = 20) -> float:
    """Return the median wall time of call plus synchronize: launch overhead counted."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call(0)
        synchronize(device)
        times.append((time.perf_counter() - start) * 1e6)
    return round(sorted(times)[repeats // 2], 1)


def package_version(package: str) -> str:
    """Return `package version` of what a baseline runs on."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return package
