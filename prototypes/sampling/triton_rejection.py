"""The paper's loop for one row: draw, weigh what lies above the draw, accept it or go on above it.

Three draws share a pass over the row, which is one pass for all but a thousandth of the rows where
a draw is inside with probability 0.9.
"""

# Triton's own spelling: constants in capitals, arguments without Python types.
# ruff: noqa: N803
# mypy: disable-error-code="no-untyped-def, untyped-decorator"

from __future__ import annotations

import triton
import triton.language as tl

from prototypes.sampling.triton_common import (
    LOWEST,
    NOT_DECIDED,
    first_index,
    key_of,
    uniform_of,
    value_between,
    value_of,
)


@triton.jit
def _weight_above(
    x_row,
    vocab,
    pivot,
    least_weight,
    highest,
    scale,
    tile_mass,
    tiles,
    TILE: tl.constexpr,
):
    """Return the weight above `pivot` in pieces of at least `least_weight`.

    Leaves each tile's share in `tile_mass`.
    """
    total = 0.0
    for tile in range(tiles):
        offsets = tile * TILE + tl.arange(0, TILE)
        x = tl.load(x_row + offsets, mask=offsets < vocab, other=float("-inf")).to(tl.float32)
        weights = tl.exp2((x - highest) * scale)
        above = (x > pivot) & (weights >= least_weight)
        mass = tl.sum(tl.where(above, weights, 0.0), axis=0)
        tl.store(tile_mass + tile, mass)
        total += mass
    tl.debug_barrier()
    return total


@triton.jit
def _weights_above(x_row, vocab, a, b, c, highest, scale, tiles, TILE: tl.constexpr):
    """Return the weight strictly above each of three pivots, without a barrier between tiles."""
    above_a = tl.zeros([TILE], dtype=tl.float32)
    above_b = tl.zeros([TILE], dtype=tl.float32)
    above_c = tl.zeros([TILE], dtype=tl.float32)
    for tile in range(tiles):
        offsets = tile * TILE + tl.arange(0, TILE)
        x = tl.load(x_row + offsets, mask=offsets < vocab, other=float("-inf")).to(tl.float32)
        weights = tl.exp2((x - highest) * scale)
        above_a += tl.where(x > a, weights, 0.0)
        above_b += tl.where(x > b, weights, 0.0)
        above_c += tl.where(x > c, weights, 0.0)
    return tl.sum(above_a, axis=0), tl.sum(above_b, axis=0), tl.sum(above_c, axis=0)


@triton.jit
def _count_from(x_row, vocab, a, b, c, tiles, TILE: tl.constexpr):
    """Return how many logits reach each of three values."""
    count_a = tl.zeros([TILE], dtype=tl.int32)
    count_b = tl.zeros([TILE], dtype=tl.int32)
    count_c = tl.zeros([TILE], dtype=tl.int32)
    for tile in range(tiles):
        offsets = tile * TILE + tl.arange(0, TILE)
        x = tl.load(x_row + offsets, mask=offsets < vocab, other=float("-inf")).to(tl.float32)
        count_a += (x >= a).to(tl.int32)
        count_b += (x >= b).to(tl.int32)
        count_c += (x >= c).to(tl.int32)
    return tl.sum(count_a, axis=0), tl.sum(count_b, axis=0), tl.sum(count_c, axis=0)


