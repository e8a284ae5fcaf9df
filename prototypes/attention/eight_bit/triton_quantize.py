"""Rounds K and V to 8 bits for the attention kernels, reading both from memory once.

What the kernels read: K (batch·kv heads, keys, dim) int8, smoothed or not, with a scale a token or
a block; V (batch·kv heads, dim, padded keys), transposed, because Hopper's 8-bit matrix
instructions want both operands contiguous along the sum, and with its keys permuted inside each
group of 16, so that a thread that computed a weight has it where the second product needs it
(`triton_attention.reorder_weights`). Q is rounded by the attention kernel itself.

The mean of K and the largest |V| are of a whole head. `quantize_once_kernel` lets the programs of a
head wait for each other between the two passes, so that the second finds K and V in the L2. Places
are drawn as tickets in the order in which programs start: those that a program waits for have
started, or will, as long as a head fits on the device at once. Without a device, or for longer
heads, the passes are kernels of their own. Sums are whole numbers, so that order doesn't matter.
"""

# Triton's own spelling: constants in capitals, arguments without Python types.
# ruff: noqa: N803, N806
# mypy: disable-error-code="no-untyped-def, untyped-decorator"

from __future__ import annotations

import triton
import triton.language as tl

KEYS = 128
"""Keys of one program; V is padded to a multiple with zeros."""
FIXED = tl.constexpr(2.0**28)
"""What a sum of K is multiplied by to be a whole number: FP16's smallest is 2⁻²⁴."""


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


@triton.jit
def add_statistics(
    key,
    value,
    key_sums,
    value_largest,
    base,
    block,
    keys,
    KEYS: tl.constexpr,
    DIM: tl.constexpr,
    SMOOTH: tl.constexpr,
    LARGEST: tl.constexpr,
):
    """Add a block's sum of K and largest |V| a channel to those of its head."""
    columns = tl.arange(0, DIM)
    rows = block * KEYS + tl.arange(0, KEYS)
    offsets = base + rows[:, None] * DIM + columns[None, :]
    inside = (rows < keys)[:, None]
    if SMOOTH:
        part = tl.sum(tl.load(key + offsets, inside, 0.0).to(tl.float32), axis=0) * FIXED
        tl.atomic_add(key_sums + columns, part.to(tl.int64), sem="relaxed")
    if LARGEST:
        largest = tl.max(tl.abs(tl.load(value + offsets, inside, 0.0).to(tl.float32)), axis=0)
        # Bits of numbers from 0 up order as the numbers do.
        bits = largest.to(tl.int32, bitcast=True)
        tl.atomic_max(value_largest + columns, bits, sem="relaxed")


