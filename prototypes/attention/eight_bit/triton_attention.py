"""Attention with 8-bit matrix products in Triton: one kernel for all formats, FP16 included.

Scores are exact integers times scales; the softmax is online, in base 2, in float32. A program
takes `ROWS` queries of one head, rounds them, and walks over tiles of `KEYS` keys: full ones
without a mask, then those that a mask cuts.
"""

# Triton's own spelling: constants in capitals, arguments without Python types.
# ruff: noqa: N803, SIM108
# mypy: disable-error-code="no-untyped-def, untyped-decorator"

from __future__ import annotations

import triton
import triton.language as tl

from prototypes.attention.eight_bit.triton_quantize import (
    factor_of,
    scale_of,
    to_e4m3,
    to_int8,
)

LOG2E = tl.constexpr(1.4426950408889634)


@triton.jit
def reorder_weights(p, ROWS: tl.constexpr, KEYS: tl.constexpr):
    """Return the weights with keys in the order of the permuted V (`triton_quantize`).

    For a thread of a Hopper matrix instruction that changes names only: nothing moves.
    """
    p = tl.reshape(p, (ROWS, KEYS // 16, 2, 4, 2))
    return tl.reshape(tl.permute(p, (0, 1, 3, 2, 4)), (ROWS, KEYS))


@triton.jit
def power_of_two(x, DEVICE: tl.constexpr):
    """Return 2**x; what is below float32's normal range becomes zero on a device."""
    if DEVICE:
        # Without the flush it takes four instructions more.
        return tl.inline_asm_elementwise(
            "ex2.approx.ftz.f32 $0, $1;", "=f,f", [x], dtype=tl.float32, is_pure=True, pack=1
        )
    return tl.exp2(x)


@triton.jit
def load_tile(
    source,
    descriptor,
    head,
    start,
    length,
    stride,
    TMA: tl.constexpr,
    TURNED: tl.constexpr,
    MASKED: tl.constexpr,
    KEYS: tl.constexpr,
    DIM: tl.constexpr,
):
    """Return a (KEYS, DIM) tile of a head; TURNED: stored as (DIM, keys), `stride` keys a row."""
    if TMA:
        if TURNED:
            tile = tl.trans(tl.reshape(descriptor.load([head, 0, start]), (DIM, KEYS)))
        else:
            tile = tl.reshape(descriptor.load([head, start, 0]), (KEYS, DIM))
    else:
        keys = start + tl.arange(0, KEYS)
        columns = tl.arange(0, DIM)
        base = source + head.to(tl.int64) * DIM * stride
        if TURNED:
            tile = tl.trans(tl.load(base + columns[:, None] * stride + keys[None, :]))
        elif MASKED:
            offsets = keys[:, None] * DIM + columns[None, :]
            tile = tl.load(base + offsets, (keys < length)[:, None], 0.0)
        else:
            tile = tl.load(base + keys[:, None] * DIM + columns[None, :])
    return tile


@triton.jit
def walk(
    acc,
    total,
    highest,
    unit,
    query,
    row_scale,
    key,
    value,
    key_descriptor,
    value_descriptor,
    key_scale,
    value_scale,
    kv_head,
    last,
    start,
    stop,
    keys,
    padded_keys,
    shift,
    MASKED: tl.constexpr,
    ROWS: tl.constexpr,
    KEYS: tl.constexpr,
    DIM: tl.constexpr,
    SCORES8: tl.constexpr,
    KEY_BLOCK: tl.constexpr,
    VALUE_BLOCK: tl.constexpr,
    WEIGHTS: tl.constexpr,
    ROUNDED: tl.constexpr,
    TWO_LEVELS: tl.constexpr,
    TMA: tl.constexpr,
    DEVICE: tl.constexpr,
):
    """Take keys from `start` to `stop` into the sums. `last`: the last key that each row may see
    (masked tiles only). `unit`: what a step of `acc` stands for, V's scale in the tile before."""
    for at in tl.range(start, stop, KEYS):
        at = tl.multiple_of(at, KEYS)
        k = load_tile(key, key_descriptor, kv_head, at, keys, keys, TMA, False, MASKED, KEYS, DIM)
        if SCORES8:
            x = tl.dot(query, tl.trans(k), out_dtype=tl.int32)
            if KEY_BLOCK == 1:
                here = at + tl.arange(0, KEYS)
                if MASKED:
                    column = tl.load(key_scale + here, here < keys, 1.0)
                else:
                    column = tl.load(key_scale + here)
                x = x.to(tl.float32) * column[None, :]
                factor = row_scale
            elif KEY_BLOCK < KEYS:
                which = at // KEY_BLOCK + tl.arange(0, KEYS) // KEY_BLOCK
                x = x.to(tl.float32) * tl.load(key_scale + which)[None, :]
                factor = row_scale
            else:
                factor = row_scale * tl.load(key_scale + at // KEY_BLOCK)
                x = x.to(tl.float32)
        else:
            x = tl.dot(query, tl.trans(k))
            factor = row_scale
        if MASKED:
            here = at + tl.arange(0, KEYS)
            x = tl.where(here[None, :] <= last[:, None], x, float("-inf"))
        new = tl.maximum(highest, tl.max(x, axis=1) * factor)
        if MASKED:
            # Rows without a key so far have no maximum; anything finite keeps them at zero.
            base = tl.where(new == float("-inf"), 0.0, new)
        else:
            base = new
        shrink = power_of_two(highest - base, DEVICE)
        p = power_of_two(x * factor[:, None] - (base - shift)[:, None], DEVICE)
        highest = new
        if WEIGHTS == "int8":
            # 1536 more leaves a whole number in the lowest byte of an FP16.
            bits = (p.to(tl.float16) + 1536.0).to(tl.int16, bitcast=True)
            total = total * shrink + tl.sum(bits.to(tl.int32) - 0x6600, axis=1).to(tl.float32)
            weights = reorder_weights(bits.to(tl.int8), ROWS, KEYS)
        else:
            narrow = to_e4m3(p, DEVICE) if WEIGHTS == "e4m3" else p.to(tl.float16)
            counted = narrow.to(tl.float32) if ROUNDED else p
            total = total * shrink + tl.sum(counted, axis=1)
            weights = reorder_weights(narrow, ROWS, KEYS) if WEIGHTS == "e4m3" else narrow
        if WEIGHTS == "fp16":
            v = load_tile(
                value, value_descriptor, kv_head, at, keys, keys, TMA, False, MASKED, KEYS, DIM
            )
        else:
            v = load_tile(
                value,
                value_descriptor,
                kv_head,
                at,
                keys,
                padded_keys,
                TMA,
                True,
                MASKED,
                KEYS,
                DIM,
            )
        if WEIGHTS != "fp16":
            now = tl.load(value_scale + at // VALUE_BLOCK)
            shrink = shrink * (unit / now)
            unit = now
        if WEIGHTS == "int8":
            acc = acc * shrink[:, None] + tl.dot(weights, v, out_dtype=tl.int32).to(tl.float32)
        elif TWO_LEVELS:
            acc = acc * shrink[:, None] + tl.dot(weights, v)
        else:
            acc = acc * shrink[:, None]
            acc = tl.dot(weights, v, acc)
    return acc, total, highest, unit


# One binary for all sizes.
@triton.jit(do_not_specialize=["queries", "keys", "heads", "group"])
def attention_kernel(
    query,
    key,
    value,
    key_descriptor,
    value_descriptor,
    key_scale,
    value_scale,
    poison,
    output,
    queries,
    keys,
    heads,
    group,
    softmax_scale,
    shift,
    ROWS: tl.constexpr,
    KEYS: tl.constexpr,
    DIM: tl.constexpr,
    SCORES8: tl.constexpr,
    QUERY_BLOCK: tl.constexpr,
    KEY_BLOCK: tl.constexpr,
    POISONS: tl.constexpr,
    VALUE_BLOCK: tl.constexpr,
    WEIGHTS: tl.constexpr,
    ROUNDED: tl.constexpr,
    TWO_LEVELS: tl.constexpr,
    CAUSAL: tl.constexpr,
    TMA: tl.constexpr,
    DEVICE: tl.constexpr,
):
    """Write `ROWS` rows of the output of one head. Grid: (blocks of queries, batch·heads).

    SCORES8: whether K is int8 (else FP16). WEIGHTS: "fp16", "e4m3" or "int8". QUERY_BLOCK,
    KEY_BLOCK and VALUE_BLOCK: tokens of a scale. `shift`: log2 of what a weight of 1 becomes.
    POISONS: a power of two, at least as many as `round_kernel` wrote a head. ROUNDED: whether the
    softmax divides by the sum of rounded weights (int8 always does).
    """
    # Blocks of one head side by side, so that its K and V stay in the L2; the longest ones first.
    padded_keys = tl.cdiv(keys, VALUE_BLOCK) * VALUE_BLOCK
    head = tl.program_id(1)
    block = tl.num_programs(0) - 1 - tl.program_id(0)
    kv_head = head // heads * (heads // group) + head % heads // group
    rows = block * ROWS + tl.arange(0, ROWS)
    columns = tl.arange(0, DIM)
    offsets = head.to(tl.int64) * queries * DIM + rows[:, None] * DIM + columns[None, :]
    q = tl.load(query + offsets, (rows < queries)[:, None], 0.0)
    row_scale = tl.full((ROWS,), LOG2E, tl.float32) * softmax_scale
    if SCORES8:
        largest = tl.max(tl.abs(q.to(tl.float32)), axis=1)
        if QUERY_BLOCK > 1:
            parts = tl.max(tl.reshape(largest, (ROWS // QUERY_BLOCK, QUERY_BLOCK)), axis=1)
            largest = tl.reshape(
                tl.broadcast_to(parts[:, None], (ROWS // QUERY_BLOCK, QUERY_BLOCK)), (ROWS,)
            )
        q = to_int8(q.to(tl.float32), factor_of(largest, 127.0)[:, None], DEVICE)
        row_scale = row_scale * scale_of(largest, 127.0)
    acc = tl.zeros((ROWS, DIM), tl.float32)
    total = tl.zeros((ROWS,), tl.float32)
    highest = tl.full((ROWS,), float("-inf"), tl.float32)
    last = tl.zeros((ROWS,), tl.int32) + (keys - 1)
    full, stop = keys // KEYS * KEYS, keys
    if CAUSAL:
        last = tl.minimum(last, rows + (keys - queries))
        first_last = tl.maximum(block * ROWS + (keys - queries) + 1, 0)
        full = tl.minimum(full, first_last // KEYS * KEYS)
        stop = tl.minimum(stop, tl.maximum(block * ROWS + ROWS + (keys - queries), 0))
    if SCORES8:
        key_scale += kv_head.to(tl.int64) * (padded_keys // KEY_BLOCK)
    value_scale += kv_head * (padded_keys // VALUE_BLOCK)
    unit = tl.full((), 1.0, tl.float32)
    acc, total, highest, unit = walk(
        acc, total, highest, unit, q, row_scale, key, value, key_descriptor, value_descriptor,
        key_scale, value_scale, kv_head, last, 0, full, keys, padded_keys, shift, False,
        ROWS, KEYS, DIM, SCORES8, KEY_BLOCK, VALUE_BLOCK, WEIGHTS, ROUNDED, TWO_LEVELS, TMA, DEVICE,
    )  # fmt: skip
    acc, total, highest, unit = walk(
        acc, total, highest, unit, q, row_scale, key, value, key_descriptor, value_descriptor,
        key_scale, value_scale, kv_head, last, full, stop, keys, padded_keys, shift, True,
        ROWS, KEYS, DIM, SCORES8, KEY_BLOCK, VALUE_BLOCK, WEIGHTS, ROUNDED, TWO_LEVELS, TMA, DEVICE,
    )  # fmt: skip
    if SCORES8:
        # Integers can't carry NaN.
        blocks = padded_keys // VALUE_BLOCK * 2
        part = tl.arange(0, POISONS)
        total += tl.sum(tl.load(poison + kv_head * blocks + part, part < blocks, 0.0), axis=0)
        total += row_scale * 0.0
    # The sums of a row without a key are zero, and stay so.
    result = acc / tl.where(total == 0.0, 1.0, total)[:, None]
    if WEIGHTS != "fp16":
        result = result * unit
    tl.store(output + offsets, result.to(output.dtype.element_ty), (rows < queries)[:, None])
