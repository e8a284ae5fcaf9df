"""Medians, intervals and paired ratios against arithmetic that is done another way."""

import math
import random
from collections.abc import Sequence

import pytest

from prototypes.harness.statistics import (
    STUDENT,
    Interval,
    median_interval,
    noise_floor,
    ratio_interval,
    repeat_interval,
    significant,
)


def exact_bootstrap_rank(size: int, tail: float) -> int:
    """Return the rank (from 1) at which the bootstrap's median reaches this probability.

    A resample's median is at most the r-th smallest if over half of its draws are: a binomial
    probability, so no resampling is needed (odd sizes).
    """
    need = (size + 1) // 2
    for rank in range(1, size + 1):
        p = rank / size
        reached = sum(
            math.comb(size, n) * p**n * (1 - p) ** (size - n) for n in range(need, size + 1)
        )
        if reached >= tail:
            return rank
    raise AssertionError("unreachable")


@pytest.mark.parametrize("size", [11, 21, 41])
def test_the_interval_is_that_of_the_exact_bootstrap(size: int) -> None:
    samples = [100 + i**1.5 for i in range(size)]
    random.Random(1).shuffle(samples)
    interval = median_interval(samples)
    ordered = sorted(samples)
    assert interval.median == ordered[size // 2]
    low, high = exact_bootstrap_rank(size, 0.025), exact_bootstrap_rank(size, 0.975)
    # 2000 resamples place an end within one rank of where all resamples would.
    assert abs(ordered.index(interval.low) + 1 - low) <= 1
    assert abs(ordered.index(interval.high) + 1 - high) <= 1


def test_the_interval_holds_the_true_median_as_often_as_it_says() -> None:
    draw = random.Random(7)
    trials = 120
    held = 0
    for _ in range(trials):
        interval = median_interval([draw.lognormvariate(0, 0.3) for _ in range(20)])
        held += interval.low <= 1 <= interval.high
    assert 0.88 <= held / trials < 1


def test_an_even_number_has_the_mean_of_the_middle_two() -> None:
    assert median_interval([4, 1, 3, 2]).median == 2.5


@pytest.mark.parametrize("samples", [[3.0], [3.0] * 9])
def test_samples_without_spread_have_no_width(samples: Sequence[float]) -> None:
    assert median_interval(samples) == Interval(3, 3, 3)


def test_no_samples_have_no_median() -> None:
    with pytest.raises(ValueError, match="no samples"):
        median_interval([])


def test_the_same_samples_give_the_same_interval() -> None:
    samples = [random.Random(3).random() for _ in range(30)]
    assert median_interval(samples) == median_interval(samples)
    assert median_interval(samples, seed=0).median == median_interval(samples, seed=1).median


def test_drift_of_the_machine_falls_out_of_paired_rounds() -> None:
    candidate = [10.0 * 1.2**i for i in range(20)]  # the machine slows down 32-fold
    baseline = [2 * t for t in candidate]
    speedup = ratio_interval(baseline, candidate)
    assert (speedup.median, speedup.low, speedup.high) == pytest.approx((2, 2, 2))
    # Times that don't pair show the drift: what an unpaired ratio would have hidden.
    assert ratio_interval(baseline[::-1], candidate).high > 5


def test_a_speedup_is_the_baselines_time_over_the_candidates() -> None:
    assert ratio_interval([30, 40, 90], [10, 20, 30]).median == 3
    slower = ratio_interval([10, 20, 30], [40, 80, 120])
    assert slower.median == slower.high == 0.25


@pytest.mark.parametrize(
    ("baseline", "candidate", "words"),
    [
        ([1, 2], [1], "don't pair up"),
        ([1, 2], [1, 0], "positive"),
        ([-1, 2], [1, 1], "positive"),
    ],
)
def test_rounds_that_make_no_ratio_are_refused(
    baseline: list[float], candidate: list[float], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        ratio_interval(baseline, candidate)


@pytest.mark.parametrize("ends", [(1, 2, 3), (2, 1, 1.5), (math.nan, 1, 2)])
def test_an_interval_holds_its_median(ends: tuple[float, float, float]) -> None:
    median, low, high = ends
    with pytest.raises(ValueError, match="not an interval"):
        Interval(median, low, high)


def test_the_noise_floor_is_the_worst_end_and_never_nothing() -> None:
    blocks = [Interval(1, 0.99, 1.02), Interval(1.01, 0.93, 1.03)]
    assert noise_floor(blocks) == pytest.approx(0.07)
    assert noise_floor([Interval(1, 0.999, 1.001)]) == 0.01
    assert noise_floor([]) == 0.01
    assert noise_floor([Interval(1, 0.2, 27)]) == 0.9  # a share: the catalog takes no other


def test_significant_digits() -> None:
    assert significant(123456, 3) == 123000
    assert significant(0.00123456, 3) == 0.00123
    assert Interval(2 / 3, 1 / 3, 1).to_json(2) == {"median": 0.67, "low": 0.33, "high": 1.0}


@pytest.mark.parametrize("peers", [0, 3])
def test_a_repeat_of_two_steady_processes_falls_where_arithmetic_puts_it(peers: int) -> None:
    """Rounds without spread leave the effects alone: ± E, so a resample is −E, 0, 0 or E.

    Two resamples differ by nothing in 6 of 16 cases, by E in 8, by 2 E in 2: 95 % reach to 2 E.
    """
    slow, fast = 110.0, 100.0
    processes = [[slow] * 5, [fast] * 5]
    found = repeat_interval(processes, peers=[processes] * peers)
    widening = STUDENT[1 + peers] / STUDENT[math.inf]
    effect = widening * math.sqrt(2) * math.log(slow / fast) / 2
    assert found.median == pytest.approx(math.sqrt(slow * fast))
    assert math.log(found.high / found.median) == pytest.approx(2 * effect)
    assert math.log(found.median / found.low) == pytest.approx(2 * effect)


def test_one_process_has_its_own_rounds_alone() -> None:
    rounds = [90.0, 100.0, 130.0]
    assert repeat_interval([rounds]) == median_interval(rounds)
    for wrong in ([], [[]], [[1.0], []], [[1.0], [0.0]]):
        with pytest.raises(ValueError, match=r"no samples|positive"):
            repeat_interval(wrong)
