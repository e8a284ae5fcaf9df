"""What happens inside a measuring child: gates, then times; one case, one implementation.

`measure` passes both gates and times; `repeat` times again in another process, and checks in the
midst of it and afterwards on the very buffers that were timed. A `Timing` can only exist with
`PassedGates`.
"""

from __future__ import annotations

import importlib
import secrets
import time
from collections.abc import Callable
from statistics import median
from typing import TYPE_CHECKING, Any

from prototypes.harness import room, timing, wire
from prototypes.harness.calls import checked_call, fresh_calls, replayed, synchronize
from prototypes.harness.contest import (
    CHECKING,
    Field,
    Times,
    enter,
    input_sets,
    set_bytes,
    time_field,
)
from prototypes.harness.declarations import Case, Declaration
from prototypes.harness.figures import Figure, collect
from prototypes.harness.foreign import Foreign, load
from prototypes.harness.gates import Check, GateReport, PassedGates, by_fault, merge
from prototypes.harness.misses import told_apart
from prototypes.harness.outcome import Contestant, Outcome, Timing, without_times
from prototypes.harness.probe import open_device
from prototypes.harness.roofline import Rates
from prototypes.harness.seal import Seal
from prototypes.harness.spot_checks import SpotChecks
from prototypes.harness.turns import turn
from prototypes.harness.watch import Watch
from prototypes.harness.workload import Kernel, Tensors, Workload

if TYPE_CHECKING:
    import torch

Progress = Callable[[float, str], None]


