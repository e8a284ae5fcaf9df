"""Caches and metrics that such code gets wrong: empty heads, cut pages, ties, extreme values."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch

from prototypes.decode.inputs import Shape, dtype_of
from prototypes.decode.pages import PAGE
from prototypes.kv_compress.inputs import Plan

LENGTHS = (0, 1, 15, 16, 17, 100, 333, 640)
DECODE = Plan(Shape(2, 16, 4, 640, 64), 1.0)
"""As many rows as `LENGTHS`."""
EVICT = Plan(Shape(2, 8, 2, 250, 64), 3.0, layers=2)
"""No whole number of pages."""


def caches(device: torch.device, seed: int) -> Iterator[tuple[str, dict[str, torch.Tensor]]]:
    """Yield inputs of a decode step by name; places outside a head's tokens hold NaN."""
    generator = torch.Generator(device=device).manual_seed(seed)
    kind = dtype_of(device)
    shape = DECODE.shape
    lengths = torch.tensor(LENGTHS, dtype=torch.int32, device=device)
    counts = (lengths + PAGE - 1) // PAGE
    pages = int(counts.sum()) + 3
    table = torch.full((shape.rows, shape.seq // PAGE), -1, dtype=torch.int32, device=device)
    there = torch.arange(table.shape[1], device=device) < counts[:, None]
    order = torch.randperm(pages, generator=generator, device=device)
    table[there] = order[: int(counts.sum())].int()
    used = torch.zeros((pages, PAGE), dtype=torch.bool, device=device)
    for row, length in enumerate(LENGTHS):
        mine = table[row, : int(counts[row])].long()
        used[mine] = torch.arange(len(mine) * PAGE, device=device).view(-1, PAGE) < length

    def normal(*size: int) -> torch.Tensor:
        return torch.randn(size, generator=generator, device=device)

    q = normal(shape.batch, shape.heads, shape.head_dim)
    keys, values = normal(pages, PAGE, shape.head_dim), normal(pages, PAGE, shape.head_dim)
    zeros = torch.zeros_like(keys)
    one = zeros.clone()
    one[table[4, 1].long(), 0] = 4 * q.view(shape.rows, -1, shape.head_dim)[4, 0]
    variants = {
        "normal": keys,
        "every key zero": zeros,
        "every key the same": keys[:1, :1].expand_as(keys),
        "one key takes all": one,
        "keys near the least there are": keys * 1e-7,
    }
    for name, changed in variants.items():
        yield (
            name,
            {
                "q": q.to(kind),
                "keys": torch.where(used[..., None], changed, math.nan).to(kind),
                "values": torch.where(used[..., None], values, math.nan).to(kind),
                "table": table.view(shape.batch, shape.kv_heads, -1),
                "lengths": lengths.view(shape.batch, shape.kv_heads),
            },
        )


def metrics(device: torch.device, seed: int) -> Iterator[tuple[str, torch.Tensor]]:
    """Yield metrics of `EVICT` by name."""
    generator = torch.Generator(device=device).manual_seed(seed)
    drawn = torch.rand(EVICT.metric_shape, generator=generator, device=device)
    yield "no two alike", drawn
    yield "ties", (drawn * 4).floor() / 4
    yield "all alike", torch.ones_like(drawn)
    yield "all zero", torch.zeros_like(drawn)
    yield "subnormal", drawn * 1e-40
    yield "from 1e-30 to 1", 10 ** (-30 * drawn)
    protected = (drawn * 4).floor() / 4
    protected[..., -8:] = math.inf
    yield "ties, and a window without price", protected
    heads = torch.arange(EVICT.heads, device=device)[:, None]
    yield "one head worth nothing", torch.where(heads == 1, 0.0, drawn)
