"""Rounds K and V to 8 bits for the attention kernels: two passes over what needs statistics.

What the kernels read: K (batch·kv heads, keys, dim) int8, smoothed or not, with a scale a token or
a block; V (batch·kv heads, dim, padded keys), transposed, because Hopper's 8-bit matrix instructions
want both operands contiguous along the sum, and with its keys permuted inside each group of 16, so
that a thread that computed a weight has it where the second product needs it
(`triton_attention.reorder_weights`). Q is rounded by the attention kernel itself.
"""

# Triton's own spelling: constants in capitals, arguments without Python types.
# ruff: noqa: N803, SIM108
# mypy: disable-error-code="no-untyped-def, untyped-decorator"

from __future__ import annotations

import triton
import triton.language as tl

KEYS = 128
"""Keys of one program of `quantize_kernel`; V is padded to a multiple with zeros."""


TO_INTEGER = tl.constexpr(12582912.0)
"""1.5·2²³: a small number added to it leaves its integer in the lowest bits."""


@triton.jit
def to_int8(x, factor):
    """Return x · factor, between -127 and 127, rounded to the nearest integer, halves to even."""
    # Conversions of their own take four times as long. Rounded once: FP16 has many x that are half
    # the largest one, and so end at 63.5.
    return tl.fma(x, factor, TO_INTEGER).to(tl.int32, bitcast=True).to(tl.int8)


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
    return tl.where(largest == 0.0, 1.0, largest / LARGEST)


@triton.jit
def factor_of(largest, LARGEST: tl.constexpr):
    """Return what to multiply by so that the largest magnitude becomes `LARGEST`; 1 for zero."""
    return tl.where(largest == 0.0, 1.0, tl.div_rn(LARGEST, largest))


@triton.jit
def nothing_if_finite(x):
    """Return 0, or NaN where x isn't finite: integers can't carry that."""
    return tl.sum(tl.sum(x * 0.0, axis=1), axis=0)


@triton.jit
def statistics_kernel(
    key,
    value,
    key_sums,
    value_largest,
    keys,
    chunks,
    chunk_keys,
    key_stride,
    value_stride,
    ROWS: tl.constexpr,
    DIM: tl.constexpr,
    SUMS: tl.constexpr,
    LARGEST: tl.constexpr,
):
    """Write, for one chunk of keys of one head, the sum of K and the largest |V| a channel."""
    chunk, head = tl.program_id(0), tl.program_id(1)
    columns = tl.arange(0, DIM)
    total = tl.zeros((ROWS, DIM), tl.float32)
    most = tl.zeros((ROWS, DIM), tl.float32)
    for start in range(chunk * chunk_keys, min(chunk * chunk_keys + chunk_keys, keys), ROWS):
        rows = start + tl.arange(0, ROWS)
        inside = (rows < keys)[:, None]
        offsets = rows.to(tl.int64)[:, None] * DIM + columns[None, :]
        if SUMS:
            total += tl.load(key + head.to(tl.int64) * key_stride + offsets, inside, 0.0).to(
                tl.float32
            )
        if LARGEST:
            here = tl.load(value + head.to(tl.int64) * value_stride + offsets, inside, 0.0)
            most = tl.maximum(most, tl.abs(here.to(tl.float32)), tl.PropagateNan.ALL)
    out = (head * chunks + chunk).to(tl.int64) * DIM + columns
    if SUMS:
        tl.store(key_sums + out, tl.sum(total, axis=0))
    if LARGEST:
        tl.store(value_largest + out, tl.max(most, axis=0))


