"""The two kernels of the CUDA sampler: one pass over the logits, then one program a row draws.

`scan_kernel` reads every logit once and leaves the maximum of each group of logits, and maximum and
weight of each tile. `draw_kernel` works on those. Sieve: if the groups that can hold a survivor are
few, their logits alone are gathered, and each candidate's rank and the weight above it are counted
against all others, which needs neither a sort nor a loop. Rejection, where they aren't few: draw a
token, count the weight above it in one more pass, accept it or draw again from what is above it.

Weights are exp2(scale · (x - maximum)) with scale = log2(e) / temperature, so a row's largest is 1.
Triton compiles for one shape of grid only: batch and vocabulary are run-time values, block sizes
constants. Runs under the interpreter too (TRITON_INTERPRET=1), for tests without a GPU.
"""

# Triton's own spelling: constants in capitals, arguments without Python types.
# ruff: noqa: N803
# mypy: disable-error-code="no-untyped-def, untyped-decorator"

from __future__ import annotations

import triton
import triton.language as tl

LOG2E = tl.constexpr(1.4426950408889634)
LN2 = tl.constexpr(0.6931471805599453)
LOWEST = tl.constexpr(-3.4028234663852886e38)
NOT_DECIDED = tl.constexpr(-2)
NO_TOKEN = tl.constexpr(-1)
SEARCH_STEPS = tl.constexpr(24)


