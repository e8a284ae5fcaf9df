"""What the paper's tables and figures show, as far as one synthetic layer can.

Perplexity needs a model; which way of rounding loses less of a layer's output doesn't.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from statistics import median
from typing import TYPE_CHECKING

import torch

from prototypes.flatquant import ladder, prepared, reference
from prototypes.flatquant.ladder import Rung, Size
from prototypes.flatquant.layout import Factors, stored_order
from prototypes.flatquant.prepared import Layer, Shape, Weights
from prototypes.harness.declarations import Case
from prototypes.harness.figures import Figure
from prototypes.harness.timing import Timer, timer_for

if TYPE_CHECKING:
    from prototypes.flatquant.triton_launch import Transforms

RISES = {"Hadamard": 8.16 - 6.14, "learned": 6.98 - 6.14}
"""Rise of WikiText-2 perplexity, LLaMA-3-8B at W4A4KV4: QuaRot with GPTQ, FlatQuant with rounding
to nearest (Table 1)."""
FIGURE_6 = 0.07
DECODE = {1: 0.71, 16: 1.05, 64: 1.76}
"""Speedups by batch (Figure 4b): one token a sequence."""
PREFILL = {2048: 2.12, 8192: 2.16}
"""Speedups by tokens (Figure 4a): one and four sequences of 2048."""


def of(case: Case, device: torch.device, seed: int, quick: bool) -> Iterator[Figure]:
    """Yield the figures of a case; a case that only transforms has none."""
    if case.parameters["task"] != "linear":
        return
    shape = Shape.of(case.parameters)
    on_gpu = device.type == "cuda"
    if on_gpu and not quick and shape.tokens == 8192:
        yield from costs(shape, device, seed)
        yield from transforms(device, seed)
    if not on_gpu and shape.tokens >= 512:
        yield from costs_on_cpu(shape, device, seed)
    if quick or not on_gpu or shape.tokens == 8192:
        size = ladder.SIZES[device.type]
        yield from errors(size, list(ladder.climb(size, device, seed + 30)))


def errors(size: Size, rungs: list[Rung]) -> Iterator[Figure]:
    """Yield the ladder, and what learning gains over a Hadamard transform."""
    note = (
        f"a layer of {size.width} channels and {size.outputs} outputs, {size.steps} steps of "
        "learning, tokens that nothing was learned on"
    )
    for rung in rungs:
        name = f"W{rung.bits.weights}A{rung.bits.tokens}, {rung.step}"
        yield Figure(f"{name}: error of the output", 100 * rung.error, "%", note=note)
    flat = {rung.step: rung.largest for rung in rungs if rung.bits.tokens == 4}
    for step, largest in flat.items():
        yield Figure(
            f"largest of a token's channels over their root mean square, {step}", largest, note=note
        )
    energy = {r.step: r.error**2 for r in rungs if (r.bits.weights, r.bits.tokens) == (4, 4)}
    yield Figure(
        "W4A4, learned over Hadamard: energy of the error",
        energy["learned"] / energy["Hadamard"],
        "x",
        paper=round(RISES["learned"] / RISES["Hadamard"], 2),
        note="the paper's is another measure: the rise of LLaMA-3-8B's WikiText-2 perplexity, "
        "FlatQuant (rounded to nearest) over QuaRot (GPTQ), Table 1",
    )


def times(
    timer: Timer, calls: Mapping[str, Callable[[int], object]], rounds: int = 7
) -> dict[str, float]:
    """Return each call's median time in microseconds, calls in turns."""
    entered: dict[str, Callable[[int], None]] = {}
    for name, call in calls.items():

        def enter(index: int, call: Callable[[int], object] = call) -> None:
            call(index)

        entered[name] = enter
        timer.prepare(enter)
    found: dict[str, list[float]] = {name: [] for name in entered}
    for number in range(rounds):
        for name in list(entered)[:: 1 if number % 2 == 0 else -1]:
            found[name].append(timer.sample(entered[name], [0]))
    return {name: median(samples) for name, samples in found.items()}


def costs(shape: Shape, device: torch.device, seed: int) -> Iterator[Figure]:
    """Yield speedups with and without the transform, by tokens, and the transform's share."""
    layer = prepared.layer(shape.width, str(device))
    made = prepared.weights(shape.width, shape.outputs, str(device))
    timer = timer_for(device)
    for tokens in (1, 16, 64, 512, 2048, shape.tokens):
        took = times(timer, _ways(layer, made, layer.tokens(tokens, seed + 50)))
        gains = {name: took["bfloat16"] / took[name] for name in ("with", "without")}
        known = DECODE.get(tokens) or PREFILL.get(tokens)
        note = (
            "one linear layer at W4A8, 7 calls in turns, cold L2; the paper: all of LLaMA-2-7B "
            "at W4A4 on an RTX 3090, Figure 4"
        )
        yield Figure(f"{tokens} tokens: speedup over bfloat16", gains["with"], "x", known, note)
        yield Figure(
            f"{tokens} tokens: speedup that the transform takes away",
            gains["without"] - gains["with"],
            "x",
            FIGURE_6 if tokens >= 2048 else None,
            "against rounding alone; the paper's (Figure 6) is a decoder layer's, batch 64",
        )
        yield Figure(
            f"{tokens} tokens: transform and rounding, of the layer's time",
            100 * took["turn"] / took["with"],
            "%",
            note=f"{took['turn']:.1f} of {took['with']:.1f} us; rounding alone "
            f"{took['round']:.1f} us, each timed by itself",
        )


