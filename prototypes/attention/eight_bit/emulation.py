"""8-bit attention in plain torch, float32, as any right kernel must compute it up to rounding.

Walks over keys tile by tile like the kernels, because a weight is rounded relative to the maximum
of the tiles so far: another tile gives another (as good) answer. Integer products are taken in
float32, where they are exact: 127·127·128 and 127·127 times a tile of 512 are below 2²⁴.

Rounding is to the nearest, halves to the even one, and saturates. Ties matter: half of the largest
element is 63.5 steps, and every block of queries has about one such element. So operands are
rounded as the kernels do it: the exact product with 127 / largest as a float32.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from prototypes.attention.eight_bit.options import LARGEST, Denominator, Format, Options, Scale
from prototypes.attention.oracle import exact_products

LOG2_E = math.log2(math.e)
SCORES_AT_ONCE = {"cpu": 1 << 17, "cuda": 1 << 25}
"""Scores of one tile that are held at a time: what fits in a core's cache, or 128 MB."""
HALF_STEP = 16
"""Keys of one FP16 matrix instruction: `half_sums` rounds after each."""

_FLOATS = {
    Format.FLOAT16: torch.float16,
    Format.E4M3: torch.float8_e4m3fn,
    Format.E5M2: torch.float8_e5m2,
}


@dataclass(frozen=True, slots=True)
class Quantized:
    """Operands of both products: rounded values, in float32, and what to multiply them by.

    query (batch, heads, queries, dim), query_scale (batch, heads, queries, 1), key and value
    (batch, kv heads, keys, dim), key_scale (batch, kv heads, keys, 1), value_scale
    (batch, kv heads, 1, dim or 1): 1 where blocks of V have scales, which then are multiplied in.
    `query_mean` (batch, heads, 1, dim) is what was taken off Q, if
    anything was; `plain_key` is K, smoothed and not rounded, for its product with that mean.
    """

    query: torch.Tensor
    query_scale: torch.Tensor
    key: torch.Tensor
    key_scale: torch.Tensor
    value: torch.Tensor
    value_scale: torch.Tensor
    query_mean: torch.Tensor | None
    plain_key: torch.Tensor


def round_to(x: torch.Tensor, kind: Format) -> torch.Tensor:
    """Return `x` rounded to a format's values, in float32; too large ones become the largest."""
    if kind is Format.FLOAT32:
        return x.float()
    if kind in (Format.INT8, Format.INT4):
        return torch.round(x).float().clamp(-LARGEST[kind], LARGEST[kind])
    largest = LARGEST.get(kind, 65504.0)
    return x.float().clamp(-largest, largest).to(_FLOATS[kind]).float()


def largest_of(x: torch.Tensor, scale: Scale, block: int) -> torch.Tensor:
    """Return the largest magnitude that each row (or column) of `x` (batch, heads, tokens, dim) is
    scaled by: (batch, heads, tokens, 1), or (batch, heads, 1, dim) for CHANNEL."""
    size = x.float().abs()
    if scale is Scale.TOKEN:
        return size.amax(dim=-1, keepdim=True)
    if scale is Scale.CHANNEL:
        return size.amax(dim=-2, keepdim=True)
    if scale is Scale.HEAD:
        return size.amax(dim=(-1, -2), keepdim=True).expand(*x.shape[:-1], 1)
    tokens = x.shape[-2]
    rows = torch.nn.functional.pad(size.amax(dim=-1), (0, -tokens % block))
    rows = rows.view(*rows.shape[:-1], -1, block).amax(dim=-1).repeat_interleave(block, dim=-1)
    return rows[..., :tokens, None]


