"""The portable kernel: any configuration of whole bytes, in plain Triton.

It looks up through pointers, so its lookups go through the L1 cache, a cache line each; the fast
kernel (`gluon_attend`) exists because of that. This one also runs under the interpreter.
"""

# Triton's own spelling: constants in capitals, arguments without Python types.
# ruff: noqa: N803, N806
# mypy: disable-error-code="no-untyped-def, untyped-decorator"

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def score_tables(
    q,
    key_books,
    tables,
    scale,
    KV_HEADS: tl.constexpr,
    QUERIES: tl.constexpr,
    GROUPS: tl.constexpr,
    CHANNELS: tl.constexpr,
    CENTROIDS: tl.constexpr,
):
    """Scores of all key centroids of one group for a group's query heads, side by side.

    q (batch, heads, head_dim); tables (batch * kv_heads, GROUPS, CENTROIDS, QUERIES) float32;
    `scale` includes log2(e). Grid (batch * kv_heads, GROUPS).
    """
    head = tl.program_id(0)
    group = tl.program_id(1)
    channel = tl.arange(0, CHANNELS)
    centroid = tl.arange(0, CENTROIDS)
    query = tl.arange(0, QUERIES)
    book = key_books + (head % KV_HEADS) * CENTROIDS * GROUPS * CHANNELS
    points = tl.load(book + (centroid[:, None] * GROUPS + group) * CHANNELS + channel[None, :]).to(
        tl.float32
    )
    asked = tl.load(
        q
        + (head * QUERIES + query)[:, None] * (GROUPS * CHANNELS)
        + group * CHANNELS
        + channel[None, :]
    ).to(tl.float32)
    scores = tl.sum(points[:, None, :] * asked[None, :, :], axis=2) * scale
    at = ((head * GROUPS + group) * CENTROIDS + centroid) * QUERIES
    tl.store(tables + at[:, None] + query[None, :], scores)


@triton.jit(do_not_specialize=["tokens", "tokens_a_split"])
def attend(
    tables,
    key_codes,
    value_codes,
    value_books,
    partial,
    partial_max,
    partial_sum,
    tokens,
    tokens_a_split,
    KV_HEADS: tl.constexpr,
    QUERIES: tl.constexpr,
    GROUPS: tl.constexpr,
    CHANNELS: tl.constexpr,
    CENTROIDS: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """Partial attention over one split; grid (batch * kv_heads, splits).

    partial (batch * kv_heads, splits, QUERIES, head_dim), its max (log2) and its sum, float32.
    """
    HEAD_DIM: tl.constexpr = GROUPS * CHANNELS
    COPIES: tl.constexpr = 16 // QUERIES
    head = tl.program_id(0)
    split = tl.program_id(1)
    splits = tl.num_programs(1)
    query = tl.arange(0, QUERIES)
    byte = tl.arange(0, GROUPS)
    channel = tl.arange(0, CHANNELS)
    column = tl.arange(0, HEAD_DIM)
    table = tables + head * GROUPS * CENTROIDS * QUERIES
    book = value_books + (head % KV_HEADS) * CENTROIDS * HEAD_DIM
    begin = split * tokens_a_split
    end = tl.minimum(begin + tokens_a_split, tokens)
    highest = tl.full([QUERIES], -1.0e30, dtype=tl.float32)
    total = tl.zeros([QUERIES], dtype=tl.float32)
    sums = tl.zeros([16, HEAD_DIM], dtype=tl.float32)
    for start in range(begin, end, BLOCK):
        token = start + tl.arange(0, BLOCK)
        inside = token < end
        row = (head.to(tl.int64) * tokens + token) * GROUPS
        code = tl.load(key_codes + row[:, None] + byte[None, :], mask=inside[:, None], other=0)
        group = (byte[None, :] + token[:, None]) % GROUPS
        entry = (group * CENTROIDS + code.to(tl.int32)) * QUERIES
        found = tl.load(table + entry[:, :, None] + query[None, None, :])
        scores = tl.sum(found, axis=1)
        scores = tl.where(inside[:, None], scores, float("-inf"))
        top = tl.maximum(highest, tl.max(scores, axis=0))
        decay = tl.exp2(highest - top)
        weights = tl.exp2(scores - top[None, :])
        total = total * decay + tl.sum(weights, axis=0)
        highest = top
        # Where each group of a value is coded: a group's channels are read together.
        step = (GROUPS // 4) * (token % 4)
        place = (byte[None, :] + GROUPS - step[:, None]) % GROUPS
        code = tl.load(value_codes + row[:, None] + place, mask=inside[:, None], other=0)
        entry = code.to(tl.int32) * HEAD_DIM + byte[None, :] * CHANNELS
        found = tl.load(book + entry[:, :, None] + channel[None, None, :])
        values = tl.reshape(found, [BLOCK, HEAD_DIM])
        # A product needs 16 rows: each query head comes several times.
        many = tl.reshape(
            tl.broadcast_to(tl.trans(weights)[None, :, :], [COPIES, QUERIES, BLOCK]), [16, BLOCK]
        )
        lost = tl.reshape(tl.broadcast_to(decay[None, :], [COPIES, QUERIES]), [16])
        sums = sums * lost[:, None]
        sums = tl.dot(many.to(tl.float16), values, acc=sums)
    at = (head * splits + split) * QUERIES
    tl.store(partial_max + at + query, highest)
    tl.store(partial_sum + at + query, total)
    line = tl.arange(0, 16)
    tl.store(
        partial + (at + line)[:, None] * HEAD_DIM + column[None, :],
        sums,
        mask=(line < QUERIES)[:, None],
    )
