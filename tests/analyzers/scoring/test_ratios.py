from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.facts import Metric, Part
from analyzers.scoring.ratios import amdahl, common_part, performance_points, speedup_of
from tests.analyzers.scoring.builders import claim


@pytest.mark.parametrize(
    ("speedup", "points"),
    [(0.1, -2), (0.5, -2), (0.75, -1), (1, 0), (1.36, 0.75), (1.72, 1.5), (2.3, 3), (15, 3)],
)
def test_points_pass_through_the_anchors(speedup: float, points: float) -> None:
    assert performance_points(speedup) == pytest.approx(points)


@given(st.floats(0.01, 100), st.floats(0.01, 100))
def test_points_are_monotone(a: float, b: float) -> None:
    low, high = sorted((a, b))
    assert performance_points(low) <= performance_points(high)


@pytest.mark.parametrize(
    ("metric", "value", "unit", "high", "expected"),
    [
        (Metric.SPEEDUP, 2.3, "x", None, 2.3),
        (Metric.SPEEDUP, 72, "%", None, 1.72),
        (Metric.LATENCY_REDUCTION, 50, "%", None, 2.0),
        (Metric.LATENCY_REDUCTION, 3, "x", None, 3.0),
        (Metric.LATENCY_REDUCTION, 100, "%", None, None),
        (Metric.THROUGHPUT_GAIN, 38, "%", None, 1.38),
        (Metric.THROUGHPUT_GAIN, 1.4, "x", 3.5, math.sqrt(1.4 * 3.5)),
        (Metric.MEMORY_REDUCTION, 8, "x", None, None),
        (Metric.SPEEDUP, 16, "bits", None, None),
        (Metric.SPEEDUP, 0, "x", None, None),
    ],
)
def test_claims_as_ratios(
    metric: Metric, value: float, unit: str, high: float | None, expected: float | None
) -> None:
    ratio = speedup_of(claim(value, metric=metric, unit=unit, value_high=high))
    assert ratio == (pytest.approx(expected) if expected is not None else None)


def test_a_fast_sampler_hardly_moves_a_run() -> None:
    assert amdahl(15, 0.005) == pytest.approx(1.0047, abs=1e-4)


def test_parts_meet_in_their_phase_or_in_the_run() -> None:
    assert common_part([Part.SAMPLING]) is Part.SAMPLING
    assert common_part([Part.SAMPLING, Part.DECODE_ATTENTION]) is Part.DECODE
    assert common_part([Part.SAMPLING, Part.PREFILL]) is Part.WHOLE_RUN
    assert common_part([Part.WHOLE_RUN, Part.PREFILL]) is Part.WHOLE_RUN
