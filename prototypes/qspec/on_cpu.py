"""What drafting and verifying cost on a CPU, by rows, and what follows (modelled)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from statistics import median

import torch

from prototypes.harness.figures import Figure
from prototypes.harness.timing import timer_for
from prototypes.qspec import kernels
from prototypes.qspec.prepared import W4A4, Shape, by_outputs
from prototypes.speculation.law import best_length, speedup, tokens_per_cycle
from prototypes.weights import baselines
from prototypes.weights.on_cpu import Int8Linear
from prototypes.weights.quantize import GROUP

ROWS = (1, 2, 3, 4, 5, 6, 8)
TIMED = 3
ALPHAS = (0.8, 0.9, 0.956)
INT4, BYTES, EIGHT, WIDE = "W4A16", "W4A4 in 8-bit products", "W8A8", "bfloat16"
PAIRS = (
    (BYTES, INT4, "the paper's pair"),
    (INT4, EIGHT, "4-bit draft of an 8-bit target"),
    (INT4, WIDE, "4-bit draft of a 16-bit target"),
    (EIGHT, WIDE, "8-bit draft of a 16-bit target"),
)


def figures(shape: Shape) -> Iterator[Figure]:
    """Yield costs and modelled speedups of this layer; in one of the CPU's cases."""
    if shape.draft != W4A4:
        return
    times = measured(shape)
    one = times[INT4, 1]
    for (name, rows), value in times.items():
        yield Figure(f"{name}, {rows} rows", value / 1000, "ms", note="median of 3, cold weights")
    for name in (INT4, BYTES, EIGHT, WIDE):
        yield Figure(f"{name}, 1 row: relative to W4A16", times[name, 1] / one, "x")
        yield Figure(f"{name}: 4 rows relative to 1", times[name, 4] / times[name, 1], "x")
    for draft, target, told in PAIRS:
        plain = times[target, 1]
        cost = times[draft, 1] / plain
        for alpha in ALPHAS:
            verify = [(rows - 1, times[target, rows] / plain) for rows in ROWS[1:]]
            gain = speedup(tokens_per_cycle(alpha, 3), 3, cost, times[target, 4] / plain)
            name = f"modelled: {told}, each accepted at {alpha}"
            yield Figure(f"{name}, 3 drafted", gain, "x", note="modelled, linear layers")
            length, best = best_length(alpha, cost, verify)
            yield Figure(f"{name}, best length", best, "x", note=f"modelled; {length} drafted")


def measured(shape: Shape) -> dict[tuple[str, int], float]:
    """Return microseconds of one product by name and rows; caches replaced before each."""
    device = torch.device("cpu")
    generator = torch.Generator().manual_seed(5)
    weights = torch.randn((shape.outputs, shape.inputs), generator=generator)
    codes = by_outputs(weights)
    tiny, tiny_scales = baselines.for_tinygemm(codes)
    signed = (codes.codes.to(torch.int8) - 8).contiguous()
    narrow = Int8Linear.of_codes(signed, codes.scales[:, 0].float().contiguous())
    eight, wide = Int8Linear.of(weights), weights.bfloat16()
    timer = timer_for(device)
    found: dict[tuple[str, int], float] = {}
    for rows in ROWS:
        x = torch.randn((rows, shape.inputs), generator=generator).bfloat16()
        ways: dict[str, Callable[[], object]] = {
            INT4: partial(baselines.tinygemm, x, tiny, tiny_scales, GROUP),
            BYTES: partial(kernels.bytes_product, narrow, x),
            EIGHT: partial(eight, x),
            WIDE: partial(torch.mm, x, wide.t()),
        }
        for name, call in ways.items():
            found[name, rows] = median(timer.sample(_ignoring(call), [0]) for _ in range(TIMED))
    return found


def _ignoring(call: Callable[[], object]) -> Callable[[int], None]:
    def run(_: int) -> None:
        call()

    return run
