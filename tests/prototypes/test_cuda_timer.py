"""The CUDA timer against a device played through in simulated time: what is timed, and what isn't.

Host and device have clocks of their own; what is enqueued starts when both are there.
"""

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from prototypes.harness import timing
from prototypes.harness.timing import LEAST_WAIT_US, CudaTimer

CYCLES_PER_US = 1700
FLUSH_US = 80.0


class Gpu:
    """Stands where `torch` would, as far as the timer needs it. Times in microseconds."""

    def __init__(self) -> None:
        self.host = 0.0
        self.end = 0.0
        self.flushes = 0
        self.cold = False
        self.cuda = SimpleNamespace(
            get_device_properties=lambda device: SimpleNamespace(L2_cache_size=50 << 20),
            Event=lambda enable_timing: Event(self),
            _sleep=lambda cycles: self.enqueue(cycles / CYCLES_PER_US),
            synchronize=lambda device=None: self.wait(),
        )

    def enqueue(self, us: float) -> None:
        self.end = max(self.end, self.host) + us

    def wait(self) -> None:
        self.host = max(self.host, self.end)

    def ones(self, count: int, device: Any) -> int:
        return count * 4

    def empty(self, shape: Any, device: Any) -> None:
        return None

    def sum(self, buffer: int, dim: int, out: Any) -> None:
        assert buffer >= 4 * (50 << 20)
        self.flushes += 1
        self.cold = True
        self.enqueue(FLUSH_US)


class Event:
    def __init__(self, gpu: Gpu) -> None:
        self.gpu, self.at = gpu, 0.0

    def record(self) -> None:
        self.at = max(self.gpu.end, self.gpu.host)

    def synchronize(self) -> None:
        self.gpu.wait()

    def elapsed_time(self, end: "Event") -> float:
        return (end.at - self.at) / 1e3


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> Gpu:
    fake = Gpu()
    monkeypatch.setitem(sys.modules, "torch", fake)  # type: ignore[arg-type]
    monkeypatch.setattr(timing, "time", SimpleNamespace(perf_counter=lambda: fake.host / 1e6))
    return fake


def launching(gpu: Gpu, host_us: float, device_us: float) -> timing.Call:
    """Three kernels, each enqueued by the host in a third of its time."""

    def call(index: int) -> None:
        assert index in (0, 1)
        for _ in range(3):
            gpu.host += host_us / 3
            gpu.enqueue(device_us / 3 + (0 if gpu.cold else -device_us / 6))
        gpu.cold = False

    return call


def test_the_device_is_timed_and_launch_gaps_are_not(gpu: Gpu) -> None:
    timer = CudaTimer("cuda:0")  # type: ignore[arg-type]
    # Slow to launch, quick to run: without the wait the gaps would be timed, 90 and not 12.
    call = launching(gpu, host_us=90, device_us=12)
    timer.prepare(call)
    flushes = gpu.flushes
    assert timer.sample(call, [0, 1]) == pytest.approx(12)
    assert gpu.flushes == flushes + 2  # before each call: 12 and not 6, which a hot cache gives


def test_a_call_that_was_enqueued_too_late_is_timed_again_with_a_longer_wait(gpu: Gpu) -> None:
    timer = CudaTimer("cuda:0")  # type: ignore[arg-type]
    call = launching(gpu, host_us=90, device_us=12)
    timer.prepare(call)
    busy = iter([5 * LEAST_WAIT_US, 0.0, 0.0, 0.0])

    def slow_once(index: int) -> None:
        gpu.host += next(busy)
        call(index)

    timer._wait_us[id(slow_once)] = LEAST_WAIT_US
    assert timer.sample(slow_once, [0]) == pytest.approx(12)
    assert timer._wait_us[id(slow_once)] == 2 * LEAST_WAIT_US


def test_code_that_reads_back_pays_for_its_launches(gpu: Gpu) -> None:
    timer = CudaTimer("cuda:0")  # type: ignore[arg-type]
    inner = launching(gpu, host_us=30, device_us=12)

    def reads(index: int) -> None:
        inner(index)
        gpu.wait()
        inner(index)
        gpu.wait()

    timer.prepare(reads)
    assert id(reads) in timer._waits_for_gpu
    # The second half begins only when the host has seen the first: its launches can't be hidden.
    assert timer.sample(reads, [0]) > 12 + 30


def test_what_is_restored_before_a_call_is_not_timed(gpu: Gpu) -> None:
    timer = CudaTimer("cuda:0")  # type: ignore[arg-type]
    call = launching(gpu, host_us=30, device_us=12)
    timer.prepare(call)
    restored: list[int] = []

    def restore(index: int) -> None:
        restored.append(index)
        gpu.enqueue(500)

    assert timer.sample(call, [1, 0], restore) == pytest.approx(12)
    assert restored == [1, 0]
