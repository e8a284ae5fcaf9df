"""What the paper's figures show: speedup by rows and layer, and how weights get their 4 bits.

On a CPU instead: which product is fastest at how many rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from statistics import median
from typing import TYPE_CHECKING

import torch

from prototypes.harness.figures import Figure
from prototypes.marlin.gptq import gptq, nearest
from prototypes.marlin.inputs import Shape, drawn
from prototypes.weights import baselines
from prototypes.weights.layers import LLAMA_8B, LLAMA_70B, QWEN_7B, Layer
from prototypes.weights.quantize import Quantized, dequantize, quantize

if TYPE_CHECKING:
    from prototypes.weights.gluon_launch import Large, Small

PAPER_CURVE = {1: 3.87, 16: 3.87, 32: 3.82, 64: 3.09, 128: 1.56}
"""Speedup by rows on an A10 of a layer of 72k by 18k; the ideal for 4.125 bits is 3.87."""
PAPER_LAYER = Layer(18432, 73728)
LAYERS = {
    "72k x 18k": PAPER_LAYER,
    "Llama 3 8B, gate and up": LLAMA_8B["gate_up"],
    "Llama 3 70B, down": LLAMA_70B["down"],
    "Qwen2.5 7B, gate": QWEN_7B["gate"],
}
CPU_ROWS = (1, 2, 4, 8, 16, 64)
TIMED = 5


def of(shape: Shape, device: torch.device, seed: int, quick: bool) -> Iterator[Figure]:
    """Yield the figures of a case: each belongs to one case of its device."""
    if device.type == "cuda":
        if shape.rows == 16 and not quick:
            yield from curve(device)
    elif shape.rows == 1 and not quick and shape.outputs > shape.inputs:
        yield from crossovers(shape, device, seed)
    elif shape.rows == 1:
        yield from rounding(seed, quick)


def _timed(device: torch.device) -> Callable[[Callable[[int], object]], float]:
    from prototypes.harness.timing import timer_for

    timer = timer_for(device)

    def us(call: Callable[[int], object]) -> float:
        def run(index: int) -> None:
            call(index)

        timer.prepare(run)
        return median(timer.sample(run, [0]) for _ in range(TIMED))

    return us


def curve(device: torch.device) -> Iterator[Figure]:
    """Yield speedups over 16-bit weights by rows, for layers of models and the paper's own."""
    us = _timed(device)
    for name, layer in LAYERS.items():
        yield from _by_rows(name, layer, device, us)


