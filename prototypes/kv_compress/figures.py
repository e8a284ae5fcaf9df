"""What the paper's tables and figures show, as far as such caches and a model of memory can.

LongBench needs a model; which choice keeps more of what the next step attends to doesn't.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from statistics import median

import torch

from prototypes.decode import oracle as attention
from prototypes.decode.inputs import RUN, SINKS, Shape, cache
from prototypes.decode.pages import PAGE
from prototypes.harness.figures import Figure
from prototypes.kv_compress import oracle
from prototypes.kv_compress.eviction import by_sort, evicted_pages, uniform
from prototypes.kv_compress.inputs import Plan
from prototypes.kv_compress.metric import worth

LONGEST = 16384
"""Tokens of the caches that choices are compared on."""
GB = 1e9
LAYERS = 32
"""Llama-3.1-8B, whose weights take 16 GB in 16 bits."""
WEIGHTS = 16 * GB
GAINS = {2: (500, 2.0), 4: (500, 2.54), 32: (6000, 4.93), 64: (6000, 5.18)}
"""The paper's gains in throughput on an L4, with the tokens of context (Section 5.4, Figure 1b)."""
L4_MEMORY, MEMORY_SHARE = 24 * GB, 0.9


def of(plan: Plan, decodes: bool, device: torch.device, seed: int, quick: bool) -> Iterator[Figure]:
    """Yield the figures of a case: choices and capacity, or the price of an eviction."""
    if decodes:
        for family in ("heavy",) if quick else ("heavy", "flat"):
            yield from choices(plan, device, seed, family)
        yield from capacity(plan)
    elif device.type == "cuda":
        yield from prices(plan, device, seed)


def choices(plan: Plan, device: torch.device, seed: int, family: str) -> Iterator[Figure]:
    """Yield what choices of as many entries keep: attention, needles, and the answer's error."""
    shape = plan.shape
    small = Shape(1, shape.heads, shape.kv_heads, min(shape.seq, LONGEST), shape.head_dim)
    new = cache(small, device, seed + 30, family)
    evicted = evicted_pages(small.kv_heads, small.seq, plan.rate)
    tokens = small.kv_heads * small.seq - PAGE * evicted
    paid = oracle.attention_of(new["q"], new["k"])
    usual = oracle.attention_of(new["others"], new["k"])
    exact = attention.attention(new["q"], new["k"], new["v"])
    best = oracle.best(usual, tokens)
    squared, plain = (worth(new["window"], new["k"], power) for power in (2, 1))
    made: dict[str, torch.Tensor] = {
        "squared attention, one budget": by_sort(squared, evicted).stays.bool(),
        "squared attention, a budget per head": uniform(squared, evicted).stays.bool(),
        "plain attention, one budget": by_sort(plain, evicted).stays.bool(),
        "plain attention, a budget per head": uniform(plain, evicted).stays.bool(),
        "first and last tokens": _ends(small, evicted, device),
        "at random": _random(small, evicted, device, seed),
    }
    note = f"{family} caches, {small.seq} tokens, rate {plan.rate:g}"
    for name, stays in made.items():
        given = f"{family}: {name}"
        found = oracle.surviving(new["needles"], new["asking"], stays, RUN)
        error = _answer_error(new, stays, exact)
        shared = float((stays & best).sum()) / float(best.sum())
        yield Figure(f"{given}: attention kept", 100 * oracle.retained(paid, stays), "%", note=note)
        yield Figure(f"{given}: error of the answer", 100 * error, "%", note=note)
        yield Figure(f"{given}: needles kept", 100 * found, "%", note=note)
        yield Figure(f"{given}: of the best choice's entries", 100 * shared, "%", note=note)
    yield Figure(
        f"{family}: best choice ahead of the step: attention kept",
        100 * oracle.retained(paid, best),
        "%",
        note=note,
    )


def _answer_error(new: dict[str, torch.Tensor], stays: torch.Tensor, exact: torch.Tensor) -> float:
    asked = attention.grouped(new["q"], stays.shape[1])
    rows = [
        attention.row(asked[0, h], new["k"][0, h][kept], new["v"][0, h][kept])
        for h, kept in enumerate(stays[0])
    ]
    out = torch.stack(rows).view(exact.shape)
    return float((out - exact).norm() / exact.norm())


