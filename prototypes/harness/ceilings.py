"""Measures what a device can do at most, in the state that it keeps up: copies and matrix products.

Each ceiling is run for a while before it counts, so that a card that lowers its clocks under load
is measured with the clocks it has then; the median of the second half is taken.

A product is measured in several shapes, of operands whose bits don't switch: a card at its power
limit multiplies normal numbers at lower clocks, and a kernel that moves less than the library does
keeps higher ones. On an H100, in tera operations a second under load: the library's FP16 products
of normal numbers 602 to 700 by shape and at any pace, of ones 771 to 799, where MARLIN's kernel
had reached 771; of float8 1214 to 1272, of ones 1491 to 1540; of int8 867 to 890, of ones 939 to
982, where kernels here had reached 1548.
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
SHAPES = {
    "cpu": ((512, 512, 512),),
    "cuda": ((8192, 8192, 8192), (4096, 8192, 28672), (8192, 4096, 28672), (4096, 4096, 4096)),
}
"""(rows, summed, columns) of the products that are tried, each for its share of the time: libraries
are fast in some shapes only, the fastest one is the ceiling. Two on a GPU are a layer's; on a CPU
larger ones were slower in every precision."""


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
            matmul[precision] = product_rate(device, precision, seconds)
        except (RuntimeError, NotImplementedError, AttributeError, TypeError, ValueError):
            continue  # this device, or this torch, has no product in that precision
    if "float8" in matmul:
        # The same units do both, at one rate by the data sheets of the cards that have float8.
        matmul["int8"] = max(matmul.get("int8", 0.0), matmul["float8"])
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


def product_rate(device: torch.device, precision: str, seconds: float) -> float:
    """Return the operations a second of the fastest product in a precision, under load."""
    shapes = SHAPES[device.type]
    rates = []
    for shape in shapes:
        product = make_product(device, precision, shape)
        rates.append(operations(shape) / _steady(product, device, seconds / len(shapes), 3))
    return max(rates)


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
    kind = torch.float8_e4m3fn if precision == "float8" else getattr(torch, precision)
    left = torch.ones(rows, summed, device=device).to(kind)
    turned = torch.ones(columns, summed, device=device).to(kind).t()
    if precision == "int8":
        # Integer matrix units want both operands contiguous along the sum, as `_scaled_mm` does: a
        # product of two row-major operands reached a seventh of that on an H100.
        integers = turned if device.type == "cuda" else turned.contiguous()
        return lambda: torch._int_mm(left, integers)
    if precision == "float8":
        one = torch.ones((), device=device)
        return lambda: torch._scaled_mm(
            left, turned, scale_a=one, scale_b=one, out_dtype=torch.bfloat16
        )
    right = turned.contiguous()
    return lambda: torch.mm(left, right)


def _steady(
    call: Callable[[], object],
    device: torch.device,
    seconds: float,
    inner: int,
) -> float:
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
