"""What is measured of the device itself, before any case: its ceilings, and its noise floor."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from prototypes.harness import environment, timing
from prototypes.harness.ceilings import measure_rates
from prototypes.harness.contest import sampler
from prototypes.harness.statistics import noise_floor, ratio_interval
from prototypes.harness.turns import turn
from prototypes.harness.workload import NotRunnableError

if TYPE_CHECKING:
    import torch

Progress = Callable[[float, str], None]


def probe(request: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Return what the environment says of the device: names, rates, the A/A noise floor.

    With `only_rates`, the rates alone: for another number of threads.
    """
    device = open_device(request)
    with turn().alone():
        return _probe(request, device, progress)


def _probe(request: dict[str, Any], device: torch.device, progress: Progress) -> dict[str, Any]:
    progress(0.1, "measuring the device's ceilings")
    rates = measure_rates(device, request["quick"]).to_json()
    if request.get("only_rates"):
        return {"rates": rates}
    progress(0.5, "measuring the noise floor")
    import torch

    return {
        **environment.device_record(request["device"]),
        "software": environment.software(),
        "threads": torch.get_num_threads(),
        "rates": rates,
        "noise_floor": _noise(device, request["quick"]),
    }


def open_device(request: dict[str, Any]) -> torch.device:
    """Return the device that a request names, with its threads set; raises `NotRunnableError`."""
    import torch

    if request["device"] == "cuda":
        if not torch.cuda.is_available():
            raise NotRunnableError("This machine has no CUDA device that torch can use.")
        return torch.device("cuda:0")
    torch.set_num_threads(int(request.get("threads", 1)))
    return torch.device("cpu")


def _noise(device: torch.device, quick: bool) -> float:
    """Time one operation against itself, in blocks, as a case is timed."""
    import torch

    sets = 4 if device.type == "cpu" else 8
    rows = 1 if device.type == "cpu" else 64
    xs = [torch.randn(rows, 128256, device=device) for _ in range(sets)]
    timer = timing.timer_for(device)

    def call(index: int) -> None:
        torch.softmax(xs[index], dim=-1)

    timer.prepare(call)
    timing.warm_up(lambda: timer.warm(call), 0.3 if quick else 1.0)
    same = sampler(timer, call, sets, sets)
    budget = timing.QUICK if quick else timing.FULL
    ratios = []
    for _ in range(2 if quick else 4):
        samples = timing.interleave({"a": same, "b": same}, budget)
        ratios.append(ratio_interval(samples["a"], samples["b"]))
    return round(noise_floor(ratios), 4)
