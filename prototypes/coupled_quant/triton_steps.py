"""What every Triton kernel of this folder shares: coding the new token, joining partial results."""

# Triton's own spelling: constants in capitals, arguments without Python types.
# ruff: noqa: N803
# mypy: disable-error-code="no-untyped-def, untyped-decorator"

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit(do_not_specialize=["tokens"])
def encode(
    new_keys,
    new_values,
    key_books,
    value_books,
    key_codes,
    value_codes,
    tokens,
    KV_HEADS: tl.constexpr,
    GROUPS: tl.constexpr,
    CHANNELS: tl.constexpr,
    CENTROIDS: tl.constexpr,
    PART: tl.constexpr,
):
    """Code the newest token, number tokens - 1: the nearest centroid, the first of several.

    new_keys, new_values (batch, kv_heads, head_dim) half; the rest as in `layout`. A program codes
    PART groups of a key or a value; grid (batch * kv_heads, 2, GROUPS / PART).
    """
    head = tl.program_id(0)
    is_value = tl.program_id(1)
    group = tl.program_id(2) * PART + tl.arange(0, PART)
    channel = tl.arange(0, CHANNELS)
    centroid = tl.arange(0, CENTROIDS)
    new = new_values if is_value == 1 else new_keys
    books = value_books if is_value == 1 else key_books
    stored = value_codes if is_value == 1 else key_codes
    vector = tl.load(
        new + head * GROUPS * CHANNELS + group[:, None] * CHANNELS + channel[None, :]
    ).to(tl.float32)
    book = books + (head % KV_HEADS) * CENTROIDS * GROUPS * CHANNELS
    offsets = centroid[:, None, None] * GROUPS + group[None, :, None]
    points = tl.load(book + offsets * CHANNELS + channel[None, None, :]).to(tl.float32)
    difference = points - vector[None, :, :]
    distance = tl.sum(difference * difference, axis=2)
    best = tl.min(distance, axis=0)
    is_best = distance == best[None, :]
    code = tl.min(tl.where(is_best, centroid[:, None], CENTROIDS - 1), axis=0)
    token = tokens - 1
    step = (GROUPS // 4) * (token % 4) if is_value == 1 else token % GROUPS
    byte = (group + GROUPS - step) % GROUPS
    at = (head.to(tl.int64) * tokens + token) * GROUPS
    tl.store(stored + at + byte, code.to(tl.uint8))


@triton.jit
def join(
    partial,
    partial_max,
    partial_sum,
    output,
    parts,
    QUERIES: tl.constexpr,
    HEAD_DIM: tl.constexpr,
    PARTS: tl.constexpr,
):
    """Join the partial results of a query head; one program a head.

    partial (batch * kv_heads, parts, QUERIES, HEAD_DIM), its max (log2) and sum without the last
    axis, float32; output (batch, heads, HEAD_DIM). Parts that saw no token have the sum 0.
    """
    head = tl.program_id(0)
    query = tl.program_id(1)
    part = tl.arange(0, PARTS)
    channel = tl.arange(0, HEAD_DIM)
    row = (head * parts + part) * QUERIES + query
    weight = tl.load(partial_sum + row, mask=part < parts, other=0.0)
    highest = tl.load(partial_max + row, mask=part < parts, other=float("-inf"))
    highest = tl.where(weight > 0, highest, float("-inf"))
    scale = tl.where(weight > 0, tl.exp2(highest - tl.max(highest, axis=0)), 0.0)
    total = tl.sum(scale * weight, axis=0)
    values = tl.load(
        partial + row[:, None] * HEAD_DIM + channel[None, :],
        mask=(part < parts)[:, None],
        other=0.0,
    )
    mean = tl.sum(values * scale[:, None], axis=0) / total
    tl.store(output + (head * QUERIES + query) * HEAD_DIM + channel, mean.to(tl.float16))
