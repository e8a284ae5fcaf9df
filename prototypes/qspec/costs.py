"""What a pass costs: all linear layers of decoder layers of Llama 3 8B, one after another.

On a GPU in one CUDA graph, as a server replays them: several decoder layers with weights of their
own, more than the cache holds. On a CPU one matrix, copies in turn. Weights are random words: what
they hold makes no difference to the time, but for TEAL, whose activations decide what is read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from statistics import median
from typing import Any

import torch

from prototypes.weights import baselines, packing
from prototypes.weights.layers import LLAMA_8B, Layer
from prototypes.weights.quantize import GROUP, Quantized

Call = Callable[[], object]
DECODERS = 4
"""Decoder layers in one graph: 436 MB of 4-bit codes, 218 MB of one plane."""
LAYERS_OF_MODEL = 32
VOCABULARY, SHORT_VOCABULARY, WIDTH = 128256, 32768, 4096
REPLAYS = 15
TARGETS = ("W4A16", "both planes")
"""Kinds that verify: the faster one counts, so that no draft looks good beside a slow target."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A way to do a pass: how it is set up for rows of one layer, and up to how many rows."""

    name: str
    make: Callable[[Layer, int, torch.device], Call]
    most_rows: int = 8


def passed(kind: Kind, rows: int, device: torch.device, decoders: int = DECODERS) -> float:
    """Return microseconds of one decoder layer's four linear layers, median of replays."""
    calls = [kind.make(layer, rows, device) for _ in range(decoders) for layer in LLAMA_8B.values()]
    return replayed(calls, device) / decoders


def replayed(calls: Sequence[Call], device: torch.device) -> float:
    """Return microseconds of these calls in one CUDA graph."""
    for call in calls:
        call()
    torch.cuda.synchronize(device)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for call in calls:
            call()
    times: list[float] = []
    for _ in range(REPLAYS):
        event: Any = torch.cuda.Event
        start, end = event(enable_timing=True), event(enable_timing=True)
        start.record()
        graph.replay()
        end.record()
        end.synchronize()
        times.append(start.elapsed_time(end) * 1e3)
    return median(times)


def head(rows: int, vocabulary: int, device: torch.device) -> float:
    """Return microseconds of the head in 16 bits: more bytes than the cache, so always cold."""
    weights = torch.ones((vocabulary, WIDTH), dtype=torch.float16, device=device)
    x = torch.ones((rows, WIDTH), dtype=torch.float16, device=device)
    out = torch.empty((rows, vocabulary), dtype=torch.float16, device=device)
    return replayed([lambda: torch.mm(x, weights.t(), out=out)] * 2, device) / 2


def _words(count: int, device: torch.device) -> torch.Tensor:
    return torch.randint(-(2**31), 2**31 - 1, (count,), dtype=torch.int32, device=device)


def _scales(layer: Layer, device: torch.device) -> torch.Tensor:
    groups = layer.inputs // GROUP
    return torch.full((groups * packing.padded(layer.outputs),), 2**-6, device=device).half()


