"""The emulation's answer again, in float64 and all at once; it shares only the options with it.

The whole score matrix is made first. The maximum that a tile's weights are rounded against is the
running maximum over tiles, and what they count in the end is scaled by how far it still rises.
Small shapes only.
"""

from __future__ import annotations

import math

import torch

from prototypes.attention.eight_bit.options import LARGEST, Denominator, Format, Options, Scale

_FLOATS = {
    Format.FLOAT16: (torch.float16, 65504.0),
    Format.E4M3: (torch.float8_e4m3fn, 448.0),
    Format.E5M2: (torch.float8_e5m2, 57344.0),
}


def attention(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    options: Options,
    *,
    causal: bool = False,
    rows: torch.Tensor | None = None,
) -> torch.Tensor:
    """Return (batch, heads, queries, dim) float64, of the shapes that `emulation.attention` takes.

    `half_sums` isn't followed: sums are exact.
    """
    group = query.shape[1] // key.shape[1]
    q = query.double()
    k, v = (x.double().repeat_interleave(group, dim=1) for x in (key, value))
    queries, keys, dim = q.shape[2], k.shape[2], q.shape[3]
    if options.smooth_keys:
        some = torch.arange(0, keys, -(-keys // options.mean_keys) if options.mean_keys else 1)
        k = k - k[:, :, some].mean(dim=2, keepdim=True)
    mean = q.mean(dim=2, keepdim=True) if options.smooth_queries else torch.zeros_like(q[:, :, :1])
    q8 = _rounded(q - mean, options.scores, options.query_scale, options.query_block)
    k8 = _rounded(k, options.scores, options.key_scale, options.key_block)
    v8 = _rounded(v, options.values, options.value_scale, options.value_block)
    row, column = (torch.arange(n, device=q.device) for n in (queries, keys))
    if rows is not None:
        q8, row = q8[:, :, rows], rows
    x = (q8 @ k8.mT + mean @ k.mT) * (dim**-0.5 * math.log2(math.e))
    if causal:
        x = x.masked_fill(column > row[:, None] + (keys - queries), -math.inf)
    tiles = [x[..., i : i + options.tile].amax(dim=-1) for i in range(0, keys, options.tile)]
    running = torch.stack(tiles, dim=-1).cummax(dim=-1).values
    base = running.repeat_interleave(options.tile, dim=-1)[..., :keys]
    finite = torch.where(base == -math.inf, 0.0, base)
    exact = torch.exp2(x - finite) * options.weight_scale
    held = exact.half().double() if options.half_weights else exact
    rounded = _cast(held, options.weights)
    # What a weight that was rounded against an earlier maximum counts in the end.
    final = running[..., -1:].masked_fill(running[..., -1:] == -math.inf, 0.0)
    rise = torch.exp2(base - final)
    counted = rounded if options.denominator is Denominator.ROUNDED else exact
    total = (counted * rise).sum(dim=-1, keepdim=True)
    answer = (rounded * rise) @ v8 / total
    return torch.where(total == 0, 0.0, answer)


def _rounded(x: torch.Tensor, kind: Format, scale: Scale, block: int) -> torch.Tensor:
    """Return `x` with the error of its format: rounded in units of its scale."""
    if scale is Scale.NONE or kind not in LARGEST:
        return _cast(x, kind)
    if scale is Scale.BLOCK:
        parts = torch.split(x, block, dim=2)
        return torch.cat([_rounded(p, kind, Scale.HEAD, block) for p in parts], dim=2)
    over = {Scale.TOKEN: (3,), Scale.CHANNEL: (2,), Scale.HEAD: (2, 3)}[scale]
    largest = x.abs().amax(dim=over, keepdim=True)
    # In float32 by definition: half of the largest is a tie, which any other inverse would break.
    inverse = torch.where(largest == 0, 1.0, LARGEST[kind] / largest).float().double()
    unit = torch.where(largest == 0, 1.0, largest / LARGEST[kind])
    return _cast(x * inverse, kind) * unit


def _cast(x: torch.Tensor, kind: Format) -> torch.Tensor:
    if kind is Format.FLOAT32:
        return x
    if kind in (Format.INT8, Format.INT4):
        return x.round().clamp(-LARGEST[kind], LARGEST[kind])
    dtype, largest = _FLOATS[kind]
    return x.clamp(-largest, largest).to(dtype).to(x.dtype)
