"""Draws from the few groups of logits that can hold a survivor, if they are few.

Their logits alone are gathered, and each candidate's rank and the weight above it are counted
against all others: neither a sort nor a loop until convergence.
"""

# Triton's own spelling: constants in capitals, arguments without Python types.
# ruff: noqa: N803
# mypy: disable-error-code="no-untyped-def, untyped-decorator"

from __future__ import annotations

import triton
import triton.language as tl

from prototypes.sampling.triton_common import NOT_DECIDED, first_index, value_between

HOLDING_STEPS = tl.constexpr(14)
"""Halvings: they narrow a range of 30 nats to 0.002."""


@triton.jit
def _value_holding(maxima, weights, low, high, mass, few, most):
    """Return a value such that the maxima that reach it weigh at least `mass`, and their count.

    Halves until at most `few` reach it, or the steps are used up; the count is 0 if more than
    `most` are needed. All that reach `low` must weigh enough.
    """
    count = most + 1
    step = 0
    while (step < HOLDING_STEPS) & (count > few):
        middle = low + (high - low) * 0.5
        reaches = maxima >= middle
        if tl.sum(tl.where(reaches, weights, 0.0), axis=0) < mass:
            high = middle
        else:
            low = middle
            count = tl.sum(reaches.to(tl.int32), axis=0)
        step += 1
    return low, tl.where(count <= most, count, 0)


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
    return tl.load(kept_tokens + first_index(tl.where(keep, weights, 0.0), uniform, CANDIDATES))


@triton.jit
def sieve_row(
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
            floor, count = value_between(maxima, lowest, highest, top_k, most)
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
                    maxima,
                    weights_of_maxima,
                    lowest,
                    highest,
                    top_p * total * 1.00001,
                    GATHER,
                    KEPT,
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
