"""Measures what a cycle of speculation is made of, and what of it has to be modelled."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial

import torch

from prototypes.decode.baselines import split_kv_fp16
from prototypes.decode.inputs import Shape
from prototypes.eagle3 import inputs
from prototypes.eagle3.declaration import DECLARATION
from prototypes.harness.declarations import Case

LAYERS = 32
WEIGHT_BYTES = 16.06e9
"""Llama-3.1-8B in 16 bits."""
DRAFT_BYTES = 0.85e9
"""Its draft: one layer and a head of 32 000 tokens, 425 million parameters."""
RATE = 3.03e6
"""Bytes a microsecond: what a copy reaches on an H100 (LOG.md)."""
DRAFT_US = DRAFT_BYTES / RATE
REPEATS = 15
ROWS = (1, 2, 3, 4, 6, 8, 16)


def step_us(seq: int, attention_us: float) -> float:
    """Return a pass of the 8B target, modelled: its weights read once, and measured attention.

    Rows of linear layers are taken as free: 61 of them take less time than the weights' bytes.
    """
    return WEIGHT_BYTES / RATE + LAYERS * attention_us


def one_token(seq: int, device: torch.device) -> float:
    """Return microseconds of one token's attention by `split_kv_fp16`."""
    shape = Shape(1, 32, 8, seq, 128)
    run = split_kv_fp16(shape, device)
    sets = [inputs.attend(_case(seq, 1), device, seed) for seed in (1, 2)]
    given = [
        {"q": s["q"][:, :, 0], **{n: s[n][:, :, :seq].contiguous() for n in ("k", "v")}}
        for s in sets
    ]
    out = {"out": torch.empty_like(given[0]["q"])}
    return _timed(lambda i: run(given[i], out), device)


def tree(seq: int, nodes: int, device: torch.device, paged: bool = False) -> float:
    """Return microseconds of a tree's attention, over one piece or pages in random order."""
    from prototypes.eagle3.triton_tree import TreeAttention, tuned

    tiles = None if paged else tuned(4 * nodes, 128, device)
    attend = TreeAttention(1, 32, 8, nodes, 128, device, tiles)
    sets = [inputs.attend(_case(seq, nodes), device, seed) for seed in (1, 2)]
    out = torch.empty_like(sets[0]["q"])
    if not paged:
        names = ("q", "k", "v", "lengths", "masks")
        given = [{name: s[name] for name in names} for s in sets]
        return _timed(lambda i: attend.contiguous(**given[i], out=out), device)
    order = torch.randperm(8 * (seq + inputs.ROOM) // 16, device=device)
    table = torch.empty_like(order, dtype=torch.int32)
    table[order] = torch.arange(len(order), dtype=torch.int32, device=device)
    pages = [{name: s[name].view(-1, 16, 128)[order] for name in ("k", "v")} for s in sets]
    rows = table.view(1, 8, -1)
    return _timed(
        lambda i: attend.paged(
            sets[i]["q"], **pages[i], table=rows, lengths=sets[i]["lengths"],
            masks=sets[i]["masks"], out=out,
        ),
        device,
    )  # fmt: skip


def preparing(device: torch.device) -> tuple[float, float]:
    """Return microseconds of building a tree and of committing its path."""
    from prototypes.eagle3 import launches

    times = []
    for case in DECLARATION.cases:
        task = str(case.parameters["task"])
        if task == "attend":
            continue
        kernel = launches.BY_TASK[task](case, device)
        sets = [inputs.make(case, device, seed) for seed in (1, 2)]
        out = inputs.room(case, device)

        def call(i: int, kernel: Callable[..., None] = kernel, sets: list = sets,  # type: ignore[type-arg]
                 out: dict[str, torch.Tensor] = out) -> None:  # fmt: skip
            kernel(sets[i], out)

        times.append(_timed(call, device))
    return times[0], times[1]


def linears_on_cpu() -> dict[str, dict[int, float]]:
    """Return microseconds of a layer of 4096 by 28 672 by format of weights and number of rows.

    It is larger than the last cache, or there are copies of it, so weights come from memory.
    """
    from prototypes.weights import baselines, cold, on_cpu
    from prototypes.weights.layers import LLAMA_8B
    from prototypes.weights.quantize import GROUP, Quantized

    layer = LLAMA_8B["gate_up"]
    device = torch.device("cpu")
    generator = torch.Generator().manual_seed(1)
    found: dict[str, dict[int, float]] = {}

    def measure(kind: str, calls: list[Callable[[torch.Tensor], torch.Tensor]]) -> None:
        found[kind] = {}
        for rows in ROWS:
            x = torch.randn(rows, layer.inputs, generator=generator).bfloat16()
            times = []
            for number in range(6):
                call = calls[number % len(calls)]
                start = time.perf_counter()
                call(x)
                times.append((time.perf_counter() - start) * 1e6)
            found[kind][rows] = statistics.median(times[1:])

    wide = torch.randn(layer.outputs, layer.inputs, generator=generator, dtype=torch.bfloat16)
    measure("bfloat16", [partial(torch.nn.functional.linear, weight=wide)])
    count = min(3, cold.copies(layer.bytes(8), cold.cache_bytes(device)))
    measure("8 bits (W8A8)", [on_cpu.Int8Linear.of(wide) for _ in range(count)])
    del wide
    packed = []
    for _ in range(min(3, cold.copies(layer.bytes(4), cold.cache_bytes(device)))):
        codes = torch.randint(
            0, 16, (layer.outputs, layer.inputs), generator=generator, dtype=torch.uint8
        )
        scales = torch.full((layer.outputs, layer.inputs // GROUP), 0.01, dtype=torch.float16)
        packed.append(baselines.for_tinygemm(Quantized(codes, scales)))

    def four(codes: torch.Tensor, scales: torch.Tensor) -> Callable[..., torch.Tensor]:
        return lambda x: baselines.tinygemm(x, codes, scales, GROUP)

    measure("4 bits", [four(*one) for one in packed])
    return found


def _case(seq: int, nodes: int) -> Case:
    first = DECLARATION.cases[0]
    return Case("any", {**first.parameters, "seq": seq, "nodes": nodes}, seed=1)


def _timed(call: Callable[[int], None], device: torch.device) -> float:
    from prototypes.harness.timing import timer_for

    timer = timer_for(device)
    call(1)
    timer.prepare(call)
    return statistics.median(timer.sample(call, [0, 1]) for _ in range(REPEATS))