def _ends(layer: Layer, rows: int, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    x = torch.randn((rows, layer.inputs), device=device).half()
    return x, torch.empty((rows, layer.outputs), dtype=torch.float16, device=device)


def _w4a16(layer: Layer, rows: int, device: torch.device) -> Call:
    from prototypes.weights.gluon_launch import linear

    x, out = _ends(layer, rows, device)
    product = linear(rows, layer.inputs, layer.outputs, device)
    return partial(product, x, _words(layer.elements // 8, device), _scales(layer, device), out)


def _turned(layer: Layer, rows: int, device: torch.device) -> Call:
    from prototypes.weights.gluon_launch import linear

    x, out = _ends(layer, rows, device)
    product = linear(rows, layer.inputs, layer.outputs, device)
    words, scales = _words(layer.elements // 8, device), _scales(layer, device)
    mask = torch.full((), -0x77777778, dtype=torch.int32, device=device)
    return lambda: product(x, words ^ mask, scales, out)


def _int4pack(layer: Layer, rows: int, device: torch.device) -> Call:
    x, _ = _ends(layer, rows, device)
    codes = torch.randint(0, 16, (layer.outputs, layer.inputs), device=device, dtype=torch.uint8)
    scales = torch.ones((layer.outputs, layer.inputs // GROUP), device=device).half()
    tiny, tiny_scales = baselines.for_tinygemm(Quantized(codes, scales))
    return partial(baselines.tinygemm, x.bfloat16(), tiny, tiny_scales, GROUP)


def _wide(layer: Layer, rows: int, device: torch.device) -> Call:
    x, out = _ends(layer, rows, device)
    weights = torch.ones((layer.outputs, layer.inputs), dtype=torch.float16, device=device)
    return lambda: torch.mm(x, weights.t(), out=out)


def _step(form: int, layer: Layer, rows: int, device: torch.device, is_early: bool = True) -> Call:
    from prototypes.qspec import launch

    x, out = _ends(layer, rows, device)
    cut = replace(launch.best(form, rows), early=is_early)
    product = launch.Step(form, rows, layer.inputs, layer.outputs, device, cut)
    scales = _scales(layer, device)
    plane = partial(_words, layer.elements // 16, device)
    if form == launch.UPPER:
        return partial(product, x, plane(), scales, out)
    if form == launch.JOINED:
        return partial(product, x, plane(), scales, out, lower=plane())
    raise ValueError(f"{form} rounds its rows first: it has a maker of its own.")


def _bytes(layer: Layer, rows: int, device: torch.device, is_rounding: bool) -> Call:
    from prototypes.qspec import launch, triton_round

    x, out = _ends(layer, rows, device)
    product = launch.Step(launch.BYTES, rows, layer.inputs, layer.outputs, device)
    codes = torch.empty((rows, layer.inputs), dtype=torch.int8, device=device)
    row_scales = torch.empty(rows, device=device)
    words, scales = _words(layer.elements // 8, device), _scales(layer, device)
    triton_round.round_rows(x, codes, row_scales)

    def run() -> None:
        if is_rounding:
            triton_round.round_rows(x, codes, row_scales)
        product(codes, words, scales, out, x_scales=row_scales)

    return run


def _teal(layer: Layer, rows: int, device: torch.device) -> Call:
    from prototypes.teal.inputs import Plan
    from prototypes.teal.triton_gemv import build

    x, out = _ends(layer, rows, device)
    product = build(Plan(layer.inputs, layer.outputs, 0.5, True, "normal"), device)
    scales = torch.full((layer.inputs, layer.outputs // GROUP), 2**-6, device=device).half()
    inputs = {
        "x": x[0],
        "thresholds": x.float().abs().median()[None].contiguous(),
        "codes": _words(layer.elements // 8, device).view(layer.inputs, -1),
        "scales": scales,
    }
    return partial(product, inputs, {"out": out[0]})


def kinds() -> dict[str, Kind]:
    """Return the ways to do a pass on a GPU, by name."""
    from prototypes.qspec import launch

    in_turn = ", launches in turn"
    found: tuple[tuple[str, Any, int], ...] = (
        ("W4A16", _w4a16, 8),
        ("both planes", partial(_step, launch.JOINED), 8),
        ("both planes" + in_turn, partial(_step, launch.JOINED, is_early=False), 8),
        ("2-bit plane", partial(_step, launch.UPPER), 8),
        ("2-bit plane" + in_turn, partial(_step, launch.UPPER, is_early=False), 8),
        ("W4A4", partial(_bytes, is_rounding=True), 8),
        ("W4A4, rows rounded already", partial(_bytes, is_rounding=False), 8),
        ("TEAL, 50 %", _teal, 1),
        ("W4A16, codes turned first", _turned, 8),
        ("torch_int4pack", _int4pack, 8),
        ("16 bits", _wide, 8),
    )
    return {name: Kind(name, make, most) for name, make, most in found}
