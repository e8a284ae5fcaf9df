"""Which pages go, on a GPU, without a sort: the threshold of a sequence, digit by digit.

`digit_kernel` counts a digit of every entry that is still in question, and finds from the counts of
a sequence's heads at which value of the digit enough pages go. After four digits the threshold is
exact. What is left in a head's last page under it stays: `rest_kernel`
finds the best few, `mark_kernel` writes which entries stay. Every result is an integer, so no order
of arrival changes it.
"""

# Triton's own spelling: constants in capitals, arguments without Python types.
# ruff: noqa: N803
# mypy: disable-error-code="no-untyped-def, untyped-decorator"

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def digit_kernel(
    bits,
    histograms,
    reached,
    pages,
    tiles_done,
    heads_done,
    threshold,
    below,
    more,
    lengths,
    heads,
    sequence,
    evicted,
    SHIFT: tl.constexpr,
    WIDTH: tl.constexpr,
    PAGE: tl.constexpr,
    HEADS: tl.constexpr,
    BLOCK: tl.constexpr,
    FIRST: tl.constexpr,
    LAST: tl.constexpr,
):
    """Count a tile's digits, of entries in question; the last tile of a sequence finds which it is.

    bits: float32 as int32, (rows, sequence). `threshold` (batch,) is extended by the digit; below:
    entries of a row under the threshold so far. After the last digit `lengths` is what stays of a
    row and `more` how many of those at the threshold go (negative: how many under it stay).
    histograms (rows, 2**WIDTH), pages, tiles_done and heads_done are zeros before and after.
    """
    row, tile = tl.program_id(0), tl.program_id(1)
    group = row // heads
    wide: tl.constexpr = 1 << WIDTH
    digits = tl.arange(0, wide)
    place = row.to(tl.int64) * wide + digits
    token = tile * BLOCK + tl.arange(0, BLOCK)
    inside = token < sequence
    entry = tl.load(bits + row.to(tl.int64) * sequence + token, mask=inside, other=0)
    if not FIRST:
        inside = inside & ((entry >> (SHIFT + WIDTH)) == tl.load(threshold + group))
    counts = tl.histogram((entry >> SHIFT) & (wide - 1), wide, mask=inside)
    tl.atomic_add(histograms + place, counts, mask=counts > 0, sem="relaxed")
    # All threads have added theirs before one of them takes the ticket.
    tl.debug_barrier()
    ticket = tl.atomic_add(tiles_done + row, 1, sem="acq_rel")
    if ticket == tl.num_programs(1) - 1:
        counts = tl.cumsum(tl.load(histograms + place, cache_modifier=".cg"), axis=0)
        tl.debug_barrier()
        tl.store(histograms + place, tl.zeros([wide], tl.int32))
        tl.store(tiles_done + row, 0)
        if not FIRST:
            counts += tl.load(below + row)
        tl.store(reached + place, counts)
        tl.atomic_add(pages + group * wide + digits, counts // PAGE, sem="relaxed")
        tl.debug_barrier()
        ticket = tl.atomic_add(heads_done + group, 1, sem="acq_rel")
        if ticket == heads - 1:
            find_digit(
                reached,
                pages,
                heads_done,
                threshold,
                below,
                more,
                lengths,
                group,
                heads,
                sequence,
                evicted,
                WIDTH,
                PAGE,
                HEADS,
                FIRST,
                LAST,
            )


@triton.jit
def find_digit(
    reached,
    pages,
    heads_done,
    threshold,
    below,
    more,
    lengths,
    group,
    heads,
    sequence,
    evicted,
    WIDTH: tl.constexpr,
    PAGE: tl.constexpr,
    HEADS: tl.constexpr,
    FIRST: tl.constexpr,
    LAST: tl.constexpr,
):
    """Extend a sequence's threshold by the least digit at which enough pages of its heads go."""
    wide: tl.constexpr = 1 << WIDTH
    digits = tl.arange(0, wide)
    total = tl.load(pages + group * wide + digits, cache_modifier=".cg")
    digit = tl.sum((total < evicted).to(tl.int32), axis=0)
    tl.debug_barrier()
    tl.store(pages + group * wide + digits, tl.zeros([wide], tl.int32))
    tl.store(heads_done + group, 0)
    head = tl.arange(0, HEADS)
    real = head < heads
    own = (group * heads + head).to(tl.int64)
    if FIRST:
        under = tl.zeros([HEADS], tl.int32)
        tl.store(threshold + group, digit)
    else:
        under = tl.load(below + own, mask=real, other=0)
        tl.store(threshold + group, (tl.load(threshold + group) << WIDTH) | digit)
    spot = reached + own * wide + digit
    lower = tl.load(spot - 1, mask=real & (digit > 0), other=0, cache_modifier=".cg")
    under = tl.where(digit > 0, lower, under)
    if LAST:
        upto = tl.load(spot, mask=real, other=0, cache_modifier=".cg")
        full = under // PAGE
        at = tl.where(real, upto // PAGE - full, 0)
        left = evicted - tl.sum(tl.where(real, full, 0), axis=0) - (tl.cumsum(at, axis=0) - at)
        gone = full + tl.minimum(tl.maximum(left, 0), at)
        tl.store(lengths + own, sequence - PAGE * gone, mask=real)
        tl.store(more + own, PAGE * gone - under, mask=real)
    else:
        tl.store(below + own, under, mask=real)


@triton.jit
def rest_kernel(
    bits,
    threshold,
    more,
    ties,
    best,
    counts,
    heads,
    sequence,
    BLOCK: tl.constexpr,
    PAGE: tl.constexpr,
):
    """Count a tile's entries at the threshold, and list the best under it that may have to stay.

    ties: (rows, tiles); best, counts: (rows, tiles, PAGE), values in falling order with how many
    have them, -1 past the last.
    """
    row, tile, tiles = tl.program_id(0), tl.program_id(1), tl.num_programs(1)
    token = tile * BLOCK + tl.arange(0, BLOCK)
    entry = tl.load(bits + row.to(tl.int64) * sequence + token, mask=token < sequence, other=-1)
    limit = tl.load(threshold + row // heads)
    spot = row * tiles + tile
    tl.store(ties + spot, tl.sum((entry == limit).to(tl.int32), axis=0))
    wanted = -tl.load(more + row)
    if wanted > 0:
        index = tl.arange(0, PAGE)
        values = tl.full([PAGE], -1, tl.int32)
        numbers = tl.zeros([PAGE], tl.int32)
        found = 0
        step = 0
        while found < wanted:
            limit = tl.max(tl.where(entry < limit, entry, -1), axis=0)
            number = tl.sum((entry == limit).to(tl.int32), axis=0)
            if limit < 0:
                found = wanted
            else:
                values = tl.where(index == step, limit, values)
                numbers = tl.where(index == step, number, numbers)
                found += number
                step += 1
        tl.store(best + spot * PAGE + index, values)
        tl.store(counts + spot * PAGE + index, numbers)


@triton.jit
def mark_kernel(
    bits,
    threshold,
    more,
    ties,
    best,
    counts,
    stays,
    heads,
    sequence,
    BLOCK: tl.constexpr,
    PAGE: tl.constexpr,
    TILES: tl.constexpr,
):
    """Write which entries of a tile stay: 1 or 0, (rows, sequence) uint8."""
    row, tile, tiles = tl.program_id(0), tl.program_id(1), tl.num_programs(1)
    token = tile * BLOCK + tl.arange(0, BLOCK)
    inside = token < sequence
    entry = tl.load(bits + row.to(tl.int64) * sequence + token, mask=inside, other=-1)
    limit = tl.load(threshold + row // heads)
    goes = tl.load(more + row)
    others = tl.arange(0, TILES)
    if goes >= 0:
        own = tl.load(ties + row * tiles + others, mask=others < tile, other=0)
        before = tl.sum(own, axis=0)
    else:
        spot = (row * tiles + others[:, None]) * PAGE + tl.arange(0, PAGE)[None, :]
        values = tl.load(best + spot, mask=(others < tiles)[:, None], other=-1)
        numbers = tl.load(counts + spot, mask=(others < tiles)[:, None], other=0)
        wanted = -goes
        while wanted > 0:
            limit = tl.max(tl.max(tl.where(values < limit, values, -1), axis=1), axis=0)
            number = tl.sum(tl.sum(tl.where(values == limit, numbers, 0), axis=1), axis=0)
            goes = number - wanted
            wanted -= number
        earlier = (values == limit) & (others < tile)[:, None]
        before = tl.sum(tl.sum(tl.where(earlier, numbers, 0), axis=1), axis=0)
    equal = (entry == limit).to(tl.int32)
    rank = before + tl.cumsum(equal, axis=0) - equal
    stay = (entry > limit) | ((equal > 0) & (rank >= goes))
    tl.store(stays + row.to(tl.int64) * sequence + token, stay.to(tl.uint8), mask=inside)
