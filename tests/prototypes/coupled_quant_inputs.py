"""Random codes and codebooks, small: what the tests of Coupled Quantization attend over."""

from __future__ import annotations

import torch

from prototypes.coupled_quant.options import Config
from prototypes.decode.inputs import Shape


def made(
    shape: Shape, config: Config, seed: int = 0, factor: float = 1.0
) -> dict[str, torch.Tensor]:
    """Return a step's inputs; queries are `factor` times N(0, 1)."""
    generator = torch.Generator().manual_seed(seed)
    stored = config.stored
    groups = stored.groups(shape.head_dim)
    codes = (shape.batch, shape.kv_heads, shape.seq, groups)
    books = (shape.kv_heads, stored.centroids, groups, stored.channels)
    new = (shape.batch, shape.kv_heads, shape.head_dim)

    def normal(size: tuple[int, ...]) -> torch.Tensor:
        return torch.randn(size, generator=generator).half()

    def some(size: tuple[int, ...]) -> torch.Tensor:
        return torch.randint(0, 256, size, generator=generator).to(torch.uint8)

    return {
        "q": normal((shape.batch, shape.heads, shape.head_dim)) * factor,
        "key_codes": some(codes),
        "value_codes": some(codes),
        "key_books": normal(books),
        "value_books": normal(books),
        "new_k": normal(new),
        "new_v": normal(new),
    }
