"""Rounds K and V to 8 bits for the attention kernels, reading each from memory once.

What the kernels read: K (batch·kv heads, keys, dim) int8, smoothed or not, with a scale a token or
a block; V (batch·kv heads, dim, padded keys), with a scale a block of `KEYS` keys, transposed,
because Hopper's 8-bit matrix instructions want both operands contiguous along the sum, and with its
keys permuted inside each group of 16, so that a thread that computed a weight has it where the
second product needs it (`triton_attention.reorder_weights`). Q is rounded by the attention kernel.

Nothing here needs all of a head: what is taken off K is the mean of some keys, and softmax forgets
any vector that is the same for all.
"""

# Triton's own spelling: constants in capitals, arguments without Python types.
# ruff: noqa: N803
# mypy: disable-error-code="no-untyped-def, untyped-decorator"

from __future__ import annotations

import triton
import triton.language as tl

KEYS = 128
"""Keys of one program; V is padded to a multiple with zeros."""
MEAN_KEYS, MEAN_COLUMNS = 256, 32
"""What one program that takes a mean reads at a time."""

TO_INTEGER = tl.constexpr(12582912.0)
"""1.5·2²³: a small number added to it leaves its integer in the lowest bits."""


@triton.jit
def to_int8(x, factor, DEVICE: tl.constexpr):
    """Return x · factor, between -127 and 127, rounded to the nearest integer, halves to even."""
    # Conversions of their own take four times as long. Rounded once: FP16 has many x that are half
    # the largest one, and so end at 63.5.
    if DEVICE:
        moved = tl.fma(x, factor, TO_INTEGER)
    else:
        # The interpreter rounds the product too.
        moved = (x.to(tl.float64) * factor.to(tl.float64) + 12582912.0).to(tl.float32)
    return moved.to(tl.int32, bitcast=True).to(tl.int8)


@triton.jit
def to_e4m3(x, DEVICE: tl.constexpr):
    """Return x rounded to the nearest e4m3; what is too large becomes the largest."""
    if not DEVICE:
        # The interpreter's own conversion cuts off and wraps: leave it nothing to do. Three bits
        # after the first, and from 2⁻⁶ down multiples of 2⁻⁹.
        x = tl.minimum(tl.maximum(x, -448.0), 448.0)
        scaled = x * 1048577.0
        normal = scaled - (scaled - x)
        subnormal = (x + 24576.0) - 24576.0
        x = tl.where(tl.abs(x) < 0.015625, subnormal, normal)
    return x.to(tl.float8e4nv)


@triton.jit
def scale_of(largest, LARGEST: tl.constexpr):
    """Return what a step stands for where the largest magnitude becomes `LARGEST`; 1 for zero."""
    return tl.where(largest == 0.0, 1.0, tl.div_rn(largest, LARGEST))


@triton.jit
def factor_of(largest, LARGEST: tl.constexpr):
    """Return what to multiply by so that the largest magnitude becomes `LARGEST`; 1 for zero."""
    return tl.where(largest == 0.0, 1.0, tl.div_rn(LARGEST, largest))


@triton.jit
def nothing_if_finite(x):
    """Return 0, or NaN where x isn't finite: integers can't carry that."""
    return tl.sum(tl.sum(x * 0.0, axis=1), axis=0)


@triton.jit(do_not_specialize=["keys", "stride"])
def mean_kernel(
    key, key_mean, keys, stride, AT_ONCE: tl.constexpr, DIM: tl.constexpr, COLUMNS: tl.constexpr
):
    """Write the mean of every `stride`-th key of a head. Grid: (heads, dim / COLUMNS)."""
    head = tl.program_id(0)
    columns = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)
    key += head.to(tl.int64) * keys * DIM
    total = tl.zeros((COLUMNS,), tl.float32)
    for start in range(0, keys, AT_ONCE * stride):
        rows = start + tl.arange(0, AT_ONCE) * stride
        x = tl.load(key + rows[:, None] * DIM + columns[None, :], (rows < keys)[:, None], 0.0)
        total += tl.sum(x.to(tl.float32), axis=0)
    tl.store(key_mean + head * DIM + columns, total / tl.cdiv(keys, stride))


