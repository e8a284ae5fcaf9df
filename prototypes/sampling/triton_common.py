"""What both ways to draw need: random numbers, a weighted choice, searches over the maxima."""

# Triton's own spelling: constants in capitals, arguments without Python types.
# ruff: noqa: N803
# mypy: disable-error-code="no-untyped-def, untyped-decorator"

from __future__ import annotations

import triton
import triton.language as tl

LOG2E = tl.constexpr(1.4426950408889634)
LOWEST = tl.constexpr(-3.4028234663852886e38)
NOT_DECIDED = tl.constexpr(-2)
NO_TOKEN = tl.constexpr(-1)
SEARCH_STEPS = tl.constexpr(24)


@triton.jit
def uniform_of(seed, number):
    """Return the number-th random number of this seed, in [0, 1)."""
    index = tl.arange(0, 16)
    return tl.sum(tl.where(index == 0, tl.rand(seed, number * 16 + index), 0.0), axis=0)


@triton.jit
def first_index(weights, uniform, SIZE: tl.constexpr):
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
def key_of(value):
    """Return an integer that orders as the float32 does."""
    bits = value.to(tl.int32, bitcast=True)
    return (bits ^ ((bits >> 31) & 0x7FFFFFFF)).to(tl.int64)


@triton.jit
def value_of(key):
    """Return the float32 of a key."""
    bits = key.to(tl.int32)
    return (bits ^ ((bits >> 31) & 0x7FFFFFFF)).to(tl.float32, bitcast=True)


@triton.jit
def value_between(maxima, low, high, least, most):
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
