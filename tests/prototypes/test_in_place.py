"""A technique that writes an input by its nature says so: that input may change, others may not.

What it writes there is judged like an output.
"""

from collections.abc import Iterable
from dataclasses import replace

import pytest
import torch

from prototypes.harness import measure, timing
from prototypes.harness.declarations import Case
from prototypes.harness.gates import Check
from prototypes.harness.outcome import Outcome
from prototypes.harness.workload import Kernel, Tensors
from tests.prototypes.exploits.declaration import DECLARATION
from tests.prototypes.exploits.workload import Softmax


class InPlace(Softmax):
    """x is the workspace and ends as exponentials; scale is only read."""

    def __init__(self, declared: tuple[str, ...], spoils: str = "x", wrong_by: float = 0) -> None:
        self.in_place = declared
        self.spoils = spoils
        self.wrong_by = wrong_by
        self.calls = 0

    def inputs(self, case: Case, device: torch.device, seed: int) -> Tensors:
        given = super().inputs(case, device, seed)
        return {**given, "drawn": given["x"].clone(), "scale": torch.full((1,), 2.0)}

    def verify(self, case: Case, inputs: Tensors, outputs: Tensors) -> Iterable[Check]:
        drawn = inputs["drawn"]
        yield from super().verify(case, {"x": drawn}, outputs)
        if self.in_place and self.spoils == "x":
            right = (drawn - drawn.amax(dim=-1, keepdim=True)).exp()
            yield Check.none("exponentials that are wrong", int((inputs["x"] != right).sum()))

    def build(self, name: str, case: Case, device: torch.device) -> Kernel:
        def run(inputs: Tensors, outputs: Tensors) -> None:
            self.calls += 1
            x = inputs["x"] if self.spoils == "x" else inputs["x"].clone()
            x.sub_(x.amax(dim=-1, keepdim=True)).exp_()
            torch.div(x, x.sum(dim=-1, keepdim=True) / inputs["scale"], out=outputs["y"])
            x.add_(self.wrong_by)
            if self.spoils == "scale":
                inputs["scale"].add_(1e-3)

        return run


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "QUICK", timing.Budget(6, 4, 0.5, 0.05, 3))


def outcome(workload: InPlace) -> Outcome:
    return measure.run_case(
        replace(DECLARATION, implementations=DECLARATION.implementations[:1]),
        workload,
        DECLARATION.cases[0],
        "plain",
        torch.device("cpu"),
        None,
        quick=True,
    )


def test_an_input_that_is_declared_may_be_written_and_is_restored_before_each_call() -> None:
    workload = InPlace(declared=("x",))
    record = outcome(workload).to_json()
    # Not restored, the second call would see the first one's exponentials, and be wrong.
    assert record["status"] == "ok", record["error"]
    assert workload.calls > 20


def test_what_is_written_there_is_judged_like_an_output() -> None:
    record = outcome(InPlace(declared=("x",), wrong_by=1)).to_json()
    assert record["status"] == "broken"
    assert "exponentials that are wrong" in record["error"]["message"]


def test_the_same_undeclared_is_caught() -> None:
    record = outcome(InPlace(declared=())).to_json()
    assert record["status"] == "broken"
    assert "inputs_written" in record["error"]["tricks"]


def test_another_input_than_the_declared_one_is_caught() -> None:
    record = outcome(InPlace(declared=("x",), spoils="scale")).to_json()
    assert record["status"] == "broken"
    assert "inputs_written" in record["error"]["tricks"]
