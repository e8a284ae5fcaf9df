"""Faster than physics is refused: which time is impossible, and what a refused run may say."""

from dataclasses import replace

import pytest

from prototypes.harness.declarations import Baseline
from prototypes.harness.gates import Check, GateReport, PassedGates
from prototypes.harness.outcome import Contestant, Outcome, Timing
from prototypes.harness.roofline import Rates
from prototypes.harness.status import Status
from prototypes.harness.workload import Work

MB = 10**6
RATES = Rates(
    copy_bytes_per_s=1e12,
    cached_copy_bytes_per_s=1e13,
    cache_bytes=50 * MB,
    matmul_flops_per_s=1e15,
)
REPORT = GateReport((Check.none("wrong", 0),), (Check.none("bad", 0),))


def outcome(candidate_us: float, baseline_us: float, impossible_us: float) -> Outcome:
    timing = Timing(
        gates=PassedGates(REPORT),
        candidate=[candidate_us] * 5,
        contestants=(Contestant(Baseline("plain", ""), [baseline_us] * 5, "torch 1"),),
        method={},
        work=Work(bytes=MB, flops=1),
        floor_us=100.0,
        impossible_us=impossible_us,
    )
    return Outcome(REPORT, gate_seed=1, timing=timing)


@pytest.mark.parametrize(
    ("candidate_us", "baseline_us"),
    [(79, 200), (200, 79), (0, 200)],
    ids=["candidate", "baseline", "a clock that stood still"],
)
def test_faster_than_physics_is_refused_without_a_speedup(
    candidate_us: float, baseline_us: float
) -> None:
    result = outcome(candidate_us, baseline_us, impossible_us=80)
    record = result.to_json()
    assert result.status is Status.IMPLAUSIBLE
    assert record["status"] == record["error"]["kind"] == "implausible"
    assert "can't do it in under 80 µs" in record["error"]["message"]
    assert not {"speedup", "time_us", "samples", "roofline_fraction"} & record.keys()
    assert [(b["speedup"], b["time_us"]) for b in record["baselines"]] == [(None, None)]


def test_a_time_that_can_be_is_kept_with_its_share_of_the_roofline() -> None:
    record = outcome(125, 250, impossible_us=80).to_json()
    assert record["status"] == "ok"
    assert record["speedup"] == {"median": 2, "low": 2, "high": 2}
    assert record["roofline_fraction"] == 0.8


def test_arithmetic_bounds_even_what_is_cached() -> None:
    work = Work(bytes=1, flops=10**12)
    assert RATES.impossible_us(work, touched_bytes=1) == pytest.approx(0.8 * 1000 / 2.5)


@pytest.mark.parametrize(
    ("work", "floor_us", "bound"),
    [
        (Work(bytes=500 * MB, flops=1), 500, "memory"),
        (Work(bytes=1, flops=3 * 10**12), 3000, "arithmetic"),
        (Work(bytes=10 * MB, flops=10**10), 10, "memory"),  # both take as long
        (Work(bytes=1, flops=3 * 10**12, precision="int8"), 1500, "arithmetic"),
        (Work(bytes=1, flops=3 * 10**12, precision="float64"), 3000, "arithmetic"),
    ],
    ids=["bytes", "operations", "both", "in a faster precision", "in one not measured"],
)
def test_the_least_time_is_that_of_the_slower_limit(
    work: Work, floor_us: float, bound: str
) -> None:
    rates = replace(RATES, matmul={"bfloat16": 1e15, "int8": 2e15})
    assert rates.floor_us(work) == pytest.approx(floor_us)
    told = rates.place(work, 2 * floor_us)
    assert (told["bound"], told["fraction"], told["floor_us"]) == (bound, 0.5, floor_us)
    assert told["bytes_per_s"] == pytest.approx(work.bytes / (2e-6 * floor_us), rel=1e-3)
    assert told["flops_per_s"] == pytest.approx(work.flops / (2e-6 * floor_us), rel=1e-3)


def test_memory_bounds_what_does_not_stay_in_a_cache() -> None:
    work = Work(bytes=50 * MB, flops=1)
    assert RATES.impossible_us(work, touched_bytes=50 * MB) == pytest.approx(0.8 * 5)
    assert RATES.impossible_us(work, touched_bytes=50 * MB + 1) == pytest.approx(0.8 * 50)


def test_the_fastest_unit_bounds_the_time_whatever_was_declared() -> None:
    work = Work(bytes=1, flops=10**12, precision="float32")
    fast = replace(RATES, matmul={"float32": 1e14, "float8": 4e15})
    assert fast.impossible_us(work, touched_bytes=1) == pytest.approx(0.8 * 250)


def test_rates_are_read_back_as_they_were_kept() -> None:
    kept = replace(RATES, matmul={"bfloat16": 1.23456e15}, threads=12).to_json()
    assert kept["threads"] == 12
    assert kept["matmul"] == {"bfloat16": 1.235e15}
    assert Rates(**kept).to_json() == kept
    assert "threads" not in RATES.to_json()
