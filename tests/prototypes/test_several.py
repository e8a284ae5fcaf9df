"""Outcomes of several processes joined: what travels, what counts, what voids a number."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from prototypes.harness import measure, timing, wire
from prototypes.harness.ceilings import last_level_cache_bytes, measure_rates
from prototypes.harness.declarations import Baseline, Case, Role
from prototypes.harness.gates import Check, GateError, GateReport, PassedGates
from prototypes.harness.outcome import MOST_SAMPLES, Contestant, Outcome, Timing
from prototypes.harness.roofline import Rates
from prototypes.harness.several import join
from prototypes.harness.timing import CpuTimer, timer_for
from prototypes.harness.workload import Tensors, Work
from tests.prototypes.specimens.declaration import DECLARATION
from tests.prototypes.specimens.workload import Doubling

REPORT = GateReport((Check.none("wrong", 0),), (Check.at_most("loss", 0.01, 0.1),))
ROOF = Rates(1e9, 1e10, 0, 1e12, {"int8": 4e12})


def outcome(**changes: Any) -> Outcome:
    timed = Timing(
        gates=PassedGates(REPORT),
        candidate=[10.0, 11.0, 10.0],
        contestants=(
            Contestant(Baseline("plain", "", (Role.PAPER,)), [20.0, 22.0, 20.0], "torch 1"),
            Contestant(Baseline("fused", "", (Role.ENGINE,)), [15.0, 16.0, 15.0], "torch 1"),
        ),
        method={"timer": "t", "cache": "c", "rounds": 3, "summary": "s"},
        work=Work(bytes=1000, flops=1, precision="int8", reference_bytes=4000),
        floor_us=1.0,
        impossible_us=0.8,
        rounds=(3,),
        noise_floor=0.01,
        roof=ROOF,
        setup_us={"mine": [100.0], "plain": [5.0]},
    )
    return Outcome(REPORT, gate_seed=7, timing=replace(timed, **changes))


def again(**changes: Any) -> dict[str, Any]:
    return {
        "checks": wire.pack_checks([Check.none("wrong", 0)]),
        "candidate": "mine",
        "samples": {"mine": [12.0, 12.0], "plain": [24.0, 24.0], "fused": [18.0, 18.0]},
        "kernel_alone": [],
        "setup_us": {"mine": 90.0, "plain": 6.0},
        "absent": {},
        **changes,
    }


def test_all_of_an_outcome_travels() -> None:
    there = wire.unpack(json.loads(json.dumps(wire.pack(outcome()))))
    assert there.to_json() == outcome().to_json()


def test_times_without_passed_gates_cannot_travel() -> None:
    packed = wire.pack(outcome())
    packed["quality"] = wire.pack_checks([Check.at_most("loss", 0.5, 0.1)])
    with pytest.raises(GateError):
        wire.unpack(packed)


def test_rounds_of_two_processes_make_one_figure() -> None:
    joined = join(outcome(), again(), 1)
    record = joined.to_json()
    assert record["status"] == "ok"
    assert record["samples"] == [10, 11, 10, 12, 12]
    assert record["time_us"]["median"] == pytest.approx((10 * 12) ** 0.5, rel=1e-4)
    assert record["method"]["rounds_per_process"] == [3, 2]
    assert "in 2 processes" in record["method"]["summary"]
    assert record["scopes"]["setup_us"] == {"mine": [100.0, 90.0], "plain": [5.0, 6.0]}
    assert record["baseline"] == "fused"
    # 1.5 in every round of both processes but one: sure, for all that the processes differ by.
    assert record["comparison"]["answer"] == "faster"
    assert record["speedup"]["median"] == pytest.approx(1.5)
    assert record["roofline"]["bound"] == "memory"
    assert record["reference_bytes"] == 4000


def test_one_process_that_was_wrong_voids_the_number() -> None:
    bad = wire.pack_checks([Check.none("wrong", 3)])
    record = join(outcome(), again(checks=bad), 1).to_json()
    assert record["status"] == "broken"
    assert "process 2: wrong" in record["error"]["message"]
    assert not {"speedup", "time_us", "samples"} & record.keys()


def test_a_baseline_that_was_missing_in_one_process_leaves_with_the_reason() -> None:
    samples = {"mine": [12.0, 12.0], "plain": [24.0, 24.0]}
    repeat = again(samples=samples, absent={"fused": "Its result is wrong here: x."})
    record = join(outcome(), repeat, 1).to_json()
    rows = {b["name"]: b for b in record["baselines"]}
    assert rows["fused"]["available"] is False
    assert rows["fused"]["why"] == "Its result is wrong here: x."
    assert record["baseline"] == "plain"


def test_one_process_that_was_faster_than_physics_is_enough() -> None:
    fast = again(
        samples={"mine": [0.1, 0.1], "plain": [24.0, 24.0], "fused": [18.0, 18.0]},
    )
    assert join(outcome(), fast, 1).to_json()["status"] == "implausible"


def test_samples_are_kept_within_a_bound() -> None:
    many = [10.0] * (MOST_SAMPLES + 50)
    rivals = (Contestant(Baseline("plain", ""), many, "torch 1"),)
    record = outcome(candidate=many, contestants=rivals, rounds=(len(many),)).to_json()
    assert len(record["samples"]) == len(record["baselines"][0]["samples"]) == MOST_SAMPLES


def test_precisions_have_their_own_ceilings() -> None:
    by_int8, by_default = Work(1, 10**9, "int8"), Work(1, 10**9)
    assert ROOF.floor_us(by_int8) == pytest.approx(250)
    assert ROOF.floor_us(by_default) == pytest.approx(1000)
    # What is impossible is so in any precision: the fastest unit there is.
    assert ROOF.impossible_us(by_default, 1) == pytest.approx(0.8 * 250)
    assert Rates(**json.loads(json.dumps(ROOF.to_json()))) == ROOF


def test_ceilings_are_measured_in_every_precision_that_there_is() -> None:
    rates = measure_rates(torch.device("cpu"), quick=True)
    assert rates.matmul.keys() >= {"float32", "bfloat16"}
    assert rates.matmul_flops_per_s == rates.matmul["float32"]
    assert 1e8 < rates.copy_bytes_per_s < 1e13
    assert rates.threads == 1
    assert last_level_cache_bytes() > 1 << 16


def test_the_cache_is_replaced_unless_the_sets_do_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "last_level_cache_bytes", lambda: 1 << 20)
    cpu = torch.device("cpu")
    flushing = timer_for(cpu, rotating_bytes=4 << 20)
    assert isinstance(flushing, CpuTimer)
    assert flushing._flush is not None
    assert flushing._flush.numel() * 4 == 1 << 20
    assert "1 MB) replaced before each sample" in flushing.cache
    rotating = timer_for(cpu, rotating_bytes=5 << 20)
    assert isinstance(rotating, CpuTimer)
    assert rotating._flush is None
    assert "over 5x" in rotating.cache


class WithKernel(Doubling):
    """The call makes a copy first (as if it quantized); the kernel alone doesn't."""

    def __init__(self, right: bool) -> None:
        self.right = right

    def kernel_alone(
        self, name: str, case: Case, device: torch.device
    ) -> Callable[[Tensors, Tensors], Callable[[], None]]:
        def prepare(inputs: Tensors, outputs: Tensors) -> Callable[[], None]:
            factor = 2 if self.right else 3

            def run() -> None:
                torch.mul(inputs["x"], factor, out=outputs["y"])

            return run

        return prepare


@pytest.mark.parametrize("right", [True, False])
def test_the_kernel_alone_is_timed_apart_and_checked(
    right: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    case, device = DECLARATION.case("honest"), torch.device("cpu")
    monkeypatch.setattr(timing, "QUICK", timing.Budget(4, 3, 0.5, 0.05, 3))
    record = measure.run_case(
        DECLARATION, WithKernel(right), case, "doubling", device, None, quick=True
    ).to_json()
    if right:
        assert record["status"] == "ok", record["error"]
        alone = record["scopes"]["kernel_us"]
        assert 0 < alone["low"] <= alone["median"] <= alone["high"]
        assert record["scopes"]["setup_us"].keys() == {"doubling", "slow", "slower"}
    else:
        assert record["status"] == "broken"
        assert "kernel alone: error" in record["error"]["message"]