@triton.jit
def _kth_largest(x_row, vocab, maxima, highest, top_k, tiles, TILE: tl.constexpr):
    """Return a value that the top-k logits and their ties reach, and no others.

    Quarters the keys between a bound and the maximum until exactly k reach the lower end, or it is
    the k-th largest itself: at most 16 passes. With fewer than k finite logits, all stay.
    """
    low = key_of(tl.minimum(highest, LOWEST))
    least = tl.min(tl.where(maxima == float("-inf"), highest, maxima), axis=0)
    if tl.sum((maxima >= least).to(tl.int32), axis=0) >= top_k:
        # As many groups as k have a maximum that reaches this, so as many logits do.
        bound, count = value_between(maxima, least, highest, top_k, top_k + top_k // 8)
        low = key_of(tl.where(count > 0, bound, least))
    high = key_of(highest) + 1
    at_low = vocab
    while (high - low > 1) & (at_low != top_k):
        quarter = tl.maximum((high - low) // 4, 1)
        a = low + quarter
        b = tl.minimum(a + quarter, high)
        c = tl.minimum(b + quarter, high)
        count_a, count_b, count_c = _count_from(
            x_row, vocab, value_of(a), value_of(b), value_of(c), tiles, TILE
        )
        if count_c >= top_k:
            low = c
            at_low = count_c
        elif count_b >= top_k:
            low = b
            high = c
            at_low = count_b
        elif count_a >= top_k:
            low = a
            high = b
            at_low = count_a
        else:
            high = a
    return value_of(low)


@triton.jit
def _draw_above(
    x_row,
    vocab,
    pivot,
    min_p,
    highest,
    scale,
    masses,
    seed,
    number,
    TILE: tl.constexpr,
    PADDED_TILES: tl.constexpr,
):
    """Return a token above `pivot`, drawn in proportion to its weight: its tile, then itself."""
    tile = first_index(masses, uniform_of(seed, 2 * number), PADDED_TILES)
    offsets = tile * TILE + tl.arange(0, TILE)
    x = tl.load(x_row + offsets, mask=offsets < vocab, other=float("-inf")).to(tl.float32)
    weights = tl.exp2((x - highest) * scale)
    weights = tl.where((x > pivot) & (weights >= min_p), weights, 0.0)
    return tile * TILE + first_index(weights, uniform_of(seed, 2 * number + 1), TILE)


@triton.jit
def reject_row(
    x_row,
    vocab,
    maxima,
    highest,
    total,
    scale,
    top_k,
    top_p,
    min_p,
    seed,
    masses,
    tile_mass,
    draws,
    tiles,
    TILE: tl.constexpr,
    PADDED_TILES: tl.constexpr,
):
    """Draw until a token has less than top_p of the weight above it; never twice the same.

    `masses` is each tile's weight as the scan left it, relative to `highest`.
    """
    index = tl.arange(0, PADDED_TILES)
    pivot = tl.minimum(highest, LOWEST)
    mass = total
    filters_k = (top_k > 0) & (top_k < vocab)
    if filters_k:
        least = _kth_largest(x_row, vocab, maxima, highest, top_k, tiles, TILE)
        pivot = value_of(key_of(least) - 1)
        mass = _weight_above(x_row, vocab, pivot, 0.0, highest, scale, tile_mass, tiles, TILE)
    if min_p > 0:
        _weight_above(x_row, vocab, pivot, min_p, highest, scale, tile_mass, tiles, TILE)
    if filters_k | (min_p > 0):
        masses = tl.load(tile_mass + index, mask=index < tiles, other=0.0)
    token = NOT_DECIDED
    rounds = 0
    while token == NOT_DECIDED:
        # Three independent draws for one pass: the first that is inside is as good as any. A loop
        # that leaves them in memory, since three copies of the code would be fetched cold.
        for number in range(3):
            drawn = _draw_above(
                x_row,
                vocab,
                pivot,
                min_p,
                highest,
                scale,
                masses,
                seed,
                rounds * 3 + number,
                TILE,
                PADDED_TILES,
            )
            tl.store(draws + number, drawn)
        tl.debug_barrier()
        first = tl.load(draws)
        if top_p >= 1:
            token = first
        else:
            second = tl.load(draws + 1)
            third = tl.load(draws + 2)
            a = tl.load(x_row + first).to(tl.float32)
            b = tl.load(x_row + second).to(tl.float32)
            c = tl.load(x_row + third).to(tl.float32)
            above_a, above_b, above_c = _weights_above(
                x_row, vocab, a, b, c, highest, scale, tiles, TILE
            )
            limit = top_p * mass
            if above_a < limit:
                token = first
            elif above_b < limit:
                token = second
            elif above_c < limit:
                token = third
            else:
                pivot = tl.maximum(a, tl.maximum(b, c))
                _weight_above(x_row, vocab, pivot, min_p, highest, scale, tile_mass, tiles, TILE)
                masses = tl.load(tile_mass + index, mask=index < tiles, other=0.0)
                tl.debug_barrier()
        rounds += 1
    return token