def transforms(device: torch.device, seed: int) -> Iterator[Figure]:
    """Yield the rate of transform and rounding alone, beside a copy's and torch's conversion's."""
    from prototypes.flatquant import triton_launch as launch

    timer = timer_for(device)
    rate = _copy_rate(timer, device)
    yield Figure("a copy of 1 GB", rate / 1e6, "TB/s", note="bytes read and bytes written")
    for width in (4096, 8192, 14336):
        factors = Factors.of(width)
        generator = torch.Generator(device=device).manual_seed(seed + width)
        left, right = (
            torch.linalg.qr(torch.randn(n, n, generator=generator, device=device))[0].bfloat16()
            for n in (factors.n1, factors.n2)
        )
        transform = launch.transform(factors, left, right)
        for tokens in (2048, 8192):
            x = torch.randn(tokens, width, generator=generator, device=device).bfloat16()
            small = torch.empty(tokens, width, dtype=torch.int8, device=device)
            scales = torch.empty(tokens, device=device)
            calls = _alone(transform, x, small, scales)
            found = times(timer, calls, rounds=9)
            calls["transform"](0)
            z = reference.transform(x, left.float(), right.float(), torch.bfloat16)
            stored = reference.quantize(z, 127.0).values[:, stored_order(factors).to(device)]
            share = float((stored != small).float().mean())
            note = (
                f"{found['transform']:.1f} us; torch's conversion of the same bytes to int8, "
                f"without a transform, {found['conversion']:.1f} us; {share:.1e} of the integers "
                "are another one than the emulation's"
            )
            rated = 3 * x.numel() / found["transform"] / rate
            name = f"{tokens} tokens of {width}: transform and rounding, of a copy's rate"
            yield Figure(name, 100 * rated, "%", note=note)


def _copy_rate(timer: Timer, device: torch.device) -> float:
    """Return bytes a microsecond, read and written, of a large copy."""
    large = torch.ones(1 << 28, device=device)
    room = torch.empty_like(large)
    return 2 * large.nbytes / times(timer, {"copy": lambda _: room.copy_(large)}, rounds=5)["copy"]


def _alone(
    transform: Transforms, x: torch.Tensor, small: torch.Tensor, scales: torch.Tensor
) -> dict[str, Callable[[int], object]]:
    return {
        "transform": lambda _: transform(x, small, scales, 127.0),
        "conversion": lambda _: small.copy_(x),
    }


def _ways(layer: Layer, made: Weights, x: torch.Tensor) -> dict[str, Callable[[int], object]]:
    """Return calls of the layer in bfloat16, with and without the transform, and of its parts."""
    from prototypes.flatquant import triton_launch as launch

    width, outputs, device = layer.factors.width, len(made.full), x.device
    transform = launch.transform(layer.factors, layer.left, layer.right)
    assert made.flat4 is not None
    multiply, words = launch.linear4(width, outputs, device), made.flat4.values
    of_rows = launch.with_room(made.flat4.scales)
    out = torch.empty(len(x), outputs, dtype=torch.bfloat16, device=device)
    small = torch.empty(len(x), width, dtype=torch.int8, device=device)
    scales = launch.room_for_scales(len(x), device)

    def full(_: int) -> None:
        torch.mm(x, made.full.t(), out=out)

    def turn(_: int) -> None:
        transform(x, small, scales, 127.0, layer.token_clip)

    def round_only(_: int) -> None:
        launch.round_rows(x, small, scales, 127.0)

    def behind_turn(index: int) -> None:
        turn(index)
        multiply(small, words, scales, of_rows, out)

    def behind_rounding(index: int) -> None:
        round_only(index)
        multiply(small, words, scales, of_rows, out)

    return {
        "bfloat16": full,
        "with": behind_turn,
        "without": behind_rounding,
        "turn": turn,
        "round": round_only,
    }


def costs_on_cpu(shape: Shape, device: torch.device, seed: int) -> Iterator[Figure]:
    """Yield the transform's share of the linear layer on a CPU."""
    from prototypes.flatquant import torch_cpu

    layer = prepared.layer(shape.width, str(device))
    made = prepared.weights(shape.width, shape.outputs, str(device))
    linear = torch_cpu.FlatLinear(layer, made.flat)
    x = layer.tokens(shape.tokens, seed + 50)
    out = torch.empty(shape.tokens, shape.outputs, dtype=torch.bfloat16)
    wide, full = x.float(), made.full.float()
    took = times(
        timer_for(device),
        {
            "transform": lambda _: torch_cpu.transformed(x, layer),
            "transform and rounding": lambda _: linear.round(x),
            "8-bit layer": lambda _: linear(x, out),
            "float32 product": lambda _: torch.mm(wide, full.t()),
        },
        rounds=3,
    )
    for part in ("transform", "transform and rounding"):
        for whole in ("8-bit layer", "float32 product"):
            yield Figure(
                f"{shape.tokens} tokens: {part}, of the {whole}",
                100 * took[part] / took[whole],
                "%",
                note=f"{took[part] / 1e3:.2f} of {took[whole] / 1e3:.1f} ms, medians of 3",
            )
