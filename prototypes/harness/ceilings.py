"""Measures what a device can do at most, in the state that it keeps up: copies and matrix products.

Each ceiling is run for a while before it counts, so that a card that lowers its clocks under load
is measured with the clocks it has then; the median of the second half is taken. A product is
measured in the shape that is fastest here, and on a GPU also in the pace of a case.
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
FLUSH_BYTES = 256 << 20


SHAPES = {
    "cpu": ((512, 512, 512),),
    "cuda": ((8192, 8192, 8192), (4096, 8192, 28672), (8192, 4096, 28672), (4096, 4096, 4096)),
}
"""(rows, summed, columns) of the products that are tried: libraries are fast in some shapes only,
the fastest one is the ceiling. Two on a GPU are a layer's; on a CPU larger ones were slower in
every precision."""
TRIES = 3


def measure_rates(device: torch.device, quick: bool) -> Rates:
    """Measure the ceilings of this device with the threads that torch has now."""
    import torch

    cuda = device.type == "cuda"
    seconds = SUSTAINED_S[device.type][0 if quick else 1]

    def copy_rate(size: int, inner: int) -> float:
        # Not zeros: pages of zeros can be one page, and some memories compress them.
        source = torch.arange(size // 4, device=device, dtype=torch.float32)
        target = torch.ones(size // 4, device=device)
        return 2 * size / _steady(lambda: target.copy_(source), device, seconds, inner)

    matmul: dict[str, float] = {}
    for precision in precisions(device):
        try:
            shape = fastest_shape(device, precision)
            product = make_product(device, precision, shape)
            sustained = _steady(product, device, seconds, 3)
            # A case is timed with its cache flushed between calls, and a card that rests from
            # arithmetic has higher clocks: a ceiling that knows only the load would be passed.
            paced = _steady(product, device, seconds / 4, 1, _flush(device)) if cuda else sustained
            matmul[precision] = operations(shape) / min(sustained, paced)
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


def operations(shape: tuple[int, int, int]) -> int:
    """Return the operations of a product: a multiplication and an addition each."""
    rows, summed, columns = shape
    return 2 * rows * summed * columns


def fastest_shape(device: torch.device, precision: str) -> tuple[int, int, int]:
    """Return the shape in which this precision has the highest rate, by a few calls of each."""

    def rate(shape: tuple[int, int, int]) -> float:
        product = make_product(device, precision, shape)
        return operations(shape) / _steady(product, device, 0.0, 1, least=TRIES)

    shapes = SHAPES[device.type]
    return max(shapes, key=rate) if len(shapes) > 1 else shapes[0]


def precisions(device: torch.device) -> list[str]:
    """Return the precisions that are tried on a device."""
    import torch

    if device.type != "cuda":
        return ["float32", "bfloat16", "int8"]
    has_float8 = torch.cuda.get_device_capability(device) >= (8, 9)
    return ["float32", "bfloat16", "float16", *(["float8"] if has_float8 else []), "int8"]


def make_product(
    device: torch.device, precision: str, shape: tuple[int, int, int]
) -> Callable[[], Any]:
    """Return a call of the product (rows, summed) x (summed, columns) in a precision."""
    import torch

    rows, summed, columns = shape
    if precision == "int8":
        a, b = (
            torch.randint(-127, 128, size, dtype=torch.int8, device=device)
            for size in ((rows, summed), (columns, summed))
        )
        # Integer matrix units want both operands contiguous along the sum, as `_scaled_mm` does: a
        # product of two row-major operands reached a seventh of that on an H100.
        second = b.t() if device.type == "cuda" else b.t().contiguous()
        return lambda: torch._int_mm(a, second)
    kind = torch.float8_e4m3fn if precision == "float8" else getattr(torch, precision)
    left = torch.randn(rows, summed, device=device).to(kind)
    if precision == "float8":
        right = torch.randn(columns, summed, device=device).to(kind).t()
        one = torch.ones((), device=device)
        return lambda: torch._scaled_mm(
            left, right, scale_a=one, scale_b=one, out_dtype=torch.bfloat16
        )
    right = torch.randn(summed, columns, device=device).to(kind)
    return lambda: torch.mm(left, right)


def _steady(
    call: Callable[[], object],
    device: torch.device,
    seconds: float,
    inner: int,
    between: Callable[[], object] = lambda: None,
    least: int = 4,
) -> float:
    """Return the seconds of one call under sustained load; `between` isn't timed."""
    call()
    times: list[float] = []
    begun = time.perf_counter()
    while len(times) < least or time.perf_counter() - begun < seconds:
        between()
        _wait(device)
        start = time.perf_counter()
        for _ in range(inner):
            call()
        _wait(device)
        times.append((time.perf_counter() - start) / inner)
    return median(times[len(times) // 2 :])


def _flush(device: torch.device) -> Callable[[], object]:
    """Return what a timer does between calls: writes more than a cache holds."""
    import torch

    filler = torch.empty(FLUSH_BYTES, dtype=torch.int8, device=device)
    return filler.zero_


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
