"""Small odd shapes and hostile values for the attention kernels: for the interpreter."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from prototypes.attention.eight_bit import options
from prototypes.attention.eight_bit.options import Denominator, Format, Options
from prototypes.attention.eight_bit.triton_launch import Shape, Tiles

TILES = Tiles(rows=32, keys=32)
ODD = Shape(batch=1, heads=2, kv_heads=1, queries=45, keys=50, dim=16)
"""Tails of queries and of keys, two heads that share K and V."""


@dataclass(frozen=True, slots=True)
class AttentionCase:
    shape: Shape
    options: Options
    tiles: Tiles = TILES
    family: str = "normal"

    def inputs(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return Q, K, V in FP16: the same each time."""
        shape = self.shape
        generator = torch.Generator().manual_seed(shape.queries * 1000 + shape.keys)

        def normal(heads: int, tokens: int) -> torch.Tensor:
            size = (shape.batch, heads, tokens, shape.dim)
            return torch.randn(size, generator=generator)

        query = normal(shape.heads, shape.queries)
        key, value = normal(shape.kv_heads, shape.keys), normal(shape.kv_heads, shape.keys)
        if self.family == "bias":
            key = key + 8 * torch.randn(shape.dim, generator=generator)
        elif self.family == "zeros":
            query[..., :3, :], key[..., 40:, :], value[..., 3] = 0, 0, 0
        elif self.family == "values that grow":
            value = value * torch.logspace(-3, 2, shape.keys)[:, None]
        elif self.family == "nothing":
            query, key, value = query * 0, key * 0, value * 0
        elif self.family == "equal rows":
            key, value = key[..., :1, :].expand_as(key), value[..., :1, :].expand_as(value)
        elif self.family == "subnormal":
            query, key, value = query * 1e-6, key * 1e-6, value * 1e-6
        elif self.family == "huge":
            # Scores near 1e4: float32 has them to 6e-4.
            query, key, value = query * 60, key * 60, value * 1e4
        elif self.family == "infinite query":
            query[0, 1, 7, 5] = torch.inf
        elif self.family == "infinite key":
            key[0, 0, 33, 5] = -torch.inf
        elif self.family == "not a number in V":
            value[0, 0, 33, 5] = torch.nan
        return query.half().contiguous(), key.half().contiguous(), value.half().contiguous()


def blocks(chosen: Options, size: int) -> Options:
    return replace(chosen, query_block=size, key_block=size)


FORMATS = {
    "fp16": Options(scores=Format.FLOAT16),
    "half int8": options.INT_FLASH_HALF,
    "int8": options.INT_FLASH_BLOCKS,
    "fp8": blocks(options.SAGE_FP8, 32),
    "fp8, small blocks": blocks(options.SAGE_FP8, 16),
    "fp8, mean of some keys": replace(blocks(options.SAGE_FP8, 32), mean_keys=7),
    "fp8, mean of all keys": replace(blocks(options.SAGE_FP8, 32), mean_keys=0),
    "sage fp16": blocks(options.SAGE_FP16, 32),
    "fp8, rounded sums": replace(blocks(options.SAGE_FP8, 32), denominator=Denominator.ROUNDED),
}
HOSTILE = ("zeros", "nothing", "equal rows", "subnormal", "huge", "bias")
NOT_FINITE = ("infinite query", "infinite key", "not a number in V")
EIGHT_BIT = ("int8", "fp8")


def _cases() -> dict[str, AttentionCase]:
    made = {}
    for name, chosen in FORMATS.items():
        # The tile is part of the answer: weights are rounded relative to the maximum so far.
        format_ = replace(chosen, tile=TILES.keys)
        made[name] = AttentionCase(ODD, format_)
        causal = replace(ODD, causal=True)
        made[f"{name}, causal"] = AttentionCase(causal, format_)
        made[f"{name}, more queries than keys"] = AttentionCase(
            replace(causal, queries=50, keys=35), format_
        )
        if name in EIGHT_BIT:
            for family in (*HOSTILE, *NOT_FINITE):
                made[f"{name}, {family}"] = AttentionCase(ODD, format_, family=family)
            pointers = replace(TILES, tma=False)
            made[f"{name}, pointers"] = AttentionCase(causal, format_, pointers)
            made[f"{name}, one level"] = AttentionCase(
                ODD, format_, replace(TILES, two_levels=False)
            )
            made[f"{name}, one query"] = AttentionCase(replace(ODD, queries=1, keys=33), format_)
            long = replace(causal, keys=300)
            made[f"{name}, values that grow"] = AttentionCase(
                long, format_, family="values that grow"
            )
            made[f"{name}, one key"] = AttentionCase(replace(causal, queries=1, keys=1), format_)
        if name == "fp8":
            made[f"{name}, empty batch"] = AttentionCase(replace(ODD, batch=0), format_)
            made[f"{name}, no queries"] = AttentionCase(replace(ODD, queries=0), format_)
            made[f"{name}, no keys"] = AttentionCase(replace(ODD, keys=0), format_)
    return made


CASES = _cases()
