"""Rows that such code gets wrong: zeros, one element that outweighs a row, tiny and large rows."""

from __future__ import annotations

from collections.abc import Iterator

import torch


def rows(x: torch.Tensor) -> Iterator[tuple[str, torch.Tensor]]:
    """Yield rows by name, in the shape of x (tokens, inputs)."""
    yield "x zero", torch.zeros_like(x)
    lone = torch.zeros_like(x)
    lone[:, -1] = 3
    yield "one element", lone
    outweighed = x.clone()
    outweighed[:, 5] = 500
    yield "one element outweighs its row", outweighed
    sizes = torch.tensor([2.0**-8, 1.0, 2.0**5], device=x.device, dtype=x.dtype)
    spread = x * sizes[torch.arange(len(x), device=x.device) % 3, None]
    yield "rows of other sizes", spread
    yield (
        "alternating signs, all alike",
        torch.ones_like(x).mul_(
            1 - 2 * (torch.arange(x.shape[1], device=x.device) % 2).to(x.dtype)
        ),
    )
