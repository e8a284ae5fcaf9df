"""One decode step of attention over a cache, contiguous or in pages: one launch, equal shares.

Each program gets an equal run of 16-token pages of all (sequence, KV head) rows laid end to end, so
rows of any lengths keep all multiprocessors equally busy. Beginning a row takes time of its own: it
counts as some pages more. Rows that end up in several programs are joined by whichever of them
arrives last, always in the same order: the answer doesn't depend on it. Work is counted in int32.
"""

# Triton's own spelling: constants in capitals, arguments without Python types.
# ruff: noqa: N803
# mypy: disable-error-code="no-untyped-def, untyped-decorator"

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def attend_kernel(
    q,
    k,
    v,
    table,
    lengths,
    out,
    sums,
    maxima,
    weights,
    tickets,
    rows,
    sequence,
    table_stride,
    scale,
    ROWS: tl.constexpr,
    QUERIES: tl.constexpr,
    FEW: tl.constexpr,
    HEAD_DIM: tl.constexpr,
    BLOCK_M: tl.constexpr,
    BLOCK_N: tl.constexpr,
    PAGE: tl.constexpr,
    PAGED: tl.constexpr,
    RAGGED: tl.constexpr,
    PARTS: tl.constexpr,
    STAGES: tl.constexpr,
    BEGINNING: tl.constexpr,
    LEAST: tl.constexpr,
):
    """q, out: (rows, QUERIES, HEAD_DIM), a row being a sequence and KV head; scale in powers of 2.

    k, v: (rows, sequence, HEAD_DIM), or (pages, PAGE, HEAD_DIM) with `table` (rows, table_stride).
    sums, maxima, weights: room for two parts a program; tickets: a zero a row, left as zeros.
    """
    index = tl.arange(0, ROWS)
    if RAGGED:
        length = tl.load(lengths + index, mask=index < rows, other=0)
    else:
        length = tl.where(index < rows, sequence, 0)
    pages = (length + PAGE - 1) // PAGE
    ends = tl.cumsum(pages, axis=0)
    # In units of work a row has BEGINNING pages more, before its first one.
    done = ends - pages + BEGINNING * (index + 1)
    total = tl.sum(pages, axis=0) + BEGINNING * rows
    programs = tl.minimum(tl.num_programs(0), tl.maximum(total // LEAST, 1))
    program = tl.program_id(0)
    few = tl.arange(0, FEW)
    wide = tl.arange(0, HEAD_DIM)
    low = tl.minimum(tl.maximum(program * total // programs - done, 0), pages)
    high = tl.minimum(tl.maximum((program + 1) * total // programs - done, 0), pages)
    # Two sums in one, here and below: each waits for all warps.
    both = tl.sum((low.to(tl.int64) << 32) | high.to(tl.int64), axis=0)
    unit = (both >> 32).to(tl.int32)
    last = (both & 0x7FFFFFFF).to(tl.int32)
    if program >= programs:
        unit = last
    while unit < last:
        row = tl.sum((ends <= unit).to(tl.int32), axis=0)
        own = tl.where(index == row, (ends.to(tl.int64) << 32) | pages.to(tl.int64), 0)
        both = tl.sum(own, axis=0)
        end = (both >> 32).to(tl.int32)
        begin = end - (both & 0x7FFFFFFF).to(tl.int32)
        stop = tl.minimum(end, last)
        from_token = (unit - begin) * PAGE
        tokens = tl.load(lengths + row) if RAGGED else sequence
        to_token = tl.minimum((stop - begin) * PAGE, tokens)
        top, weight, acc = attend_span(
            q + row.to(tl.int64) * QUERIES * HEAD_DIM,
            k,
            v,
            table + row.to(tl.int64) * table_stride,
            row.to(tl.int64) * sequence,
            from_token,
            to_token,
            scale,
            QUERIES,
            HEAD_DIM,
            BLOCK_M,
            BLOCK_N,
            PAGE,
            PAGED,
            STAGES,
        )
        many = tl.arange(0, BLOCK_M)
        if (unit == begin) & (stop == end):
            place = (row.to(tl.int64) * QUERIES + many[:, None]) * HEAD_DIM + wide[None, :]
            answer = acc / weight[:, None]
            tl.store(out + place, answer.to(out.dtype.element_ty), mask=many[:, None] < QUERIES)
        else:
            slot = 2 * program + (unit == begin).to(tl.int32)
            spot = slot * QUERIES + many
            tl.store(maxima + spot, top, mask=many < QUERIES)
            tl.store(weights + spot, weight, mask=many < QUERIES)
            tl.store(
                sums + spot[:, None] * HEAD_DIM + wide[None, :], acc, mask=many[:, None] < QUERIES
            )
            # All threads' parts are written before one of them takes the ticket.
            tl.debug_barrier()
            first = begin + BEGINNING * (row + 1)
            start = ((first + 1) * programs + total - 1) // total - 1
            finish = ((first + end - begin) * programs + total - 1) // total - 1
            ticket = tl.atomic_add(tickets + row, 1, sem="acq_rel")
            if ticket == finish - start:
                join_parts(
                    out + row.to(tl.int64) * QUERIES * HEAD_DIM,
                    sums,
                    maxima,
                    weights,
                    start,
                    finish,
                    few,
                    wide,
                    QUERIES,
                    FEW,
                    HEAD_DIM,
                    PARTS,
                )
                tl.store(tickets + row, 0)
        unit = stop
    if RAGGED:
        for empty in range(tl.program_id(0), rows, tl.num_programs(0)):
            if tl.load(lengths + empty) <= 0:
                spot = (empty * QUERIES + few[:, None]).to(tl.int64) * HEAD_DIM + wide[None, :]
                nothing = tl.zeros([FEW, HEAD_DIM], out.dtype.element_ty)
                tl.store(out + spot, nothing, mask=few[:, None] < QUERIES)


@triton.jit
def attend_span(
    q,
    k,
    v,
    table,
    base,
    from_token,
    to_token,
    scale,
    QUERIES: tl.constexpr,
    HEAD_DIM: tl.constexpr,
    BLOCK_M: tl.constexpr,
    BLOCK_N: tl.constexpr,
    PAGE: tl.constexpr,
    PAGED: tl.constexpr,
    STAGES: tl.constexpr,
):
    """Return maximum, weight and weighted sum of the values over a span of one row's tokens.

    `from_token` is a multiple of PAGE. Contiguous rows begin at token `base` of k and v.
    """
    many = tl.arange(0, BLOCK_M)
    wide = tl.arange(0, HEAD_DIM)
    asked = tl.load(
        q + many[:, None] * HEAD_DIM + wide[None, :], mask=many[:, None] < QUERIES, other=0.0
    )
    top = tl.full([BLOCK_M], float("-inf"), tl.float32)
    weight = tl.zeros([BLOCK_M], tl.float32)
    acc = tl.zeros([BLOCK_M, HEAD_DIM], tl.float32)
    token = from_token + tl.arange(0, BLOCK_N)
    # Pages are looked up one tile ahead: else the tile's own loads wait for them.
    page = tl.load(table + token // PAGE, mask=PAGED & (token < to_token), other=0)
    for start in tl.range(from_token, to_token, BLOCK_N, num_stages=STAGES):
        token = start + tl.arange(0, BLOCK_N)
        inside = token < to_token
        if PAGED:
            place = page.to(tl.int64) * PAGE + token % PAGE
            ahead = token + BLOCK_N
            page = tl.load(table + ahead // PAGE, mask=ahead < to_token, other=0)
        else:
            place = base + token
        keys = tl.load(
            k + place[None, :] * HEAD_DIM + wide[:, None], mask=inside[None, :], other=0.0
        )
        scores = tl.dot(asked, keys) * scale
        scores = tl.where(inside[None, :], scores, float("-inf"))
        higher = tl.maximum(top, tl.max(scores, axis=1))
        share = tl.exp2(scores - higher[:, None])
        fade = tl.exp2(top - higher)
        weight = weight * fade + tl.sum(share, axis=1)
        values = tl.load(
            v + place[:, None] * HEAD_DIM + wide[None, :], mask=inside[:, None], other=0.0
        )
        acc = tl.dot(share.to(values.dtype), values, acc * fade[:, None])
        top = higher
    return top, weight, acc


@triton.jit
def join_parts(
    out,
    sums,
    maxima,
    weights,
    start,
    finish,
    few,
    wide,
    QUERIES: tl.constexpr,
    FEW: tl.constexpr,
    HEAD_DIM: tl.constexpr,
    PARTS: tl.constexpr,
):
    """Join what the programs `start` to `finish` found of one row, and write its answer.

    A program has two parts: of the row that it begins in (0) and of the one that it ends in (1).
    """
    top = tl.full([FEW], float("-inf"), tl.float32)
    weight = tl.zeros([FEW], tl.float32)
    acc = tl.zeros([FEW, HEAD_DIM], tl.float32)
    for base in range(start, finish + 1, PARTS):
        program = base + tl.arange(0, PARTS)
        slot = 2 * program + (program == start).to(tl.int32)
        spot = slot[:, None] * QUERIES + few[None, :]
        there = (program <= finish)[:, None] & (few < QUERIES)[None, :]
        # Other multiprocessors wrote them: not from this one's L1.
        tops = tl.load(maxima + spot, mask=there, other=float("-inf"), cache_modifier=".cg")
        parts = tl.load(weights + spot, mask=there, other=0.0, cache_modifier=".cg")
        places = spot[:, :, None] * HEAD_DIM + wide[None, None, :]
        piece = tl.load(sums + places, mask=there[:, :, None], other=0.0, cache_modifier=".cg")
        higher = tl.maximum(top, tl.max(tops, axis=0))
        higher = tl.where(few < QUERIES, higher, 0.0)
        share = tl.exp2(tops - higher[None, :])
        fade = tl.exp2(top - higher)
        weight = weight * fade + tl.sum(parts * share, axis=0)
        acc = acc * fade[:, None] + tl.sum(piece * share[:, :, None], axis=0)
        top = higher
    spot = few[:, None] * HEAD_DIM + wide[None, :]
    weight = tl.where(few < QUERIES, weight, 1.0)
    answer = (acc / weight[:, None]).to(out.dtype.element_ty)
    tl.store(out + spot, answer, mask=few[:, None] < QUERIES)
