"""Makes work that escapes its stream show: on a GPU a call returns before its work is done.

Before a checked call all other streams that torch has are held busy, and the call's own stream too,
for a shorter time, with the poison written behind that. Work on another stream that waits for
nothing then lands before the poison; work that waits but isn't waited for lands after the harness's
copy, which stands right behind the call. Work that stays in its stream, or forks and joins, isn't
disturbed. Streams that torch doesn't know are seen by what is still running when the call's own
stream has become idle (`left_behind_us`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import torch

POOL = 32
"""Streams that torch keeps for each priority (c10/cuda/CUDAStream.cpp, kStreamsPerPool)."""
PRIORITIES = (0, -1)
OTHERS_HELD_US, OWN_HELD_US = 4000, 1000
CYCLES_PER_US = 2000
"""At most: a slower clock only holds longer."""

_clock = time.perf_counter


class Ordering(Protocol):
    """Order of work on one device."""

    def hold(self) -> None:
        """Hold other streams for long and the present one for less, before the poison."""
        ...

    def settle(self) -> None:
        """Wait until the device has done all that was asked of it, on any stream."""
        ...

    def left_behind_us(self, call: Callable[[], None], count: int) -> float:
        """Return for how long the device goes on after the present stream is idle."""
        ...


class HostOrdering:
    """A CPU: work is done when the call returns, or it is late (`calls`)."""

    def hold(self) -> None:
        """Nothing to hold."""

    def settle(self) -> None:
        """Nothing to wait for."""

    def left_behind_us(self, call: Callable[[], None], count: int) -> float:
        """Return 0: late work of threads is seen in the outputs."""
        return 0.0


class CudaOrdering:
    """Streams of one CUDA device. `cuda` is torch.cuda; a test puts another in its place."""

    def __init__(self, cuda: Any, device: torch.device | str) -> None:
        self._cuda = cuda
        self._device = device
        self._others = [
            cuda.Stream(device=device, priority=priority)
            for priority in PRIORITIES
            for _ in range(POOL)
        ]

    def hold(self) -> None:
        """Put a busy wait on every pool stream, and a shorter one on the present stream."""
        self._cuda.synchronize(self._device)
        own = self._cuda.current_stream(self._device)
        for stream in self._others:
            if stream != own:
                with self._cuda.stream(stream):
                    self._cuda._sleep(OTHERS_HELD_US * CYCLES_PER_US)
        self._cuda._sleep(OWN_HELD_US * CYCLES_PER_US)

    def settle(self) -> None:
        """Wait for all streams."""
        self._cuda.synchronize(self._device)

    def left_behind_us(self, call: Callable[[], None], count: int) -> float:
        """Call `count` times; return the time between the stream's end and the device's."""
        self._cuda.synchronize(self._device)
        for _ in range(count):
            call()
        self._cuda.current_stream(self._device).synchronize()
        idle_at = _clock()
        self._cuda.synchronize(self._device)
        return (_clock() - idle_at) * 1e6


_known: dict[str, Ordering] = {}


def ordering_of(device: torch.device) -> Ordering:
    """Return the ordering of this device; its streams are made once."""
    if device.type != "cuda":
        return HostOrdering()
    key = str(device)
    if key not in _known:
        import torch

        _known[key] = CudaOrdering(torch.cuda, device)
    return _known[key]
