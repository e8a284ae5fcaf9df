"""A case that needs more memory than there is says so, with both figures, before it runs."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from prototypes.harness import measure, room
from prototypes.harness.declarations import Case, DeclarationError
from prototypes.harness.isolation import Limits, run_child
from prototypes.harness.status import Status
from prototypes.harness.workload import Tensors
from tests.prototypes.exploits.declaration import DECLARATION
from tests.prototypes.exploits.workload import Softmax

CPU = torch.device("cpu")
CASE = DECLARATION.cases[0]


class Untouchable(Softmax):
    def inputs(self, case: Case, device: torch.device, seed: int) -> Tensors:
        raise AssertionError("nothing may be allocated")


def huge(**more: Any) -> Case:
    return replace(CASE, parameters={**CASE.parameters, "rows": 1 << 31}, **more)


def test_what_is_needed_grows_with_the_case_and_its_workspaces() -> None:
    small = room.needed_bytes(Softmax(), CASE)
    assert small == room.COPIES * Softmax().work(CASE).bytes
    assert room.needed_bytes(Softmax(), replace(CASE, memory_bytes=100)) == small + 100


def test_enough_is_enough() -> None:
    assert room.lacking(Softmax(), CASE, CPU) is None
    assert room.available_bytes(CPU) > 1 << 20


@pytest.mark.parametrize("case", [huge(), replace(CASE, memory_bytes=1 << 50)])
def test_too_little_is_said_in_figures_and_words(case: Case) -> None:
    record = room.lacking(Softmax(), case, CPU)
    assert record is not None
    assert record["status"] == Status.NOT_RUNNABLE
    error = record["error"]
    assert error["needed_bytes"] > error["available_bytes"] >= 0
    assert error["message"].startswith("Needs at least ")
    assert "are available on cpu" in error["message"]


def test_nothing_is_allocated_before_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.prototypes.exploits import workload

    monkeypatch.setattr(workload, "WORKLOAD", Untouchable())
    monkeypatch.setattr(
        measure, "load_declaration", lambda _: replace(DECLARATION, cases=(huge(),))
    )
    request = {
        "declaration": "tests.prototypes.exploits.declaration",
        "case": CASE.id,
        "implementation": "plain",
        "device": "cpu",
        "quick": True,
        "threads": torch.get_num_threads(),
    }
    assert measure.measure(request, lambda *_: None)["status"] == "not_runnable"


def test_a_real_child_under_a_limit_says_it_too() -> None:
    request = {
        "task": "measure",
        "declaration": "tests.prototypes.exploits.huge",
        "case": "r262144-w2048",
        "implementation": "plain",
        "device": "cpu",
        "quick": True,
        "threads": 1,
    }
    ended = run_child(request, Limits(60, 8 << 30))
    assert ended.status is Status.OK, ended.message
    assert ended.result is not None
    assert ended.result["status"] == "not_runnable"
    error = ended.result["error"]
    assert error["needed_bytes"] == room.COPIES * 8 * 262144 * 2048
    assert "The limit of --memory is 8 GB." in error["message"]


def test_memory_cannot_be_negative() -> None:
    with pytest.raises(DeclarationError, match="memory can't be negative"):
        replace(DECLARATION, cases=(replace(CASE, memory_bytes=-1),))
