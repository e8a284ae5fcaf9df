"""What the device can do at most, measured on it, and what is faster than that.

A time under the floor is not a good result but a wrong measurement: work that was skipped, a cache
that answered, a clock that was fooled.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

from prototypes.harness.workload import Work

if TYPE_CHECKING:
    import torch

ALLOWANCE = 0.8
"""Share of the floor that a time may reach before it is refused: a pure read is about a tenth
faster than the copy that the rate was measured with, and a copy's rate has its own noise."""

LOW_PRECISION_FACTOR = 2.5
"""Eight-bit matrix units reach twice the rate of the 16-bit ones, which is what is measured."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Measured ceilings; a copy counts bytes read plus bytes written."""

    copy_bytes_per_s: float
    cached_copy_bytes_per_s: float
    """The same for a buffer that stays in a cache: only a bound for cases that fit there."""
    cache_bytes: int
    matmul_flops_per_s: float

    def floor_us(self, work: Work) -> float:
        """Return the time that moving the bytes, or doing the arithmetic, takes at least."""
        return 1e6 * max(work.bytes / self.copy_bytes_per_s, work.flops / self.matmul_flops_per_s)

    def impossible_us(self, work: Work, touched_bytes: int) -> float:
        """Return the time under which a measurement is refused.

        `touched_bytes` is what the rotating input sets take together: if they fit in a cache that
        isn't flushed, memory can't bound the time, the cache does.
        """
        fits = touched_bytes <= self.cache_bytes
        rate = self.cached_copy_bytes_per_s if fits else self.copy_bytes_per_s
        flops = LOW_PRECISION_FACTOR * self.matmul_flops_per_s
        return ALLOWANCE * 1e6 * max(work.bytes / max(rate, 1.0), work.flops / flops)

    def to_json(self) -> dict[str, Any]:
        """Return the record in the environment."""
        return {name: float(f"{value:.4g}") for name, value in asdict(self).items()}


def measure_rates(device: torch.device, quick: bool) -> Rates:
    """Measure the ceilings of this device; takes a second or two."""
    import torch

    cuda = device.type == "cuda"
    large = (2 << 30) if cuda else (128 << 20)
    repeats = 5 if quick else 15

    def run(call: Callable[[], object], inner: int = 1) -> float:
        call()
        times = []
        for _ in range(repeats):
            if cuda:
                torch.cuda.synchronize(device)
            start = time.perf_counter()
            for _ in range(inner):
                call()
            if cuda:
                torch.cuda.synchronize(device)
            times.append((time.perf_counter() - start) / inner)
        return median(times)

    def copy_rate(size: int, inner: int) -> float:
        source = torch.rand(size // 4, device=device)
        target = torch.rand(size // 4, device=device)
        return 2 * size / run(lambda: target.copy_(source), inner)

    side = 8192 if cuda else 512
    kind = torch.bfloat16 if cuda else torch.float32
    a = torch.randn(side, side, device=device, dtype=kind)
    b = torch.randn(side, side, device=device, dtype=kind)
    flops = 2 * side**3 / run(lambda: torch.mm(a, b), 3)
    return Rates(
        copy_bytes_per_s=copy_rate(large, 3),
        cached_copy_bytes_per_s=copy_rate(256 << 10, 200),
        # A timer that flushes leaves no case cached; on a CPU the sets only rotate.
        cache_bytes=0 if cuda else _last_level_cache_bytes(),
        matmul_flops_per_s=flops,
    )


def _last_level_cache_bytes() -> int:
    import os

    names = ("SC_LEVEL4_CACHE_SIZE", "SC_LEVEL3_CACHE_SIZE", "SC_LEVEL2_CACHE_SIZE")
    for name in names:
        try:
            size = os.sysconf(name)
        except (ValueError, OSError):
            continue
        if size > 0:
            return size
    return 64 << 20
