"""Why nothing is timed on a CPU: what INT8 attention out of torch's own operations takes there."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from statistics import median

import torch

from prototypes.harness.figures import Figure

REPEATS = 7


def integer_attention(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """Return one head's full INT8 attention of (tokens, dim) float32, both products as integers."""
    query8, query_scale = _rounded(query)
    key8, key_scale = _rounded(key)
    unit = value.abs().max() / 127
    value8 = (value / unit).round_().to(torch.int8)
    scores = torch._int_mm(query8, key8.mT).float()
    scores.mul_(query_scale * query.shape[-1] ** -0.5).mul_(key_scale.mT)
    weights = scores.sub_(scores.amax(dim=-1, keepdim=True)).exp_().mul_(127).round_()
    total = weights.sum(dim=-1, keepdim=True)
    mixed: torch.Tensor = torch._int_mm(weights.to(torch.int8), value8).float()
    return mixed / total * unit


def _rounded(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    scale = x.abs().amax(dim=-1, keepdim=True) / 127
    return (x / scale).round_().to(torch.int8), scale


def figures(seq: int, dim: int, seed: int) -> Iterator[Figure]:
    """Yield how long it takes beside torch's fused attention, one head on one thread."""
    generator = torch.Generator().manual_seed(seed)
    query, key, value = (torch.randn((seq, dim), generator=generator) for _ in range(3))
    whole = _milliseconds(lambda: integer_attention(query, key, value))
    fused = _milliseconds(
        lambda: torch.nn.functional.scaled_dot_product_attention(
            query[None, None], key[None, None], value[None, None]
        )
    )
    yield Figure(
        "INT8 attention out of torch's integer products: times as long as its fused attention",
        whole / fused,
        "x",
        note=f"one head of {seq} tokens of {dim}, FP32, this CPU: {whole:.3g} and {fused:.3g} ms",
    )


def _milliseconds(call: Callable[[], object]) -> float:
    call()
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter_ns()
        call()
        times.append((time.perf_counter_ns() - start) / 1e6)
    return median(times)
