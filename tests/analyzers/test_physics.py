"""Claims against the roofline of a device, with figures that can be worked out by hand."""

from dataclasses import replace
from typing import Any

import pytest

from analyzers.facts import BaselineKind, Bound, Claim, Metric, Part, Regime, Scope
from analyzers.physics import Ceilings, Work, byte_ratio, findings, limit
from analyzers.scoring.runs import MeasuredRun
from analyzers.scoring.verdicts import judge

CEILINGS = Ceilings(1e12, 1e14, {"float16": 1e14, "int8": 2e14})
"""1 TB/s; 100 T operations a second in 16 bits, 200 in 8."""


def test_memory_sets_the_limit_where_bytes_take_longer() -> None:
    # 1 GB takes 1000 µs at 1 TB/s, 800 with the allowance; the baseline takes 2000.
    here = limit(Work(bytes=10**9, flops=10**9), CEILINGS, baseline_us=2000)
    assert here.bound == "memory"
    assert here.least_us == pytest.approx(800)
    assert here.most == pytest.approx(2.5)


@pytest.mark.parametrize(
    ("precision", "most"), [("float16", 2.5), ("int8", 5.0), (None, 5.0), ("float8", 5.0)]
)
def test_arithmetic_is_bounded_by_its_own_precision_or_else_by_the_fastest(
    precision: str | None, most: float
) -> None:
    here = limit(Work(10**3, 10**11, precision), CEILINGS, baseline_us=2000)
    assert here.bound == "arithmetic"
    assert here.most == pytest.approx(most)


def test_a_time_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="positive"):
        limit(Work(1, 1), CEILINGS, 0)


def test_four_bit_weights_gain_no_more_than_their_bytes() -> None:
    weights = 4096 * 12288
    quantized = Work(weights // 2 + weights // 64, 2 * weights, reference_bytes=2 * weights)
    assert byte_ratio(quantized, CEILINGS) == pytest.approx(2 / (1 / 2 + 1 / 64))  # 3.88
    assert findings(3.87, quantized, CEILINGS, "fp16", 1e6) == []
    # With the allowance of the ceiling's own measurement: 3.88 / 0.8 = 4.85.
    (found,) = findings(4.9, quantized, CEILINGS, "fp16", 1e6)
    assert "3.88x fewer bytes" in str(found)
    # A prompt of thousands of tokens is bound by arithmetic: bytes say nothing there.
    prompt = replace(quantized, flops=2 * weights * 4096)
    assert byte_ratio(prompt, CEILINGS) is None
    assert byte_ratio(replace(quantized, reference_bytes=None), CEILINGS) is None


def test_a_finding_shows_its_arithmetic() -> None:
    work = Work(10**9, 1)
    assert findings(2.5, work, CEILINGS, "plain", 2000) == []
    (found,) = findings(2.6, work, CEILINGS, "plain", 2000)
    assert str(found) == (
        "physics: plain takes 2000 µs here and memory alone takes 800 µs, so no code can be "
        "more than 2.5x as fast on this device; 2.6x is claimed"
    )


@pytest.mark.parametrize("rates", [None, {}, {"copy_bytes_per_s": 1e9}, {"copy_bytes_per_s": 0}])
def test_without_ceilings_nothing_is_said(rates: dict[str, Any] | None) -> None:
    assert Ceilings.read(rates) is None


def run(case: str, baseline_us: float, speedup: float, **changes: Any) -> MeasuredRun:
    record = {
        "prototype": "p",
        "case": case,
        "implementation": "i",
        "shipped": True,
        "part": "decode_linears",
        "scope": "call",
        "status": "ok",
        "claims": ["k"],
        "bytes": 10**9,
        "flops": 10**9,
        "baselines": [
            {
                "name": "plain",
                "roles": ["paper"],
                "time_us": {"median": baseline_us, "low": baseline_us, "high": baseline_us},
                "speedup": {"median": speedup, "low": speedup * 0.98, "high": speedup * 1.02},
            }
        ],
        **changes,
    }
    environment = {
        "device_id": "d",
        "device_class": "datacentre_gpu",
        "started_at": "2026-11-24T00:00:00+00:00",
        "noise_floor": 0.01,
        "rates": {"copy_bytes_per_s": 1e12, "matmul_flops_per_s": 1e14},
    }
    return MeasuredRun.read(case, record, environment)


def claim(value: float, bound: Bound = Bound.EXACT) -> Claim:
    return Claim(
        key="k",
        metric=Metric.SPEEDUP,
        value=value,
        bound=bound,
        baseline="plain",
        baseline_kind=BaselineKind.PLAIN,
        hardware=None,
        part=Part.DECODE_LINEARS,
        scope=Scope.KERNEL,
        regime=Regime.TARGET,
    )


def told(verdict: Any) -> list[str]:
    return [str(r) for r in verdict.reasons if str(r).startswith("physics:")]


def test_a_verdict_says_what_physics_says() -> None:
    runs = [run("small", 2000, 1.5), run("large", 4000, 1.5)]  # at most 2.5x and 5x
    assert told(judge(claim(3.0), "d", runs)) == []  # there is room for it in one case
    (reason,) = told(judge(claim(6.0, Bound.UP_TO), "d", runs))
    assert "no code can be more than 5x as fast" in reason


def test_old_runs_without_work_or_ceilings_are_judged_as_before() -> None:
    old = run("small", 2000, 1.5, bytes=None)
    assert told(judge(claim(6.0), "d", [old])) == []
    assert old.most_over("paper") == float("inf")
