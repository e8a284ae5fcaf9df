"""Sparse matrix-vector products on a GPU: only rows of active inputs are read, in one launch.

Weights lie as (inputs, outputs), so that an input has a contiguous row: one that is skipped costs
no bytes. A program owns a stripe of outputs and an equal share of the *active* inputs. It finds
them itself (a prefix sum over all inputs, which are few bytes in the L2) and walks its list, so
work shrinks with the sparsity, which a mask in a tile doesn't do. Shares of a stripe are joined by
the program that arrives last, always in the same order.
"""

# Triton's own spelling: constants in capitals, arguments without Python types.
# ruff: noqa: N803, N806
# mypy: disable-error-code="no-untyped-def, untyped-decorator"

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def _list_active(
    x,
    thresholds,
    words,
    stride,
    inputs,
    share,
    PER_CHANNEL: tl.constexpr,
    SHARES: tl.constexpr,
    LANES: tl.constexpr,
    PARTS: tl.constexpr,
):
    """Write this share's active inputs to `words`, index << 16 | value's bits; return how many.

    Every SHARES-th active input is a share's, so shares are equal to one input. Active is what
    isn't at or under its threshold: NaN is, so it reaches the output as it should.
    """
    # A thread has PARTS inputs that lie LANES apart and counts those by itself: one scan over
    # threads serves them all. Loads by a stride keep the compiler from giving neighbours to a
    # thread, whose words would then change threads to be stored.
    near = tl.arange(0, LANES)[:, None] + tl.arange(0, PARTS)[None, :] * LANES
    found = 0
    for first in range(0, inputs, LANES * PARTS):
        index = first + near
        there = index < inputs
        value = tl.load(x + index * stride, mask=there, other=0.0)
        if PER_CHANNEL:
            threshold = tl.load(thresholds + index * stride, mask=there, other=0.0)
        else:
            threshold = tl.load(thresholds)
        size = tl.abs(value.to(tl.float32))
        active = (there & ((size > threshold) | (size != size))).to(tl.int32)
        counts = tl.sum(active, axis=1)
        upto = tl.cumsum(counts, axis=0)
        place = found + (upto - counts)[:, None] + tl.cumsum(active, axis=1) - active
        own = (active > 0) & (place % SHARES == share)
        word = (index << 16) | (value.to(tl.int16, bitcast=True).to(tl.int32) & 0xFFFF)
        tl.store(words + place // SHARES, word, mask=own)
        found += tl.max(upto, axis=0)
    # Written by some threads, read by others.
    tl.debug_barrier()
    return (found - share + SHARES - 1) // SHARES


@triton.jit
def _index_of(word):
    return (word >> 16) & 0xFFFF


@triton.jit
def _value_of(word, kind: tl.constexpr):
    return (word & 0xFFFF).to(tl.int16).to(kind, bitcast=True).to(tl.float32)


@triton.jit
def _rows_of(weights, word, row, count, width, column, inside):
    """Return (column, …) of the listed inputs' rows, zeros past the list's end.

    Columns come first: axes as long as this one's are ordered so by the compiler for scales too,
    which have no two neighbours in a thread, and codes and scales get one layout.
    """
    return tl.load(
        weights + _index_of(word)[None, None, :, :] * width + column[:, :, None, None],
        mask=(row < count)[None, None, :, :] & inside[:, :, None, None],
        other=0,
        eviction_policy="evict_first",
    )


@triton.jit
def _finish(
    y,
    out,
    partial,
    tickets,
    stripe,
    share,
    column,
    inside,
    outputs,
    SHARES: tl.constexpr,
):
    """Write a stripe's sums, or leave them for the share of it that arrives last."""
    if SHARES == 1:
        tl.store(out + column, y.to(out.dtype.element_ty), mask=inside)
    else:
        tl.store(partial + share * outputs + column, y, mask=inside)
        # All threads' sums are written before one of them takes the ticket.
        tl.debug_barrier()
        ticket = tl.atomic_add(tickets + stripe, 1, sem="acq_rel")
        if ticket == SHARES - 1:
            total = tl.zeros_like(y)
            for base in range(0, SHARES, 8):
                for step in tl.static_range(8):
                    # Other multiprocessors wrote them: not from this one's L1.
                    total += tl.load(
                        partial + (base + step) * outputs + column,
                        mask=inside & (base + step < SHARES),
                        other=0.0,
                        cache_modifier=".cg",
                    )
            tl.store(out + column, total.to(out.dtype.element_ty), mask=inside)
            tl.store(tickets + stripe, 0)


@triton.jit(do_not_specialize=["stride"])
def sparse_product(
    x,
    thresholds,
    weights,
    out,
    words,
    partial,
    tickets,
    room,
    stride,
    inputs,
    outputs,
    PER_CHANNEL: tl.constexpr,
    SHARES: tl.constexpr,
    THREADS: tl.constexpr,
    PARTS: tl.constexpr,
    WIDTH: tl.constexpr,
    COLUMNS: tl.constexpr,
    DEEP: tl.constexpr,
    BESIDE: tl.constexpr,
):
    """x (inputs,) and weights (inputs, outputs), 16 bits; out (outputs,).

    A stripe has WIDTH outputs in COLUMNS (a power of two) lanes. DEEP inputs of each of BESIDE
    groups of warps are read at a time; a thread adds up the DEEP without asking another.
    """
    ROWS: tl.constexpr = DEEP * BESIDE
    program = tl.program_id(0)
    stripe = program // SHARES
    share = program % SHARES
    own = words + program * room
    count = _list_active(
        x, thresholds, own, stride, inputs, share, PER_CHANNEL, SHARES, THREADS, PARTS
    )
    lane = tl.arange(0, COLUMNS)[:, None]
    column = stripe * WIDTH + lane
    inside = (lane < WIDTH) & (column < outputs)
    row = tl.arange(0, BESIDE)[:, None] * DEEP + tl.arange(0, DEEP)[None, :]
    acc = tl.zeros([COLUMNS, 1, BESIDE], tl.float32)
    # The list is read two turns ahead of the sums and a row one: else each waits for the other.
    word = tl.load(own + row, mask=row < count, other=0)
    later = tl.load(own + ROWS + row, mask=ROWS + row < count, other=0)
    tile = _rows_of(weights, word, row, count, outputs, column, inside)
    for start in range(ROWS, count + ROWS, ROWS):
        value = _value_of(word, x.dtype.element_ty)
        coming = _rows_of(weights, later, start + row, count, outputs, column, inside)
        word = later
        later = tl.load(own + start + ROWS + row, mask=start + ROWS + row < count, other=0)
        acc += tl.sum(tile.to(tl.float32) * value[None, None, :, :], axis=3)
        tile = coming
    y = tl.reshape(tl.sum(acc, axis=2), [COLUMNS])
    flat = tl.arange(0, COLUMNS)
    wide = stripe * WIDTH + flat
    within = (flat < WIDTH) & (wide < outputs)
    _finish(y, out, partial, tickets, stripe, share, wide, within, outputs, SHARES)


@triton.jit
def _code(words, PLACE: tl.constexpr):
    """Return code - 8 of each word's code at this place, float32."""
    return (((words >> (4 * PLACE)) & 15) - 8).to(tl.float32)


@triton.jit(do_not_specialize=["stride"])
def sparse_int4_product(
    x,
    thresholds,
    codes,
    scales,
    out,
    words,
    partial,
    tickets,
    room,
    stride,
    inputs,
    outputs,
    row_words,
    row_scales,
    PER_CHANNEL: tl.constexpr,
    SHARES: tl.constexpr,
    THREADS: tl.constexpr,
    PARTS: tl.constexpr,
    WIDTH: tl.constexpr,
    COLUMNS: tl.constexpr,
    DEEP: tl.constexpr,
    BESIDE: tl.constexpr,
    GROUP: tl.constexpr,
):
    """codes (inputs, outputs / 8) int32, eight outputs a word; scales (inputs, outputs / GROUP).

    GROUP, WIDTH and COLUMNS count outputs here as well: an input's row has a scale for each GROUP
    of them, so what is skipped is skipped with its scales.
    """
    program = tl.program_id(0)
    stripe = program // SHARES
    share = program % SHARES
    own = words + program * room
    count = _list_active(
        x, thresholds, own, stride, inputs, share, PER_CHANNEL, SHARES, THREADS, PARTS
    )
    LANES: tl.constexpr = COLUMNS // 8
    ROWS: tl.constexpr = DEEP * BESIDE
    # Four words of a thread have one scale, which is read once: an axis of their own.
    lane = tl.arange(0, LANES // 4)[None, :] * 4 + tl.arange(0, 4)[:, None]
    column = stripe * (WIDTH // 8) + lane
    inside = (lane < WIDTH // 8) & (column < row_words)
    four = tl.arange(0, LANES // 4)[None, :]
    group = (stripe * (WIDTH // 32) + four) // (GROUP // 32)
    has_group = (four < WIDTH // 32) & (stripe * (WIDTH // 32) + four < row_words // 4)
    row = tl.arange(0, BESIDE)[:, None] * DEEP + tl.arange(0, DEEP)[None, :]
    a0 = tl.zeros([4, LANES // 4, BESIDE], tl.float32)
    a1, a2, a3, a4, a5, a6, a7 = a0, a0, a0, a0, a0, a0, a0
    word = tl.load(own + row, mask=row < count, other=0)
    later = tl.load(own + ROWS + row, mask=ROWS + row < count, other=0)
    tile = _rows_of(codes, word, row, count, row_words, column, inside)
    scale = _rows_of(scales, word, row, count, row_scales, group, has_group)
    for start in range(ROWS, count + ROWS, ROWS):
        value = _value_of(word, x.dtype.element_ty)[None, None, :, :] * scale.to(tl.float32)
        coming = _rows_of(codes, later, start + row, count, row_words, column, inside)
        scale = _rows_of(scales, later, start + row, count, row_scales, group, has_group)
        word = later
        later = tl.load(own + start + ROWS + row, mask=start + ROWS + row < count, other=0)
        a0 += tl.sum(_code(tile, 0) * value, axis=3)
        a1 += tl.sum(_code(tile, 1) * value, axis=3)
        a2 += tl.sum(_code(tile, 2) * value, axis=3)
        a3 += tl.sum(_code(tile, 3) * value, axis=3)
        a4 += tl.sum(_code(tile, 4) * value, axis=3)
        a5 += tl.sum(_code(tile, 5) * value, axis=3)
        a6 += tl.sum(_code(tile, 6) * value, axis=3)
        a7 += tl.sum(_code(tile, 7) * value, axis=3)
        tile = coming
    s0, s1, s2, s3 = tl.sum(a0, axis=2), tl.sum(a1, axis=2), tl.sum(a2, axis=2), tl.sum(a3, axis=2)
    s4, s5, s6, s7 = tl.sum(a4, axis=2), tl.sum(a5, axis=2), tl.sum(a6, axis=2), tl.sum(a7, axis=2)
    low = tl.join(tl.join(s0, s4), tl.join(s2, s6))
    high = tl.join(tl.join(s1, s5), tl.join(s3, s7))
    # (4, LANES / 4, 2, 2, 2): the last axis is bit 0 of a code's place in its word, then bit 1.
    y = tl.reshape(tl.permute(tl.join(low, high), 1, 0, 2, 3, 4), [COLUMNS])
    flat = tl.arange(0, COLUMNS)
    wide = stripe * WIDTH + flat
    _finish(
        y,
        out,
        partial,
        tickets,
        stripe,
        share,
        wide,
        (flat < WIDTH) & (wide < outputs),
        outputs,
        SHARES,
    )