@triton.jit
def scan_kernel(
    logits,
    row_stride,
    vocab,
    temperatures,
    group_max,
    tile_max,
    tile_weight,
    padded_groups,
    padded_tiles,
    TILE: tl.constexpr,
    GROUP: tl.constexpr,
):
    """Program (tile, row): maxima of the tile's groups, its own maximum, its weight below that."""
    tile = tl.program_id(0)
    row = tl.program_id(1).to(tl.int64)
    rows_of_groups = tl.arange(0, TILE // GROUP)
    offsets = tile * TILE + rows_of_groups[:, None] * GROUP + tl.arange(0, GROUP)[None, :]
    x = tl.load(logits + row * row_stride + offsets, mask=offsets < vocab, other=float("-inf"))
    x = x.to(tl.float32)
    x = tl.where(x == x, x, float("-inf"))
    scale = LOG2E / tl.load(temperatures + row)
    maxima = tl.max(x, axis=1)
    highest = tl.max(maxima, axis=0)
    reference = tl.where(highest == float("-inf"), 0.0, highest)
    weight = tl.sum(tl.sum(tl.exp2((x - reference) * scale), axis=1), axis=0)
    first = row * padded_groups + tile * (TILE // GROUP)
    tl.store(group_max + first + rows_of_groups, maxima)
    tl.store(tile_max + row * padded_tiles + tile, highest)
    tl.store(tile_weight + row * padded_tiles + tile, weight)


@triton.jit
def _value_between(maxima, low, high, least, most):
    """Return a value that between `least` and `most` of the maxima reach, and how many do.

    Fewer than `least` reach any value above `high`. The count is 0 if halving found none (ties).
    """
    found = 0
    value = low
    step = 0
    while (step < SEARCH_STEPS) & (found == 0):
        middle = low + (high - low) * 0.5
        count = tl.sum((maxima >= middle).to(tl.int32), axis=0)
        if count < least:
            high = middle
        else:
            low = middle
            if count <= most:
                found = count
                value = middle
        step += 1
    return value, found


@triton.jit
def _value_holding(maxima, weights, low, high, mass, most):
    """Return a value such that the maxima that reach it weigh at least `mass`, and their count.

    Halves until at most `most` reach it; the count is 0 where that many don't weigh enough.
    """
    found = 0
    value = low
    step = 0
    while (step < SEARCH_STEPS) & (found == 0):
        middle = low + (high - low) * 0.5
        reaches = maxima >= middle
        if tl.sum(tl.where(reaches, weights, 0.0), axis=0) < mass:
            high = middle
        else:
            low = middle
            count = tl.sum(reaches.to(tl.int32), axis=0)
            if count <= most:
                found = count
                value = middle
        step += 1
    return value, found


@triton.jit
def _uniform(seed, number):
    """Return the number-th random number of this seed, in [0, 1)."""
    index = tl.arange(0, 16)
    return tl.sum(tl.where(index == 0, tl.rand(seed, number * 16 + index), 0.0), axis=0)


@triton.jit
def _first(weights, uniform, SIZE: tl.constexpr):
    """Return an index with probability proportional to its weight; weights need one above 0."""
    index = tl.arange(0, SIZE)
    cumulative = tl.cumsum(weights, axis=0)
    target = uniform * tl.max(cumulative, axis=0)
    # A parallel prefix sum isn't quite monotone and the product may round up: fall back to the
    # last index that has weight.
    chosen = tl.min(tl.where((cumulative > target) & (weights > 0), index, SIZE), axis=0)
    last = tl.max(tl.where(weights > 0, index, 0), axis=0)
    return tl.where(chosen == SIZE, last, chosen)


@triton.jit
def _sieve(
    x_row,
    vocab,
    maxima,
    highest,
    total,
    scale,
    top_k,
    top_p,
    min_p,
    uniform,
    kept_groups,
    kept_values,
    kept_tokens,
    GROUP: tl.constexpr,
    KEPT: tl.constexpr,
    CANDIDATES: tl.constexpr,
    GATHER: tl.constexpr,
    CHUNK: tl.constexpr,
):
    """Draw from the few groups that can hold a survivor; NOT_DECIDED if they aren't few."""
    has_k = (top_k > 0) & (top_k < vocab)
    lowest = tl.min(tl.where(maxima == float("-inf"), highest, maxima), axis=0)
    floor = lowest
    count = 0
    if has_k:
        if top_k <= KEPT:
            most = tl.minimum(tl.maximum(top_k + top_k // 4, top_k + 8), KEPT)
            floor, count = _value_between(maxima, lowest, highest, top_k, most)
    else:
        if min_p > 0:
            # Slack for rounding: what lies just under min-p is thrown out by its weight below.
            slack = tl.maximum(1e-3 / scale, tl.abs(highest) * 2e-7)
            floor = highest + tl.log2(min_p) / scale - slack
            count = tl.sum((maxima >= floor).to(tl.int32), axis=0)
        if (top_p < 1) & ((count == 0) | (count > KEPT)):
            # If the maxima alone weigh enough, their groups hold the whole nucleus.
            count = 0
            weights_of_maxima = tl.exp2((maxima - highest) * scale)
            if tl.sum(weights_of_maxima, axis=0) >= top_p * total * 1.00001:
                floor, count = _value_holding(
                    maxima, weights_of_maxima, lowest, highest, top_p * total * 1.00001, KEPT
                )
    token = NOT_DECIDED
    if (count > 0) & (count <= KEPT):
        chosen = maxima >= floor
        position = tl.cumsum(chosen.to(tl.int32), axis=0) - 1
        groups = tl.arange(0, maxima.shape[0])
        tl.store(kept_groups + position, groups, mask=chosen)
        tl.debug_barrier()
        found = 0
        for start in range(0, count, GATHER):
            slots = start + tl.arange(0, GATHER)
            group = tl.load(kept_groups + slots, mask=slots < count, other=0)
            offsets = group[:, None] * GROUP + tl.arange(0, GROUP)[None, :]
            inside = (slots < count)[:, None] & (offsets < vocab)
            x = tl.load(x_row + offsets, mask=inside, other=float("-inf")).to(tl.float32)
            candidate = x >= floor
            flat = tl.reshape(candidate, [GATHER * GROUP])
            place = found + tl.cumsum(flat.to(tl.int32), axis=0) - 1
            room = flat & (place < CANDIDATES)
            tl.store(kept_values + place, tl.reshape(x, [GATHER * GROUP]), mask=room)
            tl.store(kept_tokens + place, tl.reshape(offsets, [GATHER * GROUP]), mask=room)
            found += tl.sum(flat.to(tl.int32), axis=0)
        if found <= CANDIDATES:
            tl.debug_barrier()
            token = _rank_and_draw(
                kept_values,
                kept_tokens,
                found,
                highest,
                total,
                scale,
                tl.where(has_k, top_k, 0),
                top_p,
                min_p,
                uniform,
                CANDIDATES,
                CHUNK,
            )
    return token


@triton.jit
def _rank_and_draw(
    kept_values,
    kept_tokens,
    found,
    highest,
    total,
    scale,
    top_k,
    top_p,
    min_p,
    uniform,
    CANDIDATES: tl.constexpr,
    CHUNK: tl.constexpr,
):
    """Count for each candidate how many, and how much weight, lie strictly above it; then draw."""
    index = tl.arange(0, CANDIDATES)
    valid = index < found
    x = tl.load(kept_values + index, mask=valid, other=float("-inf"))
    weights = tl.where(valid, tl.exp2((x - highest) * scale), 0.0)
    rank = tl.zeros([CANDIDATES], dtype=tl.int32)
    above = tl.zeros([CANDIDATES], dtype=tl.float32)
    for start in range(0, found, CHUNK):
        other = start + tl.arange(0, CHUNK)
        y = tl.load(kept_values + other, mask=other < found, other=float("-inf"))
        w = tl.where(other < found, tl.exp2((y - highest) * scale), 0.0)
        is_above = y[None, :] > x[:, None]
        rank += tl.sum(is_above.to(tl.int32), axis=1)
        above += tl.sum(tl.where(is_above, w[None, :], 0.0), axis=1)
    keep = valid
    mass = total
    if top_k > 0:
        keep = keep & (rank < top_k)
        mass = tl.sum(tl.where(keep, weights, 0.0), axis=0)
    if top_p < 1:
        keep = keep & (above < top_p * mass)
    keep = keep & (weights >= min_p)
    return tl.load(kept_tokens + _first(tl.where(keep, weights, 0.0), uniform, CANDIDATES))


@triton.jit
def _key(value):
    """Return an integer that orders as the float32 does."""
    bits = value.to(tl.int32, bitcast=True)
    return (bits ^ ((bits >> 31) & 0x7FFFFFFF)).to(tl.int64)


@triton.jit
def _value(key):
    """Return the float32 of a key."""
    bits = key.to(tl.int32)
    return (bits ^ ((bits >> 31) & 0x7FFFFFFF)).to(tl.float32, bitcast=True)


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
    tile = _first(masses, _uniform(seed, 2 * number), PADDED_TILES)
    offsets = tile * TILE + tl.arange(0, TILE)
    x = tl.load(x_row + offsets, mask=offsets < vocab, other=float("-inf")).to(tl.float32)
    weights = tl.exp2((x - highest) * scale)
    weights = tl.where((x > pivot) & (weights >= min_p), weights, 0.0)
    return tile * TILE + _first(weights, _uniform(seed, 2 * number + 1), TILE)


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
    low = _key(tl.minimum(highest, LOWEST))
    least = tl.min(tl.where(maxima == float("-inf"), highest, maxima), axis=0)
    if tl.sum((maxima >= least).to(tl.int32), axis=0) >= top_k:
        # As many groups as k have a maximum that reaches this, so as many logits do.
        bound, count = _value_between(maxima, least, highest, top_k, top_k + top_k // 8)
        low = _key(tl.where(count > 0, bound, least))
    high = _key(highest) + 1
    at_low = vocab
    while (high - low > 1) & (at_low != top_k):
        quarter = tl.maximum((high - low) // 4, 1)
        a = low + quarter
        b = tl.minimum(a + quarter, high)
        c = tl.minimum(b + quarter, high)
        count_a, count_b, count_c = _count_from(
            x_row, vocab, _value(a), _value(b), _value(c), tiles, TILE
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
    return _value(low)


@triton.jit
def _reject(
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
        pivot = _value(_key(least) - 1)
        mass = _weight_above(x_row, vocab, pivot, 0.0, highest, scale, tile_mass, tiles, TILE)
    if min_p > 0:
        _weight_above(x_row, vocab, pivot, min_p, highest, scale, tile_mass, tiles, TILE)
    if filters_k | (min_p > 0):
        masses = tl.load(tile_mass + index, mask=index < tiles, other=0.0)
    token = NOT_DECIDED
    number = 0
    while token == NOT_DECIDED:
        # Three independent draws for one pass: the first that is inside is as good as any.
        first = _draw_above(
            x_row, vocab, pivot, min_p, highest, scale, masses, seed, number, TILE, PADDED_TILES
        )
        if top_p >= 1:
            token = first
        else:
            second = _draw_above(
                x_row,
                vocab,
                pivot,
                min_p,
                highest,
                scale,
                masses,
                seed,
                number + 1,
                TILE,
                PADDED_TILES,
            )
            third = _draw_above(
                x_row,
                vocab,
                pivot,
                min_p,
                highest,
                scale,
                masses,
                seed,
                number + 2,
                TILE,
                PADDED_TILES,
            )
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
        number += 3
    return token


@triton.jit
def draw_kernel(
    logits,
    row_stride,
    vocab,
    temperatures,
    top_ks,
    top_ps,
    min_ps,
    seeds,
    group_max,
    tile_max,
    tile_weight,
    tile_mass,
    kept_groups,
    kept_values,
    kept_tokens,
    tokens,
    groups,
    tiles,
    TILE: tl.constexpr,
    GROUP: tl.constexpr,
    PADDED_GROUPS: tl.constexpr,
    PADDED_TILES: tl.constexpr,
    KEPT: tl.constexpr,
    CANDIDATES: tl.constexpr,
    GATHER: tl.constexpr,
    CHUNK: tl.constexpr,
    SIEVE: tl.constexpr,
):
    """Program (row): draw this row's token from what `scan_kernel` left; the last row first.

    The rows that the scan read last are still in the L2.
    """
    row = (tl.num_programs(0) - 1 - tl.program_id(0)).to(tl.int64)
    tile_index = tl.arange(0, PADDED_TILES)
    is_tile = tile_index < tiles
    highs = tl.load(tile_max + row * PADDED_TILES + tile_index, mask=is_tile, other=float("-inf"))
    masses = tl.load(tile_weight + row * PADDED_TILES + tile_index, mask=is_tile, other=0.0)
    highest = tl.max(highs, axis=0)
    token = NO_TOKEN
    if highest > float("-inf"):
        scale = LOG2E / tl.load(temperatures + row)
        top_k = tl.load(top_ks + row)
        top_p = tl.load(top_ps + row)
        min_p = tl.load(min_ps + row)
        seed = tl.load(seeds + row)
        masses = masses * tl.exp2((highs - highest) * scale)
        total = tl.sum(masses, axis=0)
        group_index = tl.arange(0, PADDED_GROUPS)
        maxima = tl.load(
            group_max + row * PADDED_GROUPS + group_index,
            mask=group_index < groups,
            other=float("-inf"),
        )
        x_row = logits + row * row_stride
        token = NOT_DECIDED
        if SIEVE:
            token = _sieve(
                x_row,
                vocab,
                maxima,
                highest,
                total,
                scale,
                top_k,
                top_p,
                min_p,
                _uniform(seed, 0),
                kept_groups + row * KEPT,
                kept_values + row * CANDIDATES,
                kept_tokens + row * CANDIDATES,
                GROUP,
                KEPT,
                CANDIDATES,
                GATHER,
                CHUNK,
            )
        if token == NOT_DECIDED:
            token = _reject(
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
                tile_mass + row * PADDED_TILES,
                tiles,
                TILE,
                PADDED_TILES,
            )
    tl.store(tokens + row, token.to(tl.int64))
