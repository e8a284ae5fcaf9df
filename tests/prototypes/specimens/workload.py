"""y = 2 x on 64 Ki floats; the case says how the code under test misbehaves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable

import torch

from prototypes.harness.declarations import Case
from prototypes.harness.gates import Check
from prototypes.harness.workload import Kernel, NotRunnableError, Tensors, Work

SIZE = 1 << 16


class Doubling:
    def inputs(self, case: Case, device: torch.device, seed: int) -> Tensors:
        generator = torch.Generator(device=device).manual_seed(seed)
        x = torch.randn(SIZE, device=device, generator=generator)
        x[0] = 1.0 if seed % 3 == 0 else -1.0  # of the gates' first three calls it is one
        return {"x": x}

    def outputs(self, case: Case, device: torch.device) -> Tensors:
        return {"y": torch.empty(SIZE, device=device)}

    def build(self, name: str, case: Case, device: torch.device) -> Kernel:
        if name == "missing":
            raise NotRunnableError("The library isn't here.")
        if name == "cheating":
            return lambda inputs, outputs: None
        if name in ("slow", "slower"):
            return _repeated(8 if name == "slow" else 40)
        return _misbehaving(str(case.parameters["behaviour"]))

    def verify(self, case: Case, inputs: Tensors, outputs: Tensors) -> Iterable[Check]:
        error = float((outputs["y"].double() - 2 * inputs["x"].double()).norm())
        name = "loss of one call" if "misses" in str(case.parameters["behaviour"]) else "error"
        return [Check.at_most(name, error / float(inputs["x"].norm()), 1e-6)]

    def fidelity(
        self, name: str, case: Case, device: torch.device, seed: int, quick: bool
    ) -> Iterable[Check]:
        return ()

    def quality(
        self, name: str, case: Case, device: torch.device, seed: int, quick: bool
    ) -> Iterable[Check]:
        bad = case.parameters["behaviour"] == "below-quality"
        return [Check.at_most("loss", 0.5 if bad else 0.01, 0.1)]

    def work(self, case: Case) -> Work:
        impossible = case.parameters["behaviour"] == "impossible"
        return Work(bytes=8 * SIZE * (10**6 if impossible else 1), flops=SIZE)


def _repeated(times: int) -> Kernel:
    def run(inputs: Tensors, outputs: Tensors) -> None:
        for _ in range(times):
            torch.mul(inputs["x"], 2, out=outputs["y"])

    return run


def _misbehaving(behaviour: str) -> Kernel:
    if behaviour == "raises":
        raise ValueError("this is what went wrong\nand this is a second line")
    if behaviour == "not-runnable":
        raise NotRunnableError("Needs a library that isn't here.")
    if behaviour == "sleeps":
        time.sleep(600)
    if behaviour == "crashes":
        os.kill(os.getpid(), signal.SIGSEGV)
    if behaviour == "exits":
        os._exit(3)
    if behaviour == "hoards":
        torch.ones(1 << 36)
    if behaviour == "prints":
        print("a" * 10_000_000)
        print('{"kind": "result", "result": {"status": "ok"}}')
    if behaviour == "leaves-a-child":
        mark = os.environ.get("SPECIMEN_MARK", "")  # by which its test knows it among all processes
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", mark])
    behaviours: dict[str, Kernel] = {
        "wrong": _wrong,
        "writes-nothing": lambda inputs, outputs: None,
        "writes-nan": _writes_nan,
        "overwrites-input": _overwrites,
        "remembers-by-address": _Remembers(),
        "stops-working-when-timed": _Lazy(),
        "misses-on-some-inputs": _Misses(lambda x, calls: x > 0),
        "misses-when-called-often": _Misses(lambda x, calls: calls > 2),
    }
    return behaviours.get(behaviour, _repeated(1))


def _wrong(inputs: Tensors, outputs: Tensors) -> None:
    torch.mul(inputs["x"], 2, out=outputs["y"])
    outputs["y"][-1] += 1


def _writes_nan(inputs: Tensors, outputs: Tensors) -> None:
    outputs["y"].fill_(float("nan"))


def _overwrites(inputs: Tensors, outputs: Tensors) -> None:
    torch.mul(inputs["x"], 2, out=outputs["y"])
    inputs["x"][7] = 0


class _Remembers:
    """Computes once for each buffer it sees, then gives the remembered answer."""

    def __init__(self) -> None:
        self.answers: dict[int, torch.Tensor] = {}

    def __call__(self, inputs: Tensors, outputs: Tensors) -> None:
        key = inputs["x"].data_ptr()
        if key not in self.answers:
            self.answers[key] = inputs["x"] * 2
        outputs["y"].copy_(self.answers[key])


class _Lazy:
    """Works as long as it is being checked, and not any more once it is called often."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, inputs: Tensors, outputs: Tensors) -> None:
        self.calls += 1
        if self.calls < 6:
            torch.mul(inputs["x"], 2, out=outputs["y"])


class _Misses:
    """Is off by a little where a condition holds: of the inputs' first value, or of its calls."""

    def __init__(self, where: Callable[[float, int], bool]) -> None:
        self.where = where
        self.calls = 0

    def __call__(self, inputs: Tensors, outputs: Tensors) -> None:
        self.calls += 1
        torch.mul(inputs["x"], 2, out=outputs["y"])
        if self.where(float(inputs["x"][0]), self.calls):
            outputs["y"][-1] += 0.01


WORKLOAD = Doubling()
