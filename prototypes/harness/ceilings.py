"""Measures what a device can do at most, in the state that it keeps up: copies and matrix products.

Each ceiling is run for a while before it counts, so that a card that lowers its clocks under load
is measured with the clocks it has then; the median of the second half is taken.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from prototypes.harness.roofline import Rates

if TYPE_CHECKING:
    import torch

SUSTAINED_S = {"cpu": (0.08, 0.5), "cuda": (0.4, 2.0)}
"""Seconds of load for each ceiling: quick, full."""
FALLBACK_CACHE_BYTES = 64 << 20


def measure_rates(device: torch.device, quick: bool) -> Rates:
    """Measure the ceilings of this device with the threads that torch has now."""
    import torch

    cuda = device.type == "cuda"
    seconds = SUSTAINED_S[device.type][0 if quick else 1]

    def steady(call: Callable[[], object], inner: int = 1) -> float:
        """Return the seconds of one call under sustained load."""
        call()
        times: list[float] = []
        begun = time.perf_counter()
        while len(times) < 4 or time.perf_counter() - begun < seconds:
            _wait(device)
            start = time.perf_counter()
            for _ in range(inner):
                call()
            _wait(device)
            times.append((time.perf_counter() - start) / inner)
        return median(times[len(times) // 2 :])

    def copy_rate(size: int, inner: int) -> float:
        # Not zeros: pages of zeros can be one page, and some memories compress them.
        source = torch.arange(size // 4, device=device, dtype=torch.float32)
        target = torch.ones(size // 4, device=device)
        return 2 * size / steady(lambda: target.copy_(source), inner)

    side = 8192 if cuda else 512
    matmul: dict[str, float] = {}
    for precision, make in _products(device, side).items():
        try:
            matmul[precision] = 2 * side**3 / steady(make(), 3)
        except (RuntimeError, NotImplementedError, AttributeError, TypeError, ValueError):
            continue  # this device, or this torch, has no product in that precision
    sixteen_bit = matmul.get("bfloat16") or matmul.get("float16")
    return Rates(
        copy_bytes_per_s=copy_rate((2 << 30) if cuda else (128 << 20), 3 if cuda else 1),
        cached_copy_bytes_per_s=copy_rate(256 << 10, 200),
        # A timer that flushes leaves no case cached; on a CPU a flush may leave a part.
        cache_bytes=0 if cuda else last_level_cache_bytes(),
        matmul_flops_per_s=(sixteen_bit if cuda and sixteen_bit else matmul["float32"]),
        matmul=matmul,
        threads=None if cuda else torch.get_num_threads(),
    )


def _products(device: torch.device, side: int) -> dict[str, Callable[[], Callable[[], Any]]]:
    """Return, by precision, what makes a matrix product of two (side, side) operands."""
    import torch

    cuda = device.type == "cuda"

    def normal(kind: torch.dtype) -> torch.Tensor:
        return torch.randn(side, side, device=device).to(kind)

    def plain(kind: torch.dtype) -> Callable[[], Callable[[], Any]]:
        def make() -> Callable[[], Any]:
            a, b = normal(kind), normal(kind)
            return lambda: torch.mm(a, b)

        return make

    def int8() -> Callable[[], Any]:
        a, b = (
            torch.randint(-127, 128, (side, side), dtype=torch.int8, device=device)
            for _ in range(2)
        )
        # Integer matrix units want both operands contiguous along the sum, as `_scaled_mm` does: a
        # product of two row-major operands reached a seventh of that on an H100.
        second = b.t() if cuda else b
        return lambda: torch._int_mm(a, second)

    def float8() -> Callable[[], Any]:
        a, b = normal(torch.float8_e4m3fn), normal(torch.float8_e4m3fn).t()
        one = torch.ones((), device=device)
        return lambda: torch._scaled_mm(a, b, scale_a=one, scale_b=one, out_dtype=torch.bfloat16)

    products = {"float32": plain(torch.float32), "bfloat16": plain(torch.bfloat16)}
    if cuda:
        products["float16"] = plain(torch.float16)
        if torch.cuda.get_device_capability(device) >= (8, 9):
            products["float8"] = float8
    products["int8"] = int8
    return products


def _wait(device: torch.device) -> None:
    import torch

    if device.type == "cuda":
        torch.cuda.synchronize(device)


def last_level_cache_bytes() -> int:
    """Return the size of the largest cache that the first core sees; 64 MB where it isn't told."""
    sizes = [FALLBACK_CACHE_BYTES]
    found = list(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*/size"))
    units = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
    if found:
        sizes = []
    for file in found:
        text = file.read_text("ascii").strip()
        number, unit = text.rstrip("KMG"), text[-1:]
        if number.isdigit():
            sizes.append(int(number) * units.get(unit, 1))
    return max(sizes, default=FALLBACK_CACHE_BYTES)
