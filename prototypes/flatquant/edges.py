"""Hostile tokens: what norms, overflows and padding can make of an activation."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from prototypes.flatquant.prepared import Layer


def hostile(layer: Layer, device: torch.device, seed: int) -> Iterator[tuple[str, torch.Tensor]]:
    """Yield names and tokens (t, n) bfloat16: some rows are hostile, their neighbours are not."""
    width = layer.factors.width

    def usual(count: int) -> torch.Tensor:
        return layer.tokens(count, seed + 90)

    yield "one token", usual(1)
    x = usual(7)
    x[1], x[4] = 0.0, 0.0
    yield "zeros", x
    x = usual(5)
    x[0], x[3] = 1.0, -2.5
    yield "all equal", x
    x = usual(6)
    x[1, 0], x[3, width - 1], x[4, width // 2] = torch.nan, torch.inf, -torch.inf
    yield "not finite", x
    x = usual(5)
    x[2] = 1e-39
    x[3] = 1e-39 * x[3]
    yield "subnormal", x
    x = usual(4)
    x[1] = 0.0
    x[1, 5] = 3e4
    yield "one channel", x
