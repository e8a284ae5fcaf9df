"""Progress for people and for a job runner, and the order in which contestants are timed."""

import json
import os
from typing import Any

import pytest

from prototypes.harness.progress import Progress
from prototypes.harness.timing import Budget, interleave, warm_up


def test_lines_say_how_far_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    reader, writer = os.pipe()
    progress = Progress(2, writer)
    progress.begin("device cpu")
    progress.step(0.5, "half")
    progress.end("ready")
    progress.begin("case a")
    progress.step(-1, "below nothing")
    progress.step(7, "above all")
    progress.end("1.5x")
    os.close(writer)
    with os.fdopen(reader) as stream:
        lines = [json.loads(line) for line in stream]
    assert [(line["done"], line["message"]) for line in lines] == [
        (0, "device cpu"),
        (50, "device cpu: half"),
        (100, "device cpu: ready"),
        (100, "case a"),
        (100, "case a: below nothing"),
        (200, "case a: above all"),
        (200, "case a: 1.5x"),
    ]
    assert {line["total"] for line in lines} == {300}
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.splitlines()[:2] == ["[1/3] device cpu", "  ready"]


def test_a_reader_that_left_does_not_stop_the_measuring() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    progress = Progress(1, writer, quiet=True)
    progress.begin("a")
    progress.step(0.5, "b")
    progress.end("c")
    os.close(writer)


def test_quiet_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress(1, None, quiet=True)
    progress.begin("a")
    progress.end("b")
    assert capsys.readouterr() == ("", "")


def in_turns(budget: Budget) -> tuple[list[tuple[str, int]], dict[str, list[float]], list[Any]]:
    calls: list[tuple[str, int]] = []
    ticks: list[Any] = []

    def sampler(name: str, value: float) -> Any:
        def sample(number: int) -> float:
            calls.append((name, number))
            return value + number

        return sample

    samplers = {"a": sampler("a", 10), "b": sampler("b", 20)}
    samples = interleave(samplers, budget, lambda done, of: ticks.append((done, of)))
    return calls, samples, ticks


def test_every_round_times_all_and_the_order_alternates() -> None:
    calls, samples, ticks = in_turns(Budget(3, 1, seconds=60, warm_up_seconds=0, sets=1))
    assert calls == [("a", 0), ("b", 0), ("b", 1), ("a", 1), ("a", 2), ("b", 2)]
    assert samples == {"a": [10, 11, 12], "b": [20, 21, 22]}
    assert ticks == [(1, 3), (2, 3), (3, 3)]


def test_a_spent_budget_still_makes_the_least_rounds() -> None:
    _, samples, _ = in_turns(Budget(50, 4, seconds=-1, warm_up_seconds=0, sets=1))
    assert [len(s) for s in samples.values()] == [4, 4]


def test_warming_up_ends_when_three_agree_or_time_is_up() -> None:
    falling = iter([9.0, 5.0, 4.0, 3.01, 3.0, 3.02, 1.0])
    assert warm_up(lambda: next(falling), seconds=60) == 6
    restless = iter([1.0, 2.0, 1.0])
    assert warm_up(lambda: next(restless), seconds=-1) == 2