@triton.jit
def quantize_kernel(
    key,
    value,
    key_sums,
    value_largest,
    key8,
    key_scale,
    value8,
    value_scale,
    poison,
    keys,
    padded_keys,
    chunks,
    key_stride,
    value_stride,
    KEYS: tl.constexpr,
    DIM: tl.constexpr,
    CHUNKS: tl.constexpr,
    SMOOTH: tl.constexpr,
    KEY_BLOCK: tl.constexpr,
    VALUES: tl.constexpr,
    VALUE_SCALE: tl.constexpr,
    DEVICE: tl.constexpr,
):
    """Round `KEYS` keys of K (last program id 0) or of V (1) of one head.

    `poison` (kv heads, 2, blocks) gets NaN for a block that isn't finite, else 0.

    KEY_BLOCK 1: a scale a token. VALUES: 127 (int8) or 448 (e4m3). VALUE_SCALE: "head", "channel"
    or "none".
    """
    block, head = tl.program_id(0), tl.program_id(1)
    columns = tl.arange(0, DIM)
    part = tl.arange(0, CHUNKS)
    parts = (head * chunks + part).to(tl.int64)[:, None] * DIM + columns[None, :]
    if tl.program_id(2) == 0:
        rows = block * KEYS + tl.arange(0, KEYS)
        offsets = rows[:, None] * DIM + columns[None, :]
        inside = (rows < keys)[:, None]
        x = tl.load(key + head.to(tl.int64) * key_stride + offsets, inside, 0.0).to(tl.float32)
        if SMOOTH:
            sums = tl.load(key_sums + parts, (part < chunks)[:, None], 0.0)
            mean = tl.sum(sums, axis=0) / keys
            x = tl.where(inside, x - mean[None, :], 0.0)
        tl.store(poison + head * 2 * tl.num_programs(0) + block, nothing_if_finite(x))
        size = tl.max(tl.abs(x), axis=1)
        if KEY_BLOCK == 1:
            tl.store(key_scale + head.to(tl.int64) * padded_keys + rows, scale_of(size, 127.0))
            rounded_keys = to_int8(x, factor_of(size, 127.0)[:, None])
        else:
            shared = tl.max(tl.reshape(size, (KEYS // KEY_BLOCK, KEY_BLOCK)), axis=1)
            blocks = padded_keys // KEY_BLOCK
            which = block * (KEYS // KEY_BLOCK) + tl.arange(0, KEYS // KEY_BLOCK)
            tl.store(key_scale + head.to(tl.int64) * blocks + which, scale_of(shared, 127.0))
            parted = tl.reshape(x, (KEYS // KEY_BLOCK, KEY_BLOCK, DIM))
            parted = to_int8(parted, factor_of(shared, 127.0)[:, None, None])
            rounded_keys = tl.reshape(parted, (KEYS, DIM))
        tl.store(key8 + head.to(tl.int64) * keys * DIM + offsets, rounded_keys, inside)
    else:
        # Position p of a group of 16 gets the key that a thread has in its p-th place.
        place = tl.arange(0, KEYS)
        inner = place % 16
        source = (place - inner) + (inner // 4) * 2 + (inner % 4 // 2) * 8 + inner % 2
        rows = block * KEYS + source
        offsets = rows[:, None] * DIM + columns[None, :]
        inside = (rows < keys)[:, None]
        y = tl.load(value + head.to(tl.int64) * value_stride + offsets, inside, 0.0).to(tl.float32)
        at = (head * 2 + 1) * tl.num_programs(0) + block
        tl.store(poison + at, nothing_if_finite(y))
        if VALUE_SCALE != "none":
            most = tl.load(value_largest + parts, (part < chunks)[:, None], 0.0)
            most = tl.max(most, axis=0)
            if VALUE_SCALE == "head":
                most = tl.zeros_like(most) + tl.max(most, axis=0)
            factor = factor_of(most, VALUES * 1.0)
            if block == 0:
                tl.store(value_scale + head * DIM + columns, scale_of(most, VALUES))
        else:
            factor = tl.full((DIM,), 1.0, tl.float32)
        if VALUES == 127:
            rounded = to_int8(y, factor[None, :])
        else:
            rounded = to_e4m3(y * factor[None, :], DEVICE)
        place = block * KEYS + tl.arange(0, KEYS)
        target = columns.to(tl.int64)[:, None] * padded_keys + place[None, :]
        target += head.to(tl.int64) * DIM * padded_keys
        tl.store(value8 + target, tl.trans(rounded))