def in_steps(
    x: torch.Tensor, kind: Format, scale: Scale, block: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return float32 `x` rounded to multiples of its scales, and the scales.

    Where everything is zero the scale is 1, so that zero stays zero.
    """
    if scale is Scale.NONE or kind not in LARGEST or x.shape[-2] == 0:
        return round_to(x, kind), torch.ones((*x.shape[:-1], 1), device=x.device)
    largest = largest_of(x, scale, block)
    # A tensor of its own: dividing by a number, torch multiplies by its inverse on a GPU.
    end = torch.full_like(largest, LARGEST[kind])
    one = torch.ones_like(largest)
    inverse = torch.where(largest == 0, one, end / largest)
    # Whole numbers come of the exact product, those of FP8 of the float32 one.
    steps = x.double() * inverse.double() if kind in (Format.INT8, Format.INT4) else x * inverse
    return round_to(steps, kind), torch.where(largest == 0, one, largest / end)


def quantize(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, options: Options
) -> Quantized:
    """Return the rounded operands of Q (batch, heads, queries, dim) and K, V (batch, kv heads,
    keys, dim) of any floating-point type."""
    q, k, v = query.float(), key.float(), value.float()
    if options.smooth_keys and k.shape[-2]:
        stride = -(-k.shape[-2] // options.mean_keys) if options.mean_keys else 1
        k = k - k[..., ::stride, :].mean(dim=-2, keepdim=True)
    mean = None
    if options.smooth_queries and q.shape[-2]:
        mean = q.mean(dim=-2, keepdim=True)
        q = q - mean
    query8, query_scale = in_steps(q, options.scores, options.query_scale, options.query_block)
    key8, key_scale = in_steps(k, options.scores, options.key_scale, options.key_block)
    value8, value_scale = in_steps(v, options.values, options.value_scale, options.value_block)
    if options.value_scale is Scale.BLOCK:
        # Within the sum over keys: each block in units of its own.
        value8, value_scale = value8 * value_scale, torch.ones_like(v[..., :1, :1])
    elif options.value_scale in (Scale.HEAD, Scale.NONE):
        # One for the head: it comes out of the sum over keys.
        value_scale = value_scale[..., :1, :] if v.shape[-2] else torch.ones_like(v[..., :1, :1])
    return Quantized(
        query=query8,
        query_scale=query_scale,
        key=key8,
        key_scale=key_scale,
        value=value8,
        value_scale=value_scale,
        query_mean=mean,
        plain_key=k,
    )


def attention(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    options: Options,
    *,
    causal: bool = False,
    softmax_scale: float | None = None,
    rows: torch.Tensor | None = None,
) -> torch.Tensor:
    """Return the technique's own answer, (batch, heads, queries, dim) float32.

    Query head h reads kv head h // (heads / kv heads). Causal: query i of n sees keys up to
    i + keys - n. `softmax_scale` is 1/√dim unless given. A query that sees no key gets zeros.
    `rows` are the queries to answer, ascending; the others count for the scales all the same.
    """
    batch, heads, queries, dim = query.shape
    if rows is None:
        rows = torch.arange(queries, device=query.device)
    parts = quantize(query, key, value, options)
    factor = (dim**-0.5 if softmax_scale is None else softmax_scale) * LOG2_E
    answer = query.new_zeros((batch, heads, len(rows), value.shape[-1]), dtype=torch.float32)
    step = max(1, SCORES_AT_ONCE[query.device.type] // max(1, batch * heads * options.tile))
    with exact_products():
        for start in range(0, len(rows), step):
            chosen = rows[start : start + step]
            answer[:, :, start : start + step] = _some_rows(parts, chosen, options, causal, factor)
    return answer


def _some_rows(
    parts: Quantized, rows: torch.Tensor, options: Options, causal: bool, factor: float
) -> torch.Tensor:
    """Return the answer to some queries, (batch, heads, rows, dim)."""
    batch, heads, queries, dim = parts.query.shape
    kv_heads, keys = parts.key.shape[1:3]
    # All query heads of one kv head in one product.
    shape = (batch, kv_heads, heads // kv_heads * len(rows))
    q = parts.query[:, :, rows].reshape(*shape, dim)
    row_factor = parts.query_scale[:, :, rows].reshape(*shape, 1) * factor
    mean = None
    if parts.query_mean is not None:
        mean = (parts.query_mean * factor).expand(-1, -1, len(rows), -1).reshape(*shape, dim)
    # With fewer keys than queries the first queries see none.
    last_key = (rows + (keys - queries)).repeat(heads // kv_heads)[:, None]
    highest = q.new_full((*shape, 1), -math.inf)
    total = torch.zeros_like(highest)
    mixed = q.new_zeros((*shape, parts.value.shape[-1]))
    end = min(keys, int(last_key.max()) + 1) if causal else keys
    for start in range(0, end, options.tile):
        here = slice(start, min(start + options.tile, keys))
        x = q @ parts.key[:, :, here].mT
        x = x * row_factor * parts.key_scale[:, :, here].mT
        if mean is not None:
            x = x + mean @ parts.plain_key[:, :, here].mT
        if causal:
            index = torch.arange(here.start, here.stop, device=q.device)
            x = x.masked_fill(index > last_key, -math.inf)
        new_highest = torch.maximum(highest, x.amax(dim=-1, keepdim=True))
        # Rows without a key so far have no maximum; anything finite keeps them at zero.
        base = new_highest.masked_fill(new_highest == -math.inf, 0.0)
        exact = torch.exp2(x - base) * options.weight_scale
        held = exact.half().float() if options.half_weights else exact
        rounded = round_to(held, options.weights)
        shrink = torch.exp2(highest - base)
        counted = rounded if options.denominator is Denominator.ROUNDED else exact
        total = total * shrink + counted.sum(dim=-1, keepdim=True)
        mixed = mixed * shrink + _product(rounded, parts.value[:, :, here], options)
        highest = new_highest
    answer = mixed / total * parts.value_scale
    # NaN is kept: only rows that saw nothing are zero.
    answer = torch.where(total == 0, torch.zeros_like(answer), answer)
    return answer.view(batch, heads, len(rows), -1)


def _product(weights: torch.Tensor, values: torch.Tensor, options: Options) -> torch.Tensor:
    """Return weights @ values of one tile; with `half_sums`, added up in FP16."""
    if not options.half_sums:
        return weights @ values
    total = torch.zeros(
        (*weights.shape[:-1], values.shape[-1]), dtype=torch.float16, device=weights.device
    )
    for start in range(0, weights.shape[-1], HALF_STEP):
        part = weights[..., start : start + HALF_STEP] @ values[..., start : start + HALF_STEP, :]
        total = (total.float() + part).half()
    return total.float()
