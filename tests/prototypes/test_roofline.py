"""Faster than physics is refused: which time is impossible, and what a refused run may say."""

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
