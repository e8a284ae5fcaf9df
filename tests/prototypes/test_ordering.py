"""Work on other streams is seen: poisoned, copied and read as `checked_call` does, on fake streams.

The simulated device stands for torch.cuda; `CudaOrdering` is the code that runs on a real one.
"""

from collections.abc import Callable

import pytest

from prototypes.harness.ordering import OTHERS_HELD_US, OWN_HELD_US, CudaOrdering
from tests.prototypes import fake_cuda
from tests.prototypes.fake_cuda import FakeCuda, Stream

POISON, STALE, RIGHT, WRONG = "poison", "stale", "right", "wrong"
KERNEL_US = 50.0


class Device:
    """An input, an output, and a kernel that reads the one and writes the other on a stream."""

    def __init__(self) -> None:
        self.cuda = FakeCuda()
        self.ordering = CudaOrdering(self.cuda, "cuda:0")
        self.x, self.y = "old", STALE

    def kernel(self) -> None:
        self.cuda.launch(KERNEL_US, self._compute)

    def _compute(self) -> None:
        self.y = RIGHT if self.x == "new" else WRONG

    def checked(self, call: Callable[[], None]) -> str:
        """Return the output as the harness's copy has it."""
        seen = []
        self.ordering.hold()
        self.cuda.launch(1.0, lambda: setattr(self, "x", "new"))
        self.cuda.launch(1.0, lambda: setattr(self, "y", POISON))
        call()
        self.cuda.launch(1.0, lambda: seen.append(self.y))
        self.ordering.settle()
        return seen[0]


def on(device: Device, stream: Stream, waits: bool, joins: bool) -> Callable[[], None]:
    def call() -> None:
        own = device.cuda.current_stream()
        if waits:
            stream.wait_stream(own)
        with device.cuda.stream(stream):
            device.kernel()
        if joins:
            own.wait_stream(stream)

    return call


def test_work_in_its_own_stream_is_right() -> None:
    device = Device()
    assert device.checked(device.kernel) == RIGHT


@pytest.mark.parametrize("priority", [0, -1])
def test_work_that_forks_and_joins_is_right(priority: int) -> None:
    device = Device()
    stream = device.cuda.Stream(priority=priority)
    assert device.checked(on(device, stream, waits=True, joins=True)) == RIGHT


@pytest.mark.parametrize("waits", [False, True])
@pytest.mark.parametrize("priority", [0, -1])
def test_work_that_nobody_waits_for_is_not_there_when_it_is_copied(
    waits: bool, priority: int
) -> None:
    device = Device()
    stream = device.cuda.Stream(priority=priority)
    assert device.checked(on(device, stream, waits=waits, joins=False)) == POISON
    assert device.y == RIGHT  # it came, after the call


def test_work_on_an_unknown_stream_that_waits_for_nothing_lands_before_the_poison() -> None:
    device = Device()
    stream = device.cuda.unknown_stream()
    assert device.checked(on(device, stream, waits=False, joins=False)) == POISON


def test_work_on_an_unknown_stream_goes_on_when_the_calls_own_is_idle(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    device = Device()
    from prototypes.harness import ordering

    monkeypatch.setattr(ordering, "_clock", lambda: device.cuda.now / 1e6)
    stream = device.cuda.unknown_stream()
    escaping = on(device, stream, waits=True, joins=False)
    assert device.ordering.left_behind_us(escaping, 20) == pytest.approx(20 * KERNEL_US)
    assert device.ordering.left_behind_us(device.kernel, 20) == pytest.approx(0.0)
    joining = on(device, stream, waits=True, joins=True)
    assert device.ordering.left_behind_us(joining, 20) == pytest.approx(0.0)


def test_others_are_held_for_longer_than_the_call_and_its_copy() -> None:
    assert OTHERS_HELD_US > 2 * OWN_HELD_US
    assert fake_cuda.CYCLES_PER_US == 2000  # at 2 GHz; a slower clock only holds longer
