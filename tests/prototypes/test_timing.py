from collections.abc import Callable

import pytest

from prototypes.harness import timing
from prototypes.harness.roofline import Rates
from prototypes.harness.timing import Budget, CpuTimer, interleave, warm_up
from prototypes.harness.workload import Work


def test_every_round_times_everyone_and_the_order_alternates() -> None:
    seen: list[tuple[str, int]] = []

    def sampler(name: str) -> Callable[[int], float]:
        def sample(number: int) -> float:
            seen.append((name, number))
            return float(number)

        return sample

    ticks: list[tuple[int, int]] = []
    samples = interleave(
        {name: sampler(name) for name in "abc"},
        Budget(4, 4, 100.0, 0.0, 1),
        lambda done, of: ticks.append((done, of)),
    )
    assert samples == {name: [0.0, 1.0, 2.0, 3.0] for name in "abc"}
    assert [name for name, _ in seen] == list("abccbaabccba")
    assert ticks == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_a_spent_budget_stops_after_the_least_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 1000, 10))
    monkeypatch.setattr(timing.time, "monotonic", lambda: float(next(clock)))
    samples = interleave({"a": lambda number: 1.0}, Budget(50, 3, 5.0, 0.0, 1))
    assert len(samples["a"]) == 3


def test_warm_up_waits_for_steady_times_and_gives_up_in_time() -> None:
    falling = iter([100.0, 50.0, 20.0, 10.0, 10.1, 10.0, 9.9])
    assert warm_up(lambda: next(falling), 100.0) == 6
    restless = iter(float(2**n) for n in range(100))
    assert warm_up(lambda: next(restless), 0.0) == 2


def test_the_cpu_timer_takes_the_mean_over_the_sets() -> None:
    visited: list[int] = []
    mean = CpuTimer().sample(visited.append, [3, 1, 4])
    assert visited == [3, 1, 4]
    assert 0 < mean < 1000


def test_the_roofline_is_the_slower_of_memory_and_arithmetic() -> None:
    rates = Rates(1e9, 1e10, 1000, 1e12)
    assert rates.floor_us(Work(bytes=1000, flops=1)) == pytest.approx(1.0)
    assert rates.floor_us(Work(bytes=1, flops=10**7)) == pytest.approx(10.0)
    # What fits in a cache that isn't flushed is bounded by the cache.
    cold, warm = (rates.impossible_us(Work(1000, 1), touched) for touched in (2000, 1000))
    assert cold == pytest.approx(0.8)
    assert warm == pytest.approx(0.08)
