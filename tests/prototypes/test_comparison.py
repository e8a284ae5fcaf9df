"""Four answers from an interval, and many cases as one figure, worked out by hand."""

import math
import random
from typing import Any

import pytest

from prototypes.harness.comparison import Comparison, compare, summarize, weighted_mean
from prototypes.harness.statistics import Interval, paired_ratios, repeat_interval
from prototypes.harness.table import render


@pytest.mark.parametrize(
    ("ends", "answer"),
    [
        ((1.30, 1.20, 1.40), Comparison.FASTER),
        ((0.80, 0.70, 0.90), Comparison.SLOWER),
        ((1.00, 0.97, 1.03), Comparison.SAME),
        ((1.10, 1.02, 1.20), Comparison.UNCLEAR),
        ((0.90, 0.85, 0.99), Comparison.UNCLEAR),
        ((1.00, 0.90, 1.10), Comparison.UNCLEAR),
    ],
)
def test_each_answer(ends: tuple[float, float, float], answer: Comparison) -> None:
    found = compare(Interval(*ends), noise_floor=0.05, rounds=10)
    assert found.answer is answer
    assert (found.more_rounds is not None) == (answer is Comparison.UNCLEAR)


def test_more_rounds_are_as_many_as_halve_the_interval_to_fit() -> None:
    # Half the interval is ln 1.2; the nearest edge (1.05) is ln 1.2 - ln 1.05 away.
    found = compare(Interval(1.2, 1.0, 1.44), noise_floor=0.05, rounds=10)
    needed = 10 * (math.log(1.2) / math.log(1.2 / 1.05)) ** 2
    assert found.more_rounds == math.ceil(needed - 10)
    on_the_edge = compare(Interval(1.05, 1.0, 1.1), noise_floor=0.05, rounds=10)
    assert (on_the_edge.answer, on_the_edge.more_rounds) == (Comparison.UNCLEAR, None)


def test_a_quiet_machine_still_calls_no_two_percent_a_difference() -> None:
    assert compare(Interval(1.01, 1.005, 1.015), 0.0, 10).answer is Comparison.SAME
    assert compare(Interval(1.5, 1.1, 2.0), noise_floor=3.0, rounds=10).noise < 1


def test_a_weighted_mean_is_geometric() -> None:
    fast = {"median": 4.0, "low": 2.0, "high": 8.0}
    slow = {"median": 1.0, "low": 0.5, "high": 2.0}
    assert weighted_mean([(1, fast), (1, slow)]) == {"median": 2.0, "low": 1.0, "high": 4.0}
    assert weighted_mean([(3, fast), (1, slow)])["median"] == pytest.approx(4**0.75, rel=1e-5)
    with pytest.raises(ValueError, match="weight"):
        weighted_mean([(0, fast)])


def run(case: str, weight: float, speedup: float | None, status: str = "ok") -> dict[str, Any]:
    ratio = speedup and {"median": speedup, "low": speedup, "high": speedup}
    time = speedup and {"median": 10.0, "low": 9.0, "high": 11.0}
    return {
        "prototype": "p",
        "implementation": "i",
        "device": "cpu",
        "case": case,
        "target_weight": weight,
        "status": status,
        "time_us": time,
        "error": None if status == "ok" else {"message": "Failed a gate."},
        "baselines": [
            {"name": "rival", "roles": ["paper", "strongest"], "speedup": ratio, "time_us": time}
        ],
    }


def test_a_summary_shows_the_worst_case_and_what_is_missing() -> None:
    runs = [run("a", 1, 4.0), run("b", 1, 0.25), run("c", 0, 100.0)]
    paper, strongest = summarize(runs)
    assert (paper["role"], strongest["role"]) == ("paper", "strongest")
    assert paper["speedup"]["median"] == 1.0  # the case that isn't a target doesn't count
    assert paper["worst"]["case"] == "b"
    assert (paper["cases"], paper["losses"], paper["complete"]) == (2, 1, True)
    broken = summarize([*runs, run("d", 1, None, "broken")])[0]
    assert broken["speedup"]["median"] == 1.0  # a wrong kernel is never 1x …
    assert broken["complete"] is False  # … and the mean says that it is missing
    assert summarize([run("a", 0, 4.0)])[0]["basis"] == "all cases, equal weights"
    assert summarize([run("a", 1, None, "broken")]) == []


def test_the_table_says_all_of_it() -> None:
    runs = [run("a", 1, 4.0), run("b", 1, 0.25), run("d", 1, None, "broken")]
    runs[1]["baselines"][0]["comparison"] = {"answer": "unclear", "more_rounds": 7}
    document = {"environment": {"noise_floor": 0.03}, "runs": runs, "summaries": summarize(runs)}
    text = render(document)
    assert "4x [4, 4]" in text
    assert "unclear, 7 more rounds?" in text
    assert "broken" in text
    assert "Failed a gate." in text
    assert "worst 0.25x at b, 1 lost; incomplete" in text
    assert "noise of this device: 3.0 %" in text


def simulated(
    draw: random.Random, processes: int, rounds: int, between: float, within: float
) -> list[list[float]]:
    effects = [draw.gauss(0, between) for _ in range(processes)]
    return [[math.exp(e + draw.gauss(0, within)) for _ in range(rounds)] for e in effects]


@pytest.mark.parametrize("processes", [2, 3])
@pytest.mark.parametrize(("between", "within"), [(0.05, 0.02), (0.0, 0.05), (0.02, 0.02)])
def test_the_interval_covers_a_repeat(processes: int, between: float, within: float) -> None:
    """Nine times in ten at the least, wherever the noise comes from; never as wide as anything."""
    draw = random.Random(11)
    held, widths, trials = 0, [], 60
    for _ in range(trials):
        # Four contestants of the same processes, as in a run: they say how processes differ.
        everyone = [simulated(draw, processes, 8, between, within) for _ in range(4)]
        interval = repeat_interval(everyone[0], everyone[1:])
        again = repeat_interval(simulated(draw, processes, 8, between, within))
        held += interval.low <= again.median <= interval.high
        widths.append(math.log(interval.high / interval.low))
    assert held / trials >= 0.9
    assert sum(widths) / trials < 8 * math.hypot(between, within)


def test_one_process_alone_is_too_sure() -> None:
    """What the interval over processes is for: the rounds of one say nothing of the next."""
    draw = random.Random(5)
    held = 0
    for _ in range(60):
        one = repeat_interval(simulated(draw, 1, 16, 0.05, 0.02))
        again = repeat_interval(simulated(draw, 1, 16, 0.05, 0.02))
        held += one.low <= again.median <= one.high
    assert held / 60 < 0.6


def test_processes_pair_up_round_by_round() -> None:
    assert paired_ratios([[4, 6], [9]], [[2, 2], [3]]) == [[2, 3], [3]]
    with pytest.raises(ValueError, match="pair up"):
        paired_ratios([[4, 6]], [[2], [2]])
    with pytest.raises(ValueError, match="positive"):
        repeat_interval([[1.0], [0.0]])
    with pytest.raises(ValueError, match="no samples"):
        repeat_interval([[1.0], []])
