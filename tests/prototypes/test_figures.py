"""Figures beside a time, and implementations that are held to their gates and not timed."""

import math
from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch

from prototypes.harness import measure, wire
from prototypes.harness.declarations import Case
from prototypes.harness.figures import MOST_FIGURES, Figure, collect
from prototypes.harness.outcome import Outcome
from prototypes.harness.status import Status
from tests.prototypes.exploits.declaration import DECLARATION
from tests.prototypes.exploits.workload import Softmax

TOLD = Figure("error at 4096", 0.25, "%", paper=0.5, note="table 9")
WHY = "an emulation: its speed says nothing"


class Telling(Softmax):
    def figures(
        self, name: str, case: Case, device: torch.device, seed: int, quick: bool
    ) -> Iterator[Figure]:
        yield TOLD


def outcome(quality_only: str) -> Outcome:
    plain = DECLARATION.implementation("plain")
    implementation = replace(plain, quality_only=quality_only, shipped=True)
    declaration = replace(DECLARATION, implementations=(implementation,))
    case = declaration.cases[0]
    return measure.run_case(
        declaration, Telling(), case, implementation.name, torch.device("cpu"), None, quick=True
    )


@pytest.fixture(scope="module")
def untimed() -> Outcome:
    return outcome(WHY)


def test_what_is_only_held_to_its_gates_has_no_time(untimed: Outcome) -> None:
    record = untimed.to_json()
    assert record["status"] == Status.QUALITY_ONLY
    assert record["quality_pass"] is record["fidelity"]["pass"] is True
    assert record["error"] == {"kind": "quality_only", "message": WHY}
    assert not {"time_us", "speedup", "samples", "baselines"} & record.keys()


def test_figures_stand_in_the_record(untimed: Outcome) -> None:
    told = {"name": "error at 4096", "value": 0.25, "unit": "%", "paper": 0.5, "note": "table 9"}
    assert untimed.to_json()["figures"] == [told]


def test_they_travel_between_processes(untimed: Outcome) -> None:
    assert wire.unpack(wire.pack(untimed)).to_json() == untimed.to_json()


def test_a_value_that_json_cannot_hold_is_left_empty() -> None:
    assert Figure("overflow", math.inf).to_json()["value"] is None


def test_a_name_stands_for_one_figure() -> None:
    with pytest.raises(ValueError, match="Two figures are named 'error at 4096'"):
        collect([TOLD, TOLD])


def test_a_table_without_end_is_refused() -> None:
    with pytest.raises(ValueError, match="split the case"):
        collect(Figure(str(n), n) for n in range(MOST_FIGURES + 1))