def _by_rows(
    name: str, layer: Layer, device: torch.device, us: Callable[[Callable[[int], object]], float]
) -> Iterator[Figure]:
    from prototypes.weights.gluon_launch import linear

    whole = layer == PAPER_LAYER
    dense = torch.randn((layer.outputs, layer.inputs), device=device, dtype=torch.float16)
    packed = torch.randint(
        -(2**31), 2**31 - 1, (layer.elements // 8,), device=device, dtype=torch.int32
    )
    scales = torch.ones(layer.elements // 128, device=device, dtype=torch.float16)
    for rows in PAPER_CURVE if whole else (1, 16, 64):
        shape = Shape(rows, layer.inputs, layer.outputs)
        x = torch.randn((rows, layer.inputs), device=device, dtype=torch.float16)
        out = torch.empty((rows, layer.outputs), device=device, dtype=torch.float16)
        ours = linear(rows, layer.inputs, layer.outputs, device)

        def mine(
            _: int, ours: Small | Large = ours, x: torch.Tensor = x, out: torch.Tensor = out
        ) -> None:
            ours(x, packed, scales, out)

        def theirs(_: int, x: torch.Tensor = x, out: torch.Tensor = out) -> None:
            torch.mm(x, dense.t(), out=out)

        times = us(theirs) / us(mine)
        yield Figure(
            f"{name}, {rows} rows: times as fast as cuBLAS",
            times,
            "x",
            paper=PAPER_CURVE[rows] if whole else None,
            note="5 calls with events, cold L2; the paper's on an A10",
        )
        yield Figure(
            f"{name}, {rows} rows: share of the ideal",
            100 * times / shape.ideal,
            "%",
            note="the speedup, by how many times fewer bytes are read and written",
        )


def crossovers(shape: Shape, device: torch.device, seed: int) -> Iterator[Figure]:
    """Yield times by rows of 4-bit, 8-bit and 16-bit products on a CPU, and the fastest."""
    from prototypes.weights.on_cpu import Int8Linear

    us = _timed(device)
    _, weights = drawn(shape, device, seed)
    made = quantize(weights, shape.group)
    codes, scales = baselines.for_tinygemm(made)
    wide = weights.bfloat16()
    eight = Int8Linear.of(weights)
    del weights
    fastest: dict[int, str] = {}
    for rows in CPU_ROWS:
        x = torch.randn((rows, shape.inputs)).bfloat16()
        calls: dict[str, Callable[[], object]] = {
            "4-bit weights": partial(baselines.tinygemm, x, codes, scales, shape.group),
            "8-bit weights and activations": partial(eight, x),
            "bfloat16": partial(torch.mm, x, wide.t()),
        }
        times = {name: us(_without_index(call)) / 1000 for name, call in calls.items()}
        fastest[rows] = min(times, key=lambda name: times[name])
        for name, value in times.items():
            yield Figure(f"{rows} rows: {name}", value, "ms", note="median of 5, cold cache")
    for name in dict.fromkeys(fastest.values()):
        yield Figure(
            f"fewest rows at which {name} is fastest",
            min(rows for rows, who in fastest.items() if who == name),
            note=f"of {', '.join(map(str, CPU_ROWS))} rows",
        )


def _without_index(call: Callable[[], object]) -> Callable[[int], object]:
    return lambda _: call()


def correlated(rows: int, inputs: int, generator: torch.Generator) -> torch.Tensor:
    """Return activations as layers see them: neighbours alike, few directions, few large ones."""
    steps = torch.randn((rows, inputs), generator=generator)
    for column in range(1, inputs):
        steps[:, column] = 0.9 * steps[:, column - 1] + 0.436 * steps[:, column]
    rank = torch.randn((rows, 16), generator=generator)
    mixed = steps + rank @ torch.randn((16, inputs), generator=generator) / 4
    mixed[:, :: inputs // 8] *= 10
    return mixed


def rounding(seed: int, quick: bool) -> Iterator[Figure]:
    """Yield errors of a layer's result: to the nearest and by GPTQ, clipped or not."""
    generator = torch.Generator().manual_seed(seed)
    inputs, outputs, rows = (256, 64, 512) if quick else (512, 128, 2048)
    weights = torch.randn((outputs, inputs), generator=generator)
    kinds = {
        "alike": torch.randn((2 * rows, inputs), generator=generator),
        "correlated": correlated(2 * rows, inputs, generator),
    }
    for kind, x in kinds.items():
        seen, fresh = x[:rows], x[rows:]
        exact = fresh @ weights.t()

        def error(
            made: Quantized, fresh: torch.Tensor = fresh, exact: torch.Tensor = exact
        ) -> float:
            out = fresh @ dequantize(made, torch.float32).t()
            return float((out - exact).norm() / exact.norm())

        for group in (128, inputs):
            for clip in (False, True):
                name = f"{kind} inputs, {'a scale for 128' if group == 128 else 'a scale a row'}"
                name += ", clipped" if clip else ""
                plain = error(nearest(weights, group, clip))
                learned = error(gptq(weights, seen, group, clip))
                yield Figure(f"{name}: error, to the nearest", 100 * plain, "%")
                yield Figure(
                    f"{name}: error, GPTQ",
                    100 * learned,
                    "%",
                    note="on inputs that it hasn't seen; the paper gives perplexities of models",
                )
