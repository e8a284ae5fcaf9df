"""What happens inside a child: gates, then times, then the roofline; one case, one implementation.

`measure` returns an `Outcome`; a `Timing` in it can only exist with `PassedGates`.
"""

from __future__ import annotations

import importlib
import secrets
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from prototypes.harness import environment, timing
from prototypes.harness.calls import checked_call, fresh_calls, replayed, synchronize
from prototypes.harness.declarations import Baseline, Case, Declaration, Device
from prototypes.harness.gates import GateReport, PassedGates, merge
from prototypes.harness.outcome import Contestant, Outcome, Timing
from prototypes.harness.roofline import Rates, measure_rates
from prototypes.harness.statistics import noise_floor, ratio_interval
from prototypes.harness.workload import Kernel, NotRunnableError, Tensors, Workload

if TYPE_CHECKING:
    import torch

Progress = Callable[[float, str], None]


def probe(request: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Return what the environment says of the device: names, rates, the A/A noise floor."""
    device = _device(request)
    progress(0.1, "measuring the device's rates")
    rates = measure_rates(device, request["quick"])
    progress(0.5, "measuring the noise floor")
    return {
        **environment.device_record(request["device"]),
        "software": environment.software(),
        "threads": _threads(),
        "rates": rates.to_json(),
        "noise_floor": _noise(device, request["quick"]),
    }


def measure(request: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Return the run's record for one case and one implementation."""
    declaration = load_declaration(request["declaration"])
    workload: Workload = importlib.import_module(declaration.module).WORKLOAD
    case = declaration.case(request["case"])
    outcome = run_case(
        declaration,
        workload,
        case,
        request["implementation"],
        _device(request),
        Rates(**request["rates"]) if request.get("rates") else None,
        request["quick"],
        progress,
    )
    return outcome.to_json()


def load_declaration(path: str) -> Declaration:
    """Return the `DECLARATION` of a module; the parent names only modules that it scanned."""
    declaration = importlib.import_module(path).DECLARATION
    assert isinstance(declaration, Declaration)
    return declaration


def run_case(
    declaration: Declaration,
    workload: Workload,
    case: Case,
    name: str,
    device: torch.device,
    rates: Rates | None,
    quick: bool,
    progress: Progress = lambda fraction, message: None,
) -> Outcome:
    """Hold one implementation to its gates and, if it passes, time it beside its baselines."""
    seed = secrets.randbits(31)
    progress(0.02, "setting up")
    kernel = workload.build(name, case, device)
    progress(0.1, "gate: fresh inputs")
    fidelity = [
        *fresh_calls(workload, kernel, case, device, seed),
        *workload.fidelity(name, case, device, seed, quick),
    ]
    progress(0.25, "gate: quality")
    report = GateReport(merge(fidelity))
    if report.fidelity_pass:
        quality = workload.quality(name, case, device, seed, quick)
        report = GateReport(report.fidelity, merge(quality))
    if not report.fidelity_pass or not report.quality_pass:
        return Outcome(report, gate_seed=seed)
    passed = PassedGates(report)

    budget = timing.QUICK if quick else timing.FULL
    sets = [workload.inputs(case, device, case.seed + i) for i in range(budget.sets)]
    outputs = workload.outputs(case, device)
    contestants, absent = _contestants(declaration, workload, case, name, kernel, device)
    samples, method = _time(contestants, sets, outputs, device, budget, progress)

    progress(0.97, "checking again after timing")
    replay = merge(replayed(workload, kernel, case, sets, device, seed))
    if not all(c.passed for c in replay):
        return Outcome(GateReport((*report.fidelity, *replay)), gate_seed=seed)
    work = workload.work(case)
    timed = Timing(
        gates=passed,
        candidate=samples.pop(name),
        contestants=tuple(
            Contestant(baseline, samples[baseline.name], environment_version(baseline))
            for baseline in declaration.baselines_for(case, Device(device.type))
            if baseline.name in samples
        ),
        method=method,
        work=work,
        floor_us=rates.floor_us(work) if rates else None,
        impossible_us=rates.impossible_us(work, _bytes(sets)) if rates else 0.0,
    )
    return Outcome(report, gate_seed=seed, timing=timed, absent=absent, replay=replay)


def _contestants(
    declaration: Declaration,
    workload: Workload,
    case: Case,
    name: str,
    kernel: Kernel,
    device: torch.device,
) -> tuple[dict[str, Kernel], tuple[tuple[Baseline, str], ...]]:
    """Return what is timed, the candidate first, and the baselines that can't be, with reasons.

    A baseline that gives a wrong result is no rival, however fast.
    """
    kernels = {name: kernel}
    absent: list[tuple[Baseline, str]] = []
    inputs = workload.inputs(case, device, case.seed - 1)
    for baseline in declaration.baselines_for(case, Device(device.type)):
        try:
            rival = workload.build(baseline.name, case, device)
            wrong = [
                c.name for c in checked_call(workload, rival, case, inputs, device) if not c.passed
            ]
        except NotRunnableError as reason:
            absent.append((baseline, str(reason)))
            continue
        if wrong:
            absent.append((baseline, f"Its result is wrong here: {', '.join(wrong)}."))
        else:
            kernels[baseline.name] = rival
    return kernels, tuple(absent)


def _time(
    kernels: dict[str, Kernel],
    sets: Sequence[Tensors],
    outputs: Tensors,
    device: torch.device,
    budget: timing.Budget,
    progress: Progress,
) -> tuple[dict[str, list[float]], dict[str, Any]]:
    import gc

    import torch

    timer = timing.timer_for(device)
    calls = {name: _call(kernel, sets, outputs) for name, kernel in kernels.items()}
    progress(0.3, "warming up")
    warm: dict[str, int] = {}
    slowest = 0.0
    with torch.inference_mode():
        for name, call in calls.items():
            call(0)
            timer.prepare(call)
            warm[name] = timing.warm_up(_one(timer, call), budget.warm_up_seconds)
            slowest = max(slowest, timer.sample(call, [0]) / 1e6)
        # As many sets a sample as its slowest contestant allows within its share of the budget.
        share = budget.seconds / budget.rounds / max(len(calls), 1)
        width = max(1, min(len(sets), int(share / max(slowest, 1e-9))))
        samplers = {name: _sampler(timer, call, width, len(sets)) for name, call in calls.items()}
        gc.collect()
        gc.disable()
        try:
            samples = timing.interleave(
                samplers,
                budget,
                lambda done, of: progress(0.35 + 0.6 * done / of, f"timing: round {done} of {of}"),
            )
        finally:
            gc.enable()
    rounds = len(next(iter(samples.values())))
    method = {
        "summary": f"{timer.method}; {timer.cache}; {rounds} interleaved rounds, order alternating",
        "timer": timer.method,
        "cache": timer.cache,
        "rounds": rounds,
        "calls_per_sample": width,
        "input_sets": len(sets),
        "warm_up_samples": warm,
        "statistic": "median of rounds; 95 % percentile bootstrap; speedup from paired rounds",
    }
    if device.type == "cuda":
        method["host_us"] = {name: _host_us(call, device) for name, call in calls.items()}
    return samples, method


def _call(kernel: Kernel, sets: Sequence[Tensors], outputs: Tensors) -> timing.Call:
    return lambda index: kernel(sets[index], outputs)


def _one(timer: timing.Timer, call: timing.Call) -> Callable[[], float]:
    return lambda: timer.sample(call, [0])


def _sampler(
    timer: timing.Timer, call: timing.Call, width: int, total: int
) -> Callable[[int], float]:
    return lambda number: timer.sample(call, [(number * width + i) % total for i in range(width)])


def _host_us(call: timing.Call, device: torch.device, repeats: int = 20) -> float:
    """Return the median wall time of call plus synchronize: launch overhead counted."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call(0)
        synchronize(device)
        times.append((time.perf_counter() - start) * 1e6)
    return round(sorted(times)[repeats // 2], 1)


def _noise(device: torch.device, quick: bool) -> float:
    """Time one operation against itself, in blocks, as a case is timed."""
    import torch

    timer = timing.timer_for(device)
    x = torch.randn(1 if device.type == "cpu" else 64, 128256, device=device)

    def call(_: int) -> None:
        torch.softmax(x, dim=-1)

    timer.prepare(call)
    timing.warm_up(_one(timer, call), 1.0)
    width = 16 if device.type == "cpu" else 8
    sampler = _sampler(timer, call, width, 1)
    budget = timing.QUICK if quick else timing.FULL
    ratios = []
    for _ in range(2 if quick else 4):
        samples = timing.interleave({"a": sampler, "b": sampler}, budget)
        ratios.append(ratio_interval(samples["a"], samples["b"]))
    return round(noise_floor(ratios), 4)


def _device(request: dict[str, Any]) -> torch.device:
    import torch

    if request["device"] == "cuda":
        if not torch.cuda.is_available():
            raise NotRunnableError("This machine has no CUDA device that torch can use.")
        return torch.device("cuda:0")
    torch.set_num_threads(int(request.get("threads", 1)))
    return torch.device("cpu")


def _threads() -> int:
    import torch

    return torch.get_num_threads()


def _bytes(sets: Sequence[Tensors]) -> int:
    return sum(t.numel() * t.element_size() for inputs in sets for t in inputs.values())


def environment_version(baseline: Baseline) -> str:
    """Return `package version` of what a baseline runs on."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return f"{baseline.package} {version(baseline.package)}"
    except PackageNotFoundError:
        return baseline.package