@triton.jit
def round_keys(
    key,
    key_sums,
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
    """Round a block of K; `key_scale` is the head's, `poison` the block's."""
    columns = tl.arange(0, DIM)
    rows = block * KEYS + tl.arange(0, KEYS)
    offsets = base + rows[:, None] * DIM + columns[None, :]
    inside = (rows < keys)[:, None]
    x = tl.load(key + offsets, inside, 0.0).to(tl.float32)
    if SMOOTH:
        total = tl.load(key_sums + columns, cache_modifier=".cg").to(tl.float32) / FIXED
        x = tl.where(inside, x - (total / keys)[None, :], 0.0)
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
    value_largest,
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
    VALUE_SCALE: tl.constexpr,
    DEVICE: tl.constexpr,
):
    """Round a block of V and turn it; `value8` and `value_scale` are the head's."""
    columns = tl.arange(0, DIM)
    place = tl.arange(0, KEYS)
    # Position p of a group of 16 gets the key that a thread has in its p-th place.
    inner = place % 16
    rows = block * KEYS + (place - inner) + (inner // 4) * 2 + (inner % 4 // 2) * 8 + inner % 2
    offsets = base + rows[:, None] * DIM + columns[None, :]
    x = tl.load(value + offsets, (rows < keys)[:, None], 0.0).to(tl.float32)
    tl.store(poison, nothing_if_finite(x))
    factor = tl.full((DIM,), 1.0, tl.float32)
    if VALUE_SCALE != "none":
        most = tl.load(value_largest + columns, cache_modifier=".cg").to(tl.float32, bitcast=True)
        if VALUE_SCALE == "head":
            most = tl.zeros_like(most) + tl.max(most, axis=0)
        factor = factor_of(most, VALUES * 1.0)
        if block == 0:
            tl.store(value_scale + columns, scale_of(most, VALUES * 1.0))
    if VALUES == 127:
        rounded = to_int8(x, factor[None, :], DEVICE)
    else:
        rounded = to_e4m3(x * factor[None, :], DEVICE)
    target = columns[:, None] * padded_keys + (block * KEYS + place)[None, :]
    tl.store(value8 + target, tl.trans(rounded))


@triton.jit
def quantize_kernel(
    key,
    value,
    key_sums,
    value_largest,
    tickets,
    arrived,
    key8,
    key_scale,
    value8,
    value_scale,
    poison,
    keys,
    padded_keys,
    heads,
    KEYS: tl.constexpr,
    DIM: tl.constexpr,
    SMOOTH: tl.constexpr,
    KEY_BLOCK: tl.constexpr,
    VALUES: tl.constexpr,
    VALUE_SCALE: tl.constexpr,
    PASSES: tl.constexpr,
    DEVICE: tl.constexpr,
):
    """Take the statistics of a block (PASSES "first"), round it ("second"), or both.

    Grid: blocks of `KEYS` keys times heads. KEY_BLOCK 1: a scale a token. VALUES: 127 (int8), 448
    (e4m3) or 0 (V stays). VALUE_SCALE: "head", "channel" or "none". `poison` (heads, 2, blocks)
    gets NaN for a block that isn't finite, else 0. `key_sums` (2, heads, dim) int64 and
    `value_largest` (2, heads, dim) int32: zeros; with both passes launches take turns with the
    halves, and leave zeros. `tickets` (1) and `arrived` (heads), int64, start at zero and only
    grow.
    """
    SCALES: tl.constexpr = VALUES > 0 and VALUE_SCALE != "none"
    blocks = padded_keys // KEYS
    if PASSES == "both":
        ticket = tl.atomic_add(tickets, 1)
        turn = ticket // (blocks * heads)
        index = (ticket - turn * (blocks * heads)).to(tl.int32)
        half = (turn % 2).to(tl.int32)
    else:
        index = tl.program_id(0)
        if PASSES == "second":
            # Backwards: the end of the first pass is in the L2.
            index = blocks * heads - 1 - index
        half = 0
    head, block = index // blocks, index % blocks
    base = head.to(tl.int64) * keys * DIM
    key_sums += (half * heads + head) * DIM
    value_largest += (half * heads + head) * DIM
    poison += head * 2 * blocks + block
    if PASSES != "second":
        add_statistics(
            key, value, key_sums, value_largest, base, block, keys, KEYS, DIM, SMOOTH, SCALES
        )
    if PASSES == "both":
        tl.debug_barrier()
        tl.atomic_add(arrived + head, 1, sem="acq_rel")
        goal = (turn + 1) * blocks
        while tl.atomic_add(arrived + head, 0, sem="acq_rel") < goal:
            pass
        tl.debug_barrier()
        if block == 0:
            columns = tl.arange(0, DIM)
            other = (1 - 2 * half) * heads * DIM
            tl.store(key_sums + other + columns, tl.zeros((DIM,), tl.int64))
            tl.store(value_largest + other + columns, tl.zeros((DIM,), tl.int32))
    if PASSES != "first":
        key_scale += head.to(tl.int64) * (padded_keys // KEY_BLOCK)
        round_keys(
            key, key_sums, key8, key_scale, poison, base, block, keys, KEYS, DIM, SMOOTH,
            KEY_BLOCK, DEVICE,
        )  # fmt: skip
        if VALUES > 0:
            value8 += head.to(tl.int64) * DIM * padded_keys
            value_scale += head * DIM
            round_values(
                value, value_largest, value8, value_scale, poison + blocks, base, block, keys,
                padded_keys, KEYS, DIM, VALUES, VALUE_SCALE, DEVICE,
            )  # fmt: skip
