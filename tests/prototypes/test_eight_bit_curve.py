"""Speed over lengths as figures: each shape against each rival that runs, beside the paper."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
import torch

from prototypes.attention.eight_bit import curve
from prototypes.attention.eight_bit.declared import case
from prototypes.harness.declarations import Case
from prototypes.harness.figures import Figure
from prototypes.harness.workload import Kernel, NotRunnableError, Tensors

SHAPES = (case(1, 2, 32, 64), case(1, 2, 64, 64, causal=True))


class Clock:
    """A timer of calls that say what they take."""

    def __init__(self) -> None:
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def sample(self, call: Callable[[int], object], sets: Sequence[int]) -> float:
        start = self.now
        for number in sets:
            call(number)
        return (self.now - start) / len(sets) * 1e6


time = Clock()


class Sleeper:
    """Takes a known time; has its own output, which costs as much again to copy."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def __call__(self, inputs: Tensors, outputs: Tensors) -> None:
        self.uncopied(inputs)
        self.uncopied(inputs)

    def uncopied(self, inputs: Tensors) -> None:
        assert set(inputs) == {"query", "key", "value"}
        time.sleep(self.seconds)


def sleeping(seconds: float) -> Kernel:
    def run(inputs: Tensors, outputs: Tensors) -> None:
        time.sleep(seconds)

    return run


def absent(_: Case) -> Kernel:
    raise NotRunnableError("It isn't here.")


def alone(_: Case) -> Callable[[Tensors, Tensors], Callable[[], None]]:
    return lambda inputs, outputs: lambda: time.sleep(0.01)


def test_shapes_are_set_against_rivals_that_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(curve, "SHAPES", SHAPES)
    monkeypatch.setattr(curve, "timer_for", lambda _: time)
    found: dict[str, Figure] = {
        f.name: f
        for f in curve.figures(
            torch.device("cpu"),
            1,
            lambda _: sleeping(0.02),
            alone,
            {"slow": lambda _: Sleeper(0.04), "absent": absent},
            {("b1-h2-s32-d64", "slow"): 1.31},
        )
    }
    assert not [name for name in found if "absent" in name]
    slow = found["b1-h2-s32-d64: times as fast as slow"]
    assert slow.value == pytest.approx(2)
    assert slow.paper == 1.31
    assert found["b1-h2-s64-d64-causal: times as fast as slow"].paper is None
    over = found["b1-h2-s32-d64: call over kernel alone"]
    assert over.value == pytest.approx(2)
    # Operations of both products over the time; half of them where there is a mask.
    speed = found["b1-h2-s64-d64-causal: speed"]
    assert speed.value == pytest.approx(4 * 2 * 64 * 64 * 64 / 2 / 0.02 / 1e12)


def test_no_shape_is_begun_when_the_time_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(curve, "SHAPES", SHAPES)
    monkeypatch.setattr(curve, "timer_for", lambda _: time)
    monkeypatch.setattr(curve, "SECONDS", -1.0)
    device = torch.device("cpu")
    assert not list(curve.figures(device, 1, lambda _: sleeping(0.02), alone, {}, {}))


def test_the_shapes_are_those_of_the_papers() -> None:
    assert len(curve.SHAPES) == 20
    assert {s.id for s in curve.SHAPES} >= {"b4-h32-s1024-d64", "b4-h32-s16384-d128-causal"}
