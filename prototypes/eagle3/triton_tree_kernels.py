"""Attention of a drafted tree over its prefix and itself: split along the tokens, groups packed.

A row is a sequence and KV head; its queries are GROUP heads x NODES tree nodes, head first, as they
lie in memory. The tree's keys follow the prefix in the cache, so only the last tile has a mask: a
node sees the nodes whose bit is set in its 64-bit word.
"""

# Triton's own spelling: constants in capitals, arguments without Python types.
# ruff: noqa: N803
# mypy: disable-error-code="no-untyped-def, untyped-decorator"

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def tree_kernel(
    q,
    k,
    v,
    table,
    lengths,
    masks,
    out,
    sums,
    tops,
    weights,
    capacity,
    table_stride,
    scale,
    KV_HEADS: tl.constexpr,
    QUERIES: tl.constexpr,
    NODES: tl.constexpr,
    HEAD_DIM: tl.constexpr,
    BLOCK_M: tl.constexpr,
    BLOCK_N: tl.constexpr,
    SPLITS: tl.constexpr,
    PAGE: tl.constexpr,
    PAGED: tl.constexpr,
    STAGES: tl.constexpr,
    QUICK: tl.constexpr,
    EARLY: tl.constexpr,
):
    """q, out: (rows, QUERIES, HEAD_DIM); masks (sequences, NODES) int64; lengths (sequences,).

    k, v: (rows, capacity, HEAD_DIM), or (pages, PAGE, HEAD_DIM) with `table` (rows, table_stride).
    sums (rows, SPLITS, QUERIES, HEAD_DIM), tops and weights without HEAD_DIM: parts of the answer.
    scale in powers of 2. QUICK, EARLY: what only a GPU has. Programs of one span of tokens are
    neighbours: the L2 serves them.
    """
    tiles_m: tl.constexpr = (QUERIES + BLOCK_M - 1) // BLOCK_M
    program = tl.program_id(0)
    tile_m = program % tiles_m
    split = program // tiles_m % SPLITS
    row = program // (tiles_m * SPLITS)
    sequence = row // KV_HEADS
    length = tl.load(lengths + sequence)
    many = tile_m * BLOCK_M + tl.arange(0, BLOCK_M)
    wide = tl.arange(0, HEAD_DIM)
    asking = many[:, None] < QUERIES
    spot = row.to(tl.int64) * QUERIES + many
    asked = tl.load(q + spot[:, None] * HEAD_DIM + wide[None, :], mask=asking, other=0.0)
    seen = tl.load(masks + sequence * NODES + many % NODES, mask=many < QUERIES, other=0)
    tiles = (length + NODES + BLOCK_N - 1) // BLOCK_N
    low, high = split * tiles // SPLITS, (split + 1) * tiles // SPLITS
    whole = length // BLOCK_N
    top = tl.full([BLOCK_M], float("-inf"), tl.float32)
    weight = tl.zeros([BLOCK_M], tl.float32)
    acc = tl.zeros([BLOCK_M, HEAD_DIM], tl.float32)
    table += row.to(tl.int64) * table_stride
    base = row.to(tl.int64) * capacity
    token = low * BLOCK_N + tl.arange(0, BLOCK_N)
    # Pages are looked up one tile ahead: else the tile's own loads wait for them.
    page = tl.load(table + token // PAGE, mask=PAGED & (token < length + NODES), other=0)
    for tile in tl.range(low, tl.minimum(whole, high), num_stages=STAGES):
        token = tile * BLOCK_N + tl.arange(0, BLOCK_N)
        if PAGED:
            place = page.to(tl.int64) * PAGE + token % PAGE
            ahead = token + BLOCK_N
            page = tl.load(table + ahead // PAGE, mask=ahead < length + NODES, other=0)
        else:
            place = base + token
        spots = place[:, None] * HEAD_DIM + wide[None, :]
        keys = tl.load(k + spots)
        scores = tl.dot(asked, tl.trans(keys))
        higher = tl.maximum(top, tl.max(scores, axis=1) * scale)
        share = power(scores * scale - higher[:, None], QUICK)
        fade = power(top - higher, QUICK)
        weight = weight * fade + tl.sum(share, axis=1)
        values = tl.load(v + spots)
        acc = tl.dot(share.to(values.dtype), values, acc * fade[:, None])
        top = higher
    for tile in tl.range(tl.maximum(low, whole), high, num_stages=1):
        token = tile * BLOCK_N + tl.arange(0, BLOCK_N)
        there = token < length + NODES
        if PAGED:
            page = tl.load(table + token // PAGE, mask=there, other=0)
            place = page.to(tl.int64) * PAGE + token % PAGE
        else:
            place = base + token
        spots = place[:, None] * HEAD_DIM + wide[None, :]
        keys = tl.load(k + spots, mask=there[:, None], other=0.0)
        scores = tl.dot(asked, tl.trans(keys)) * scale
        node = tl.minimum(tl.maximum(token - length, 0), 63)
        ancestor = (seen[:, None] >> node[None, :].to(tl.int64)) & 1 != 0
        visible = there[None, :] & ((token < length)[None, :] | ancestor)
        scores = tl.where(visible, scores, float("-inf"))
        higher = tl.maximum(top, tl.max(scores, axis=1))
        # A tile of which a node sees nothing (and one of rows that are not there).
        level = tl.where(higher == float("-inf"), 0.0, higher)
        share = tl.exp2(scores - level[:, None])
        fade = tl.exp2(top - level)
        weight = weight * fade + tl.sum(share, axis=1)
        values = tl.load(v + spots, mask=there[:, None], other=0.0)
        acc = tl.dot(share.to(values.dtype), values, acc * fade[:, None])
        top = higher
    if EARLY:
        # The join may be launched now; it waits for this kernel's end before it reads.
        tl.extra.cuda.gdc_launch_dependents()
    if SPLITS == 1:
        answer = acc / tl.where(many < QUERIES, weight, 1.0)[:, None]
        place = out + spot[:, None] * HEAD_DIM + wide[None, :]
        tl.store(place, answer.to(out.dtype.element_ty), mask=asking)
    else:
        part = (row.to(tl.int64) * SPLITS + split) * QUERIES + many
        tl.store(tops + part, top, mask=many < QUERIES)
        tl.store(weights + part, weight, mask=many < QUERIES)
        tl.store(sums + part[:, None] * HEAD_DIM + wide[None, :], acc, mask=asking)


@triton.jit
def power(x, QUICK: tl.constexpr):
    """Return 2^x; subnormal results are zero if QUICK, which saves three instructions each."""
    if QUICK:
        return tl.inline_asm_elementwise(
            "ex2.approx.ftz.f32 $0, $1;", "=f,f", [x], dtype=tl.float32, is_pure=True, pack=1
        )
    return tl.exp2(x)


@triton.jit
def join_kernel(
    out,
    sums,
    tops,
    weights,
    QUERIES: tl.constexpr,
    HEAD_DIM: tl.constexpr,
    SPLITS: tl.constexpr,
    PARTS: tl.constexpr,
    BLOCK: tl.constexpr,
    EARLY: tl.constexpr,
):
    """Join the splits of BLOCK queries of a row; PARTS is SPLITS as a power of two."""
    blocks: tl.constexpr = (QUERIES + BLOCK - 1) // BLOCK
    row = (tl.program_id(0) // blocks).to(tl.int64)
    query = tl.program_id(0) % blocks * BLOCK + tl.arange(0, BLOCK)
    split = tl.arange(0, PARTS)
    wide = tl.arange(0, HEAD_DIM)
    if EARLY:
        tl.extra.cuda.gdc_wait()
    there = (split < SPLITS)[:, None] & (query < QUERIES)[None, :]
    part = (row * SPLITS + split[:, None]) * QUERIES + query[None, :]
    places = part[:, :, None] * HEAD_DIM + wide[None, None, :]
    pieces = tl.load(sums + places, mask=there[:, :, None], other=0.0)
    own = tl.load(tops + part, mask=there, other=float("-inf"))
    weighs = tl.load(weights + part, mask=there, other=0.0)
    top = tl.max(own, axis=0)
    share = tl.exp2(own - tl.where(query < QUERIES, top, 0.0)[None, :])
    weight = tl.where(query < QUERIES, tl.sum(weighs * share, axis=0), 1.0)
    answer = tl.sum(pieces * share[:, :, None], axis=0) / weight[:, None]
    place = out + (row * QUERIES + query[:, None]) * HEAD_DIM + wide[None, :]
    tl.store(place, answer.to(out.dtype.element_ty), mask=(query < QUERIES)[:, None])
