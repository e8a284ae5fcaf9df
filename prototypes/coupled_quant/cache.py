"""A decode step's inputs: the cache in 16 bits, the same coded, and the codebooks."""

from __future__ import annotations

import torch

from prototypes.coupled_quant import calibration, codebooks, inputs, layout
from prototypes.coupled_quant.options import Config
from prototypes.decode.inputs import Shape, dtype_of

POOL = 4096
"""Different tokens of a sequence on a CPU, which would code more for minutes; a GPU makes all."""


def make(
    shape: Shape, config: Config, family: str, device: torch.device, seed: int
) -> dict[str, torch.Tensor]:
    """Return fresh inputs of one step; the text differs from what the codebooks were learned on.

    q (batch, heads, head_dim), k and v (batch, kv_heads, seq, head_dim) in 16 bits: what the
    baselines read. new_k, new_v (batch, kv_heads, head_dim): the newest token, the last of k and v.
    key_codes, value_codes and key_books, value_books as in `layout`; the newest token's codes are
    still to come, and what lies in their place is wrong.
    """
    queries, dim, dtype = shape.queries, shape.head_dim, dtype_of(device)
    layer = calibration.layer_of(family, queries, dim, str(device))
    books = calibration.books_of(family, config, queries, dim, str(device))
    generator = layer.generator(seed)
    kinds = layer.ways.shape[0]
    repeats = -(-shape.kv_heads // kinds)

    def heads(tensor: torch.Tensor) -> torch.Tensor:
        return tensor.repeat(repeats, *[1] * (tensor.dim() - 1))[: shape.kv_heads].contiguous()

    key_books, value_books = heads(books.keys), heads(books.values)
    full = (shape.batch, shape.kv_heads, shape.seq)
    groups = config.stored.groups(dim)
    made = {
        "q": torch.empty(shape.batch, shape.heads, dim, dtype=dtype, device=device),
        "k": torch.empty(*full, dim, dtype=dtype, device=device),
        "v": torch.empty(*full, dim, dtype=dtype, device=device),
        "key_codes": torch.empty(*full, groups, dtype=torch.uint8, device=device),
        "value_codes": torch.empty(*full, groups, dtype=torch.uint8, device=device),
    }
    tokens = torch.arange(shape.seq, device=device)
    which = layout.key_groups(tokens, groups), layout.value_groups(tokens, groups)
    for b in range(shape.batch):
        asked = layer.queries(repeats, generator).transpose(0, 1).flatten(0, 1)
        made["q"][b] = asked[: shape.kv_heads].reshape(shape.heads, dim)
        for first in range(0, shape.kv_heads, kinds):
            last = min(first + kinds, shape.kv_heads)
            some, wide = slice(first, last), last - first
            order = _order(shape.seq, device, generator)
            count = min(shape.seq, POOL) if order is not None else shape.seq
            for kind, way, vectors, learned in (
                ("key", which[0], layer.keys(count, generator), books.keys),
                ("value", which[1], layer.values(count, generator), books.values),
            ):
                kept = vectors[:wide].to(dtype)
                codes = codebooks.encode(kept[None], learned[:wide])[0]
                if order is not None:
                    kept, codes = kept[:, order], codes[:, order]
                made[kind[0]][b, some] = kept
                made[f"{kind}_codes"][b, some] = layout.skewed(codes, way)
    return _with_newest({**made, "key_books": key_books, "value_books": value_books})


def _order(seq: int, device: torch.device, generator: torch.Generator) -> torch.Tensor | None:
    """Return which token of the pool each one is, the sinks first; None where all differ."""
    if device.type != "cpu" or seq <= POOL:
        return None
    order = torch.randint(inputs.SINKS, POOL, (seq,), generator=generator)
    order[: inputs.SINKS] = torch.arange(inputs.SINKS)
    return order


def _with_newest(made: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    for kind in ("key", "value"):
        made[f"new_{kind[0]}"] = made[kind[0]][:, :, -1].contiguous()
        made[f"{kind}_codes"][:, :, -1] += 128
    return made
