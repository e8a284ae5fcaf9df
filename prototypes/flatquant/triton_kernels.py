"""The same two kernels in plain Triton: every factorization and any GPU, one token a program.

`gluon_transform` and `gluon_linear` are what a Hopper runs where they have tiles for the shape.
"""

# Triton's own spelling: constants in capitals, arguments without Python types.
# ruff: noqa: N803
# mypy: disable-error-code="no-untyped-def, untyped-decorator"

from __future__ import annotations

import triton
import triton.language as tl

TO_INTEGER = tl.constexpr(12582912.0)
"""1.5·2²³: added and subtracted, it rounds a small number half to even."""

SMALLEST = tl.constexpr(1e-30)
"""As `reference.SMALLEST`."""


@triton.jit
def transform_kernel(
    tokens, left, right, output, scales, clip, limit, N1: tl.constexpr, N2: tl.constexpr,
    ROWS: tl.constexpr, COLUMNS: tl.constexpr, TURNED: tl.constexpr,
):  # fmt: skip
    """Write P1ᵀ x P2 of one token, rounded, and its scale. Grid: (tokens,).

    tokens (t, N1·N2) in 16 or 32 bits; left (N1, N1) and right (N2, N2) in the same type; ROWS and
    COLUMNS: N1 and N2 up to powers of two from 16 on; TURNED: in `layout.stored_order`.
    """
    token = tl.program_id(0).to(tl.int64)
    rows, columns = tl.arange(0, ROWS)[:, None], tl.arange(0, COLUMNS)[None, :]
    inside = (rows < N1) & (columns < N2)
    x = tl.load(tokens + token * (N1 * N2) + rows * N2 + columns, mask=inside, other=0.0)
    # Read the other way round: the transposed one.
    down, across = tl.arange(0, ROWS)[:, None], tl.arange(0, ROWS)[None, :]
    left_turned = tl.load(left + across * N1 + down, mask=(down < N1) & (across < N1), other=0.0)
    down, across = tl.arange(0, COLUMNS)[:, None], tl.arange(0, COLUMNS)[None, :]
    small = tl.load(right + down * N2 + across, mask=(down < N2) & (across < N2), other=0.0)
    first = tl.dot(left_turned, x, input_precision="ieee").to(x.dtype)
    z = tl.dot(first, small, input_precision="ieee")
    largest = tl.max(tl.max(tl.abs(z), axis=1), axis=0) * clip
    # Integers can't carry NaN: the scale does.
    finite = largest < float("inf")
    filled = finite & (largest > SMALLEST)
    up = tl.where(filled, limit / tl.where(filled, largest, 1.0), 0.0)
    z = tl.where(finite, z * up, 0.0)
    z = tl.minimum(tl.maximum(z, -limit - 1.0), limit)
    q = ((z + TO_INTEGER) - TO_INTEGER).to(tl.int8)
    place = columns
    if TURNED:
        place = columns // 64 * 64 + columns % 8 // 2 * 16 + columns % 64 // 8 * 2 + columns % 2
    tl.store(output + token * (N1 * N2) + rows * N2 + place, q, mask=inside)
    tl.store(scales + token, tl.where(finite, largest / limit, float("nan")))


@triton.jit
def round_kernel(
    tokens, output, scales, limit, WIDTH: tl.constexpr, BLOCK: tl.constexpr, E4M3: tl.constexpr
):
    """Round one token without a transform: what the transform is measured against. Grid: (t,)."""
    token = tl.program_id(0).to(tl.int64)
    places = tl.arange(0, BLOCK)
    x = tl.load(tokens + token * WIDTH + places, mask=places < WIDTH, other=0.0).to(tl.float32)
    largest = tl.max(tl.where(x == x, tl.abs(x), float("inf")), axis=0)
    finite = largest < float("inf")
    filled = finite & (largest > SMALLEST)
    x = tl.where(finite, x * tl.where(filled, limit / tl.where(filled, largest, 1.0), 0.0), 0.0)
    if E4M3:
        q = tl.minimum(tl.maximum(x, -limit), limit).to(tl.float8e4nv).to(tl.int8, bitcast=True)
    else:
        q = ((x + TO_INTEGER) - TO_INTEGER).to(tl.int8)
    tl.store(output + token * WIDTH + places, q, mask=places < WIDTH)
    tl.store(scales + token, tl.where(finite, largest / limit, float("nan")))


@triton.jit
def linear_kernel(
    tokens, weights, token_scales, channel_scales, output, rows, channels, width,
    ROWS: tl.constexpr, COLUMNS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Write a tile of (X8 W8ᵀ)·scales. Grid: (tiles of rows, tiles of channels).

    tokens (rows, width) and weights (channels, width), INT8.
    """
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    channel = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)
    deep = tl.arange(0, BLOCK)
    acc = tl.zeros((ROWS, COLUMNS), tl.int32)
    tokens += row.to(tl.int64)[:, None] * width
    weights += channel.to(tl.int64)[None, :] * width
    for at in range(0, width, BLOCK):
        where = at + deep
        x = tl.load(
            tokens + where[None, :],
            mask=(row[:, None] < rows) & (where[None, :] < width),
            other=0,
        )
        w = tl.load(
            weights + where[:, None],
            mask=(channel[None, :] < channels) & (where[:, None] < width),
            other=0,
        )
        acc = tl.dot(x, w, acc, out_dtype=tl.int32)
    of_tokens = tl.load(token_scales + row, mask=row < rows, other=0.0)
    of_channels = tl.load(channel_scales + channel, mask=channel < channels, other=0.0)
    y = acc.to(tl.float32) * of_tokens[:, None] * of_channels[None, :]
    where = row.to(tl.int64)[:, None] * channels + channel[None, :]
    inside = (row[:, None] < rows) & (channel[None, :] < channels)
    tl.store(output + where, y.to(output.dtype.element_ty), mask=inside)
