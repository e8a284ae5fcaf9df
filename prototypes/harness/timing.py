"""Times: cold caches, warm-up until steady, baseline and candidate in turns.

One sample is the mean time of a call over a few input sets, so that code whose work depends on luck
(rejection sampling) is charged for its average and not for its luckiest call. All contestants of a
round see the same input sets; the order alternates from round to round.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Protocol

from prototypes.harness.ceilings import last_level_cache_bytes

if TYPE_CHECKING:
    import torch

Call = Callable[[int], None]
"""Runs once on the input set with this index."""

Tick = Callable[[int, int], None]

Before = Callable[[int], None]
"""Runs before each call, untimed, with the index of its input set."""

_clock_ns = time.perf_counter_ns
"""Held from the start: measured code that replaces `time.perf_counter_ns` doesn't reach it."""

LEAST_WAIT_US, PROBE_WAIT_US, MOST_WAIT_US = 300.0, 5000.0, 5000.0
"""How long the stream is held busy while the host enqueues a call."""

ROTATION_FACTOR = 5
MOST_FLUSH_BYTES = 512 << 20
FLUSH_FACTOR = 4
"""How many times the last-level cache a flush reads: all of it is replaced, whatever the policy."""


@dataclass(frozen=True, slots=True)
class Budget:
    """How long one case may be timed."""

    rounds: int
    least_rounds: int
    seconds: float
    warm_up_seconds: float
    sets: int
    """Input sets that are rotated through."""

    def share(self, processes: int) -> Budget:
        """Return what each of so many processes may spend."""
        return Budget(
            -(-self.rounds // processes),
            -(-self.least_rounds // processes),
            self.seconds / processes,
            self.warm_up_seconds / processes,
            self.sets,
        )


FULL = Budget(rounds=48, least_rounds=12, seconds=45.0, warm_up_seconds=4.0, sets=8)
QUICK = Budget(rounds=8, least_rounds=6, seconds=3.0, warm_up_seconds=0.2, sets=4)
PROCESSES = {"full": 3, "quick": 2}
"""Fresh processes that the rounds of one measurement are spread over."""


STATISTIC = (
    "median over processes of their medians; interval: where 95 % of repeats should fall, by a "
    "hierarchical bootstrap over processes and rounds; speedup from paired rounds"
)


def summary(method: Mapping[str, Any], processes: int) -> str:
    """Return how a run was timed, in one line."""
    among = f" in {processes} processes" if processes > 1 else ""
    return (
        f"{method['timer']}; {method['cache']}; {method['rounds']} interleaved rounds{among}, "
        "order alternating"
    )


class Timer(Protocol):
    """Times calls on one device."""

    method: str
    cache: str

    def prepare(self, call: Call) -> None:
        """Learn what this call needs (how long its launch takes)."""
        ...

    def warm(self, call: Call) -> float:
        """Return the time of one call on the first set, for warming up; caches may be hot."""
        ...

    def sample(self, call: Call, sets: Sequence[int], before: Before | None = None) -> float:
        """Return the mean time of one call over these input sets, in microseconds.

        `before` runs untimed before each call (it restores inputs that are written in place).
        """
        ...


class CpuTimer:
    """Wall time of the calls; before each sample the last-level cache is replaced.

    By reading a buffer of the cache's size (reading, not writing: dirty lines would be written back
    inside the timed region). Within a sample each call has another input set. Without
    `flush_bytes` the sets rotate and that is all.
    """

    method = "perf_counter around each call"

    def __init__(self, flush_bytes: int = 0, rotating: str = "rotating input sets") -> None:
        self.cache = rotating
        self._flush: torch.Tensor | None = None
        if flush_bytes:
            import torch

            self._torch = torch
            self._flush = torch.ones(flush_bytes // 4)
            self._sink = torch.empty(())
            self.cache = (
                f"last-level cache ({flush_bytes >> 20} MB) replaced before each sample, "
                "another input set for each call of it"
            )

    def prepare(self, call: Call) -> None:
        """Nothing to learn on a CPU."""

    def warm(self, call: Call) -> float:
        """Return the time of one call on the first set, in microseconds, from a hot cache."""
        start = _clock_ns()
        call(0)
        return (_clock_ns() - start) / 1e3

    def sample(self, call: Call, sets: Sequence[int], before: Before | None = None) -> float:
        """Return the mean time of one call, in microseconds."""
        if self._flush is not None:
            self._torch.sum(self._flush, dim=0, out=self._sink)
        spent = 0
        for index in sets:
            if before is not None:
                before(index)
            start = _clock_ns()
            call(index)
            spent += _clock_ns() - start
        return spent / len(sets) / 1e3


class CudaTimer:
    """Time on the device between two events, from a cold L2, launch gaps hidden.

    Before each call the whole L2 is replaced by reading a large buffer (reading, not writing: dirty
    lines would be written back inside the timed region), then the stream is held busy for longer
    than the host needs to enqueue the call.
    """

    method = "CUDA events around one call, launches queued behind a busy wait"
    cache = "L2 replaced before each call, rotating input sets"

    def __init__(self, device: torch.device) -> None:
        import torch

        self._torch = torch
        self._event: Any = torch.cuda.Event  # held: what replaces it later isn't used
        l2 = torch.cuda.get_device_properties(device).L2_cache_size
        self._flush = torch.ones(max(FLUSH_FACTOR * l2, 1 << 26) // 4, device=device)
        self._sink = torch.empty((), device=device)
        self._device = device
        self._wait_us: dict[int, float] = {}
        self._waits_for_gpu: set[int] = set()
        self._cycles_per_us = self._calibrate()

    def _calibrate(self) -> float:
        torch = self._torch
        cycles = 2_000_000
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        torch.cuda._sleep(cycles)
        torch.cuda.synchronize(self._device)
        start.record()
        torch.cuda._sleep(cycles)
        end.record()
        end.synchronize()
        return float(cycles / (start.elapsed_time(end) * 1e3))

    def prepare(self, call: Call) -> None:
        """Learn how long the host takes to enqueue this call, and whether it waits for the GPU."""
        torch = self._torch
        enqueue = []
        for _ in range(5):
            torch.cuda.synchronize(self._device)
            torch.cuda._sleep(int(PROBE_WAIT_US * self._cycles_per_us))
            start = time.perf_counter()
            call(0)
            enqueue.append((time.perf_counter() - start) * 1e6)
        torch.cuda.synchronize(self._device)
        if min(enqueue) > 0.9 * PROBE_WAIT_US:
            # It reads a result back: no wait can hide its launches, which are part of its price.
            self._wait_us[id(call)] = LEAST_WAIT_US
            self._waits_for_gpu.add(id(call))
        else:
            self._wait_us[id(call)] = max(3 * min(enqueue), LEAST_WAIT_US)

    def warm(self, call: Call) -> float:
        """Return the device time of one call on the first set, in microseconds."""
        return self.sample(call, [0])

    def sample(self, call: Call, sets: Sequence[int], before: Before | None = None) -> float:
        """Return the mean device time of one call, in microseconds."""
        return sum(self._once(call, index, before) for index in sets) / len(sets)

    def _once(self, call: Call, index: int, before: Before | None) -> float:
        torch = self._torch
        start, end = self._event(enable_timing=True), self._event(enable_timing=True)
        for attempt in range(3):
            if before is not None:
                before(index)
            wait_us = self._wait_us.get(id(call), LEAST_WAIT_US)
            torch.sum(self._flush, dim=0, out=self._sink)
            torch.cuda._sleep(int(wait_us * self._cycles_per_us))
            enqueued_at = time.perf_counter()
            start.record()
            call(index)
            end.record()
            late = (time.perf_counter() - enqueued_at) * 1e6 > 0.9 * wait_us
            end.synchronize()
            if not late or id(call) in self._waits_for_gpu or attempt == 2:
                break
            # The host was slower than the wait, so a launch gap was timed: once more, longer.
            self._wait_us[id(call)] = min(2 * wait_us, MOST_WAIT_US)
        return float(start.elapsed_time(end) * 1e3)


def timer_for(device: torch.device, rotating_bytes: int = 0) -> Timer:
    """Return the timer of this device; `rotating_bytes` is what the input sets take together.

    Sets that are five times the cache need no flush: each has left it before its next turn.
    """
    if device.type == "cuda":
        return CudaTimer(device)
    cache = min(last_level_cache_bytes(), MOST_FLUSH_BYTES)
    if rotating_bytes >= ROTATION_FACTOR * cache:
        return CpuTimer(0, f"rotating input sets, over {ROTATION_FACTOR}x the last-level cache")
    return CpuTimer(cache)


def warm_up(sample: Callable[[], float], seconds: float, tolerance: float = 0.03) -> int:
    """Sample until three in a row agree within `tolerance`, or the time is up; return how many."""
    recent: list[float] = []
    start = time.monotonic()
    count = 0
    while True:
        recent = [*recent, sample()][-3:]
        count += 1
        steady = len(recent) == 3 and all(
            abs(b - a) <= tolerance * max(a, b) for a, b in pairwise(recent)
        )
        if steady or (count >= 2 and time.monotonic() - start > seconds):
            return count


def interleave(
    samplers: Mapping[str, Callable[[int], float]],
    budget: Budget,
    tick: Tick | None = None,
    first: int = 0,
) -> dict[str, list[float]]:
    """Time all contestants in every round; odd rounds go in reverse order.

    `first` is the number of the first round (an odd process begins in reverse). A sampler gets the
    round's number. Stops at the budget's rounds, or when its seconds are spent
    and the least number of rounds is done; every contestant always has the same number.
    """
    samples: dict[str, list[float]] = {name: [] for name in samplers}
    start = time.monotonic()
    for number in range(budget.rounds):
        if number >= budget.least_rounds and time.monotonic() - start > budget.seconds:
            break
        order = list(samplers)[:: 1 if (number + first) % 2 == 0 else -1]
        for name in order:
            samples[name].append(samplers[name](number))
        if tick is not None:
            tick(number + 1, budget.rounds)
    return samples