@triton.jit
def round_keys(
    key,
    key_mean,
    key8,
    key_scale,
    poison,
    base,
    block,
    keys,
    KEYS: tl.constexpr,
    DIM: tl.constexpr,
    SMOOTH: tl.constexpr,
    KEY_BLOCK: tl.constexpr,
    DEVICE: tl.constexpr,
):
    """Round a block of K; `key_mean` and `key_scale` are the head's, `poison` the block's."""
    columns = tl.arange(0, DIM)
    rows = block * KEYS + tl.arange(0, KEYS)
    offsets = base + rows[:, None] * DIM + columns[None, :]
    inside = (rows < keys)[:, None]
    x = tl.load(key + offsets, inside, 0.0).to(tl.float32)
    if SMOOTH:
        x = tl.where(inside, x - tl.load(key_mean + columns)[None, :], 0.0)
    tl.store(poison, nothing_if_finite(x))
    size = tl.max(tl.abs(x), axis=1)
    if KEY_BLOCK == 1:
        tl.store(key_scale + rows, scale_of(size, 127.0))
        rounded = to_int8(x, factor_of(size, 127.0)[:, None], DEVICE)
    else:
        shared = tl.max(tl.reshape(size, (KEYS // KEY_BLOCK, KEY_BLOCK)), axis=1)
        which = block * (KEYS // KEY_BLOCK) + tl.arange(0, KEYS // KEY_BLOCK)
        tl.store(key_scale + which, scale_of(shared, 127.0))
        parted = tl.reshape(x, (KEYS // KEY_BLOCK, KEY_BLOCK, DIM))
        parted = to_int8(parted, factor_of(shared, 127.0)[:, None, None], DEVICE)
        rounded = tl.reshape(parted, (KEYS, DIM))
    tl.store(key8 + offsets, rounded, inside)


@triton.jit
def round_values(
    value,
    value8,
    value_scale,
    poison,
    base,
    block,
    keys,
    padded_keys,
    KEYS: tl.constexpr,
    DIM: tl.constexpr,
    VALUES: tl.constexpr,
    DEVICE: tl.constexpr,
):
    """Round a block of V and turn it; `value8` is the head's, `value_scale` the block's."""
    columns = tl.arange(0, DIM)
    place = tl.arange(0, KEYS)
    # Position p of a group of 16 gets the key that a thread has in its p-th place.
    inner = place % 16
    rows = block * KEYS + (place - inner) + (inner // 4) * 2 + (inner % 4 // 2) * 8 + inner % 2
    offsets = base + rows[:, None] * DIM + columns[None, :]
    x = tl.load(value + offsets, (rows < keys)[:, None], 0.0).to(tl.float32)
    tl.store(poison, nothing_if_finite(x))
    largest = tl.max(tl.max(tl.abs(x), axis=1), axis=0)
    tl.store(value_scale, scale_of(largest, VALUES * 1.0))
    factor = factor_of(largest, VALUES * 1.0)
    rounded = to_int8(x, factor, DEVICE) if VALUES == 127 else to_e4m3(x * factor, DEVICE)
    target = columns[:, None] * padded_keys + (block * KEYS + place)[None, :]
    tl.store(value8 + target, tl.trans(rounded))


@triton.jit(do_not_specialize=["keys"])
def round_kernel(
    key,
    value,
    key_mean,
    key8,
    key_scale,
    value8,
    value_scale,
    poison,
    keys,
    KEYS: tl.constexpr,
    DIM: tl.constexpr,
    SMOOTH: tl.constexpr,
    KEY_BLOCK: tl.constexpr,
    VALUES: tl.constexpr,
    DEVICE: tl.constexpr,
):
    """Round a block of K or of V. Grid: (blocks of `KEYS` keys, heads, 2 if V is rounded else 1).

    KEY_BLOCK 1: a scale a token. VALUES: 127 (int8), 448 (e4m3) or 0 (V stays). `poison` (heads, 2,
    blocks) gets NaN for a block that isn't finite, else 0.
    """
    blocks = tl.cdiv(keys, KEYS)
    padded_keys = blocks * KEYS
    block, head, which = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    base = head.to(tl.int64) * keys * DIM
    poison += head * 2 * blocks + block
    if which == 0:
        key_scale += head.to(tl.int64) * (padded_keys // KEY_BLOCK)
        round_keys(
            key, key_mean + head * DIM, key8, key_scale, poison, base, block, keys, KEYS, DIM,
            SMOOTH, KEY_BLOCK, DEVICE,
        )  # fmt: skip
    elif VALUES > 0:
        round_values(
            value, value8 + head.to(tl.int64) * DIM * padded_keys,
            value_scale + head * blocks + block, poison + blocks, base, block, keys, padded_keys,
            KEYS, DIM, VALUES, DEVICE,
        )  # fmt: skip