def measure(request: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Return the run's record for one case and one implementation.

    Under `wire` it holds all that is needed to join it with the `repeat`s of other processes. A
    case that there is no memory for isn't begun (`room`).
    """
    seal = Seal()  # before any of the prototype's code is imported
    declaration = load_declaration(request["declaration"])
    workload: Workload = importlib.import_module(declaration.module).WORKLOAD
    case, device = declaration.case(request["case"]), open_device(request)
    lack = room.lacking(workload, case, device)
    if lack is not None:
        return lack
    outcome = run_case(
        declaration,
        workload,
        case,
        request["implementation"],
        device,
        Rates(**request["rates"]) if request.get("rates") else None,
        request["quick"],
        progress,
        processes=int(request.get("processes", 1)),
        noise_floor=float(request.get("noise_floor") or 0.0),
        seal=seal,
    )
    return {**outcome.to_json(), "wire": wire.pack(outcome)}


def repeat(request: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Return the samples of another process, and the checks made around them.

    `processes` is how many share the budget, `number` which this one is.
    """
    seal = Seal()
    declaration = load_declaration(request["declaration"])
    workload: Workload = importlib.import_module(declaration.module).WORKLOAD
    case, name = declaration.case(request["case"]), request["implementation"]
    device = open_device(request)
    workload = told_apart(workload, declaration, name, device)
    watch = Watch(seal)
    seed = secrets.randbits(31)
    progress(0.05, "setting up again in another process")
    kernel, setup_us = build(workload, name, case, device, watch)
    budget = (timing.QUICK if request["quick"] else timing.FULL).share(int(request["processes"]))
    entered = enter(declaration, workload, case, name, kernel, setup_us, device, load())
    _, times, replay = _timed(
        workload, name, case, entered, device, budget, int(request["number"]), seed, progress, watch
    )
    return {
        "checks": wire.pack_checks(replay),
        "candidate": name,
        "samples": times.samples,
        "kernel_alone": times.kernel_alone,
        "method": times.method,
        "setup_us": entered.setup_us,
        "absent": {baseline.name: why for baseline, why in entered.absent},
    }


def load_declaration(path: str) -> Declaration:
    """Return the `DECLARATION` of a module; the parent names only modules that it scanned."""
    declaration = importlib.import_module(path).DECLARATION
    assert isinstance(declaration, Declaration)
    return declaration


def build(
    workload: Workload, name: str, case: Case, device: torch.device, watch: Watch
) -> tuple[Kernel, float]:
    """Set up code and call it once; return it with the microseconds that this took."""
    start = time.perf_counter()
    with watch.inside():
        kernel = workload.build(name, case, device)
    inputs, outputs = workload.inputs(case, device, case.seed - 1), workload.outputs(case, device)
    built = time.perf_counter() - start
    synchronize(device)
    start = time.perf_counter()
    with watch.inside():
        kernel(inputs, outputs)
    synchronize(device)
    return kernel, round((built + time.perf_counter() - start) * 1e6, 1)


def run_case(
    declaration: Declaration,
    workload: Workload,
    case: Case,
    name: str,
    device: torch.device,
    rates: Rates | None,
    quick: bool,
    progress: Progress = lambda fraction, message: None,
    foreign: Foreign | None = None,
    processes: int = 1,
    noise_floor: float = 0.0,
    seal: Seal | None = None,
) -> Outcome:
    """Pass both gates, then time: one case and one implementation.

    `processes` is how many share the time that a measurement may take; this is the first of them.
    """
    workload = told_apart(workload, declaration, name, device)
    watch = Watch(seal)
    seed = secrets.randbits(31)
    progress(0.02, "setting up")
    kernel, setup_us = build(workload, name, case, device, watch)
    progress(0.1, "gate: fresh inputs")
    fidelity = [
        *fresh_calls(workload, kernel, case, device, seed, watch),
        *workload.fidelity(name, case, device, seed, quick),
    ]
    progress(0.25, "gate: quality")
    code, missed = by_fault(fidelity)
    report = GateReport(code)
    if report.fidelity_pass:
        quality = workload.quality(name, case, device, seed, quick)
        report = GateReport(code, merge([*quality, *missed]))
    figures = (
        _figures(workload, name, case, device, seed, quick, progress)
        if report.fidelity_pass
        else ()
    )
    if not report.fidelity_pass or not report.quality_pass:
        return Outcome(report, gate_seed=seed, figures=figures)
    passed = PassedGates(report)
    untimed = declaration.implementation(name).quality_only
    if untimed:
        return Outcome(report, gate_seed=seed, figures=figures, quality_only=untimed)

    budget = (timing.QUICK if quick else timing.FULL).share(processes)
    others = load() if foreign is None else foreign
    entered = enter(declaration, workload, case, name, kernel, setup_us, device, others)
    touched, times, replay = _timed(
        workload, name, case, entered, device, budget, 0, seed, progress, watch
    )
    if not all(c.passed for c in replay):
        return without_times(Outcome(report, gate_seed=seed, figures=figures), replay)
    work = workload.work(case)
    candidate = times.samples[name]
    timed = Timing(
        gates=passed,
        candidate=candidate,
        contestants=tuple(
            Contestant(e.baseline, times.samples[e.baseline.name], e.version)
            for e in entered.entrants
        ),
        method={
            "summary": timing.summary(times.method, 1),
            **times.method,
            "statistic": timing.STATISTIC,
        },
        work=work,
        floor_us=rates.floor_us(work) if rates else None,
        impossible_us=rates.impossible_us(work, touched) if rates else 0.0,
        rounds=(len(candidate),),
        noise_floor=noise_floor,
        roof=rates,
        kernel_alone=times.kernel_alone,
        setup_us={n: [us] for n, us in entered.setup_us.items()},
    )
    return Outcome(
        report,
        gate_seed=seed,
        timing=timed,
        absent=tuple(entered.absent),
        replay=replay,
        figures=figures,
    )


def _timed(
    workload: Workload,
    name: str,
    case: Case,
    entered: Field,
    device: torch.device,
    budget: timing.Budget,
    number: int,
    seed: int,
    progress: Progress,
    watch: Watch,
) -> tuple[int, Times, tuple[Check, ...]]:
    """Time all, then check the code again on the very buffers; return the bytes of the sets too."""
    sets = input_sets(workload, case, device, budget)
    alone = _kernel_alone(workload, name, case, device)
    outputs = workload.outputs(case, device)
    spots = SpotChecks(workload, case, sets, outputs, device, watch, budget.least_rounds)
    timer = timing.timer_for(device, set_bytes(sets))
    kernel = entered.kernels[name]
    with turn().alone():
        times = time_field(
            entered, sets, outputs, alone, spots, timer, device, budget, number, progress
        )
        checks = spots.finish()
        if number == 0:  # what is remembered shows in the first process as in any
            rivals = [k for n, k in entered.kernels.items() if n != name]
            checks += spots.afterwards(kernel, rivals, median(times.samples[name]))
        progress(0.97, CHECKING)
    replay = merge([*checks, *replayed(workload, kernel, case, sets, device, seed, watch)])
    if alone is not None:
        replay += merge(_checked_alone(workload, alone, case, sets[0], device))
    return set_bytes(sets), times, replay


def _figures(
    workload: Workload,
    name: str,
    case: Case,
    device: torch.device,
    seed: int,
    quick: bool,
    progress: Progress,
) -> tuple[Figure, ...]:
    """Return what the workload tells beside its gates; nothing where it offers no figures."""
    offered = getattr(workload, "figures", None)
    if offered is None:
        return ()
    progress(0.27, "figures")
    return collect(offered(name, case, device, seed, quick))


def _kernel_alone(
    workload: Workload, name: str, case: Case, device: torch.device
) -> Callable[[Tensors, Tensors], Callable[[], None]] | None:
    """Return what prepares a call of the kernel by itself; None where the workload has none."""
    prepare = getattr(workload, "kernel_alone", None)
    return prepare(name, case, device) if prepare is not None else None


def _checked_alone(
    workload: Workload,
    alone: Callable[[Tensors, Tensors], Callable[[], None]],
    case: Case,
    inputs: Tensors,
    device: torch.device,
) -> list[Check]:
    def run(given: Tensors, outputs: Tensors) -> None:
        alone(given, outputs)()

    checks = checked_call(workload, run, case, inputs, device)
    return [c.during("kernel alone") for c in checks]