def _ends(shape: Shape, evicted: int, device: torch.device) -> torch.Tensor:
    """Return the choice of the first tokens and the last ones, as many of each head."""
    each = shape.seq - PAGE * evicted // shape.kv_heads
    token = torch.arange(shape.seq, device=device)
    stays = (token < SINKS) | (token >= shape.seq - (each - SINKS))
    return stays.expand(shape.batch, shape.kv_heads, -1)


def _random(shape: Shape, evicted: int, device: torch.device, seed: int) -> torch.Tensor:
    generator = torch.Generator(device=device).manual_seed(seed)
    size = (shape.batch, shape.kv_heads, shape.seq)
    drawn = torch.rand(size, generator=generator, device=device)
    return by_sort(drawn, evicted).stays.bool()


def capacity(plan: Plan) -> Iterator[Figure]:
    """Yield what fits, and what decode gains by it: a model of memory, not a measurement."""
    per_token = 2 * 2 * LAYERS * plan.shape.kv_heads * plan.shape.head_dim
    rate = plan.rate
    room = 80 * GB * MEMORY_SHARE - WEIGHTS
    for name, each in (("full cache", 1.0), (f"rate {rate:g}", rate)):
        fits = int(room / (per_token * plan.shape.seq / each))
        yield Figure(
            f"sequences of {plan.shape.seq} tokens beside Llama-3.1-8B in 80 GB: {name}",
            fits,
            note="modelled: 16-bit weights and cache, a tenth of the memory left free",
        )
    if int(rate) in GAINS:
        tokens, gain = GAINS[int(rate)]
        before, after = (
            int((L4_MEMORY * MEMORY_SHARE - WEIGHTS) / (per_token * tokens / each))
            for each in (1.0, rate)
        )
        took, takes = (
            WEIGHTS + batch * per_token * tokens / each
            for batch, each in ((before, 1.0), (after, rate))
        )
        yield Figure(
            f"decode throughput in 24 GB at {tokens} tokens, against the full cache",
            (after / takes) / (before / took),
            "x",
            paper=gain,
            note="modelled by bytes read a step at the largest batch that fits, decode alone; the "
            "paper (Section 5.4, Figure 1b) measures prefill and scheduling too",
        )


def prices(plan: Plan, device: torch.device, seed: int) -> Iterator[Figure]:
    """Yield times of the eviction, for the case's metric and for 32 layers under one budget."""
    from prototypes.harness.timing import CudaTimer
    from prototypes.kv_compress.triton_evict import Evict

    timer = CudaTimer(device)

    def us(call: Callable[[int], None]) -> float:
        timer.prepare(call)
        return median(timer.sample(call, [0]) for _ in range(7))

    for batch, heads, tokens in (plan.metric_shape, (1, LAYERS * 8, 8192)):
        new = cache(Shape(batch * heads // 8, 32, 8, tokens, 128), device, seed + 40)
        metric = worth(new["window"], new["k"]).view(batch, heads, tokens)
        evicted = evicted_pages(heads, tokens, plan.rate)
        choose = Evict(batch, heads, tokens, evicted, device)
        lengths = torch.empty((batch, heads), dtype=torch.int32, device=device)
        stays = torch.empty(metric.shape, dtype=torch.uint8, device=device)

        def by_digits(
            _: int,
            choose: Evict = choose,
            given: tuple[torch.Tensor, torch.Tensor, torch.Tensor] = (metric, lengths, stays),
        ) -> None:
            choose(*given)

        def sort(_: int, metric: torch.Tensor = metric, evicted: int = evicted) -> None:
            by_sort(metric, evicted)

        ours, sorting = us(by_digits), us(sort)
        wrong = int((stays != by_sort(metric, evicted).stays).sum())
        name = f"{batch} x {tokens} tokens, {heads} heads under a budget"
        note = f"7 calls in turn with events, cold L2; entries chosen otherwise: {wrong}"
        thousands = batch * tokens / 1000
        yield Figure(f"{name}: eviction, a thousand tokens", ours / thousands, "us", note=note)
        yield Figure(f"{name}: sorting, a thousand tokens", sorting / thousands, "us", note=note)
        yield Figure(f"{name}: times faster than sorting", sorting / ours, "x", note=note)
