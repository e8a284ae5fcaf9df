"""Parts of the Hopper kernel in `gluon_attention`: softmax of a tile, weights as operands, copies.

Layouts are explicit here: what looks like moving data changes the names of registers.
"""

# Triton's own spelling: constants in capitals, arguments without Python types.
# ruff: noqa: N803, N806, RET505
# mypy: disable-error-code="no-untyped-def, untyped-decorator"

from __future__ import annotations

from triton.experimental import gluon
from triton.experimental.gluon import language as gl

TO_INTEGER = gl.constexpr(12582912.0)
"""1.5·2²³: a small number added to it leaves its integer in the lowest bits."""
GROUP_ROWS = gl.constexpr(64)
"""Queries of one group of four warps."""


@gluon.jit
def power_of_two(x):
    """Return 2**x; what is below float32's normal range becomes zero."""
    return gl.inline_asm_elementwise(
        "ex2.approx.ftz.f32 $0, $1;", "=f,f", [x], dtype=gl.float32, is_pure=True, pack=1
    )


@gluon.jit
def rounded_queries(
    query, query_tile, first, queries, QUERY_BLOCK: gl.constexpr, DIM: gl.constexpr
):
    """Put 64 queries into a tile as INT8; return what a step of each row stands for."""
    loaded: gl.constexpr = gl.BlockedLayout([1, 8], [256 // DIM, DIM // 8], [4, 1], [1, 0])
    rows = gl.arange(0, GROUP_ROWS, layout=gl.SliceLayout(1, loaded))
    columns = gl.expand_dims(gl.arange(0, DIM, layout=gl.SliceLayout(0, loaded)), 0)
    here = gl.expand_dims(first + rows, 1)
    q = gl.load(query + here * DIM + columns, mask=here < queries, other=0.0).to(gl.float32)
    largest = gl.max(gl.abs(q), axis=1)
    if QUERY_BLOCK > 1:
        most = gl.max(largest, axis=0)
        if QUERY_BLOCK > GROUP_ROWS:
            # The other half of 128.
            there = gl.expand_dims((first ^ GROUP_ROWS) + rows, 1)
            beside = gl.load(query + there * DIM + columns, mask=there < queries, other=0.0)
            most = gl.maximum(most, gl.max(gl.max(gl.abs(beside.to(gl.float32)), axis=1), axis=0))
        largest = gl.full_like(largest, 0.0) + most
    scale = gl.where(largest == 0.0, 1.0, gl.div_rn(largest, 127.0))
    up = gl.where(largest == 0.0, 1.0, gl.div_rn(127.0, largest))
    q = gl.fma(q, gl.expand_dims(up, 1), TO_INTEGER).to(gl.int32, bitcast=True).to(gl.int8)
    query_tile.store(q)
    return scale


@gluon.jit
def lane_sums(p, KEYS: gl.constexpr):
    """Return the sums of what each of the four threads of a row has: (rows, 4)."""
    # In four chains of additions: one would wait for each of its own.
    parts = p.reshape([GROUP_ROWS, KEYS // 32, 4, 4, 2])
    return gl.sum(gl.sum(gl.sum(parts, axis=4), axis=1), axis=1)


@gluon.jit
def softmax(
    x, row_scale, key_scale, at, last, highest, total, shift, MASKED: gl.constexpr,
    KEYS: gl.constexpr, KEY_BLOCK: gl.constexpr, WEIGHTS: gl.constexpr,
):  # fmt: skip
    """Return the weights of a tile, narrowed and packed, new maxima and sums, and the shrinkage.

    `total` (rows, 4) has a sum a thread: nothing crosses lanes but maxima.
    """
    layout: gl.constexpr = x.type.layout
    across: gl.constexpr = gl.SliceLayout(0, layout)
    BLOCKS: gl.constexpr = max(KEYS // KEY_BLOCK, 1) if KEY_BLOCK > 1 else 1
    if KEY_BLOCK == 1:
        scales = gl.load(key_scale + at + gl.arange(0, KEYS, layout=across))
        x = x.to(gl.float32) * gl.expand_dims(scales, 0)
    if MASKED:
        here = gl.expand_dims(at + gl.arange(0, KEYS, layout=across), 0)
        x = gl.where(here <= gl.expand_dims(last, 1), x.to(gl.float32), float("-inf"))
    # Whole numbers, where nothing is masked: converted where the exponentials leave room.
    parts = x.reshape([GROUP_ROWS, BLOCKS, KEYS // BLOCKS // 8, 4, 2])
    largest = gl.max(gl.max(parts, axis=4), axis=2).to(gl.float32)
    by_block: gl.constexpr = gl.SliceLayout(2, largest.type.layout)
    factor = gl.expand_dims(gl.convert_layout(row_scale, gl.SliceLayout(1, by_block)), 1)
    if KEY_BLOCK > 1:
        which = gl.arange(0, BLOCKS, layout=gl.SliceLayout(0, by_block))
        factor = factor * gl.expand_dims(gl.load(key_scale + at // KEY_BLOCK + which), 0)
    else:
        factor = factor + gl.full([GROUP_ROWS, BLOCKS], 0.0, gl.float32, layout=by_block)
    largest = gl.max(gl.max(largest * gl.expand_dims(factor, 2), axis=1), axis=1)
    new = gl.maximum(highest, gl.convert_layout(largest, highest.type.layout))
    x = x.reshape([GROUP_ROWS, BLOCKS, KEYS // BLOCKS]).to(gl.float32)
    blocks_of: gl.constexpr = gl.SliceLayout(2, x.type.layout)
    factor = gl.expand_dims(gl.convert_layout(factor, blocks_of), 2)
    base = gl.convert_layout(new - shift, gl.SliceLayout(1, blocks_of))
    p = power_of_two(x * factor - gl.expand_dims(gl.expand_dims(base, 1), 2))
    p = gl.convert_layout(p.reshape([GROUP_ROWS, KEYS]), layout, assert_trivial=True)
    shrink = power_of_two(highest - new)
    kept = gl.convert_layout(shrink, gl.SliceLayout(1, total.type.layout))
    words = packed(p, KEYS, WEIGHTS)
    if WEIGHTS == "int8":
        more = gl.sum(sum_of_bytes(words), axis=1).to(gl.float32)
    else:
        more = lane_sums(p, KEYS)
    more = gl.convert_layout(more, total.type.layout, assert_trivial=True)
    return words, new, total * gl.expand_dims(kept, 1) + more, shrink


@gluon.jit
def sum_of_bytes(words):
    """Return the sum of the four bytes of each word."""
    return gl.inline_asm_elementwise(
        "dp4a.u32.u32 $0, $1, 0x01010101, 0;", "=r,r", [words], dtype=gl.int32, is_pure=True, pack=1
    )


@gluon.jit
def packed(p, KEYS: gl.constexpr, WEIGHTS: gl.constexpr):
    """Return the weights narrowed, four (FP16: two) in a word, in the order of the stored V.

    A thread of a matrix instruction computes the keys that it needs in the next, but for their
    order, which V has taken over: nothing moves. In words, because single bytes that are kept from
    one turn of the loop to the next would take a register each.
    """
    if WEIGHTS == "fp16":
        low, high = gl.split(p.reshape([GROUP_ROWS, KEYS // 2, 2]))
        return gl.inline_asm_elementwise(
            "cvt.rn.f16x2.f32 $0, $2, $1;",
            "=r,f,f",
            [low, high],
            dtype=gl.int32,
            is_pure=True,
            pack=1,
        )
    else:
        p = p.reshape([GROUP_ROWS, KEYS // 16, 2, 4, 2]).permute([0, 1, 3, 2, 4])
        even, odd = gl.split(p)
        first, third = gl.split(even)
        second, fourth = gl.split(odd)
        if WEIGHTS == "e4m3":
            return gl.inline_asm_elementwise(
                """{
                .reg .b16 low, high;
                cvt.rn.satfinite.e4m3x2.f32 low, $2, $1;
                cvt.rn.satfinite.e4m3x2.f32 high, $4, $3;
                mov.b32 $0, {low, high};
                }""",
                "=r,f,f,f,f",
                [first, second, third, fourth],
                dtype=gl.int32,
                is_pure=True,
                pack=1,
            )
        else:
            return gl.inline_asm_elementwise(
                # In FP16, 1536 more leaves a whole number in the lowest byte.
                """{
                .reg .b32 low, high, more;
                mov.b32 more, 0x66006600;
                cvt.rn.f16x2.f32 low, $2, $1;
                cvt.rn.f16x2.f32 high, $4, $3;
                add.rn.f16x2 low, low, more;
                add.rn.f16x2 high, high, more;
                prmt.b32 $0, low, high, 0x6420;
                }""",
                "=r,f,f,f,f",
                [first, second, third, fourth],
                dtype=gl.int32,
                is_pure=True,
                pack=1,
            )


@gluon.jit
def as_operand(words, KEYS: gl.constexpr, DIM: gl.constexpr, WEIGHTS: gl.constexpr):
    """Return packed weights as the left operand of P·V: a change of names."""
    K: gl.constexpr = 16 if WEIGHTS == "fp16" else 32
    sums: gl.constexpr = gl.NVMMADistributedLayout([3, 0], [4, 1], [16, DIM, K])
    operand: gl.constexpr = gl.DotOperandLayout(0, sums, K // 8)
    twice = gl.join(words, words)
    if WEIGHTS == "fp16":
        twice = gl.convert_layout(twice.reshape([GROUP_ROWS, KEYS]), operand)
        return gl.inline_asm_elementwise(
            "mov.b32 $0, $1;", "=r,r,r", [twice], dtype=gl.float16, is_pure=True, pack=2
        )
    else:
        four = gl.join(twice, twice).reshape([GROUP_ROWS, KEYS])
        four = gl.convert_layout(four, operand)
        if WEIGHTS == "e4m3":
            return gl.inline_asm_elementwise(
                "mov.b32 $0, $1;", "=r,r,r,r,r", [four], dtype=gl.float8e4nv, is_pure=True, pack=4
            )
        else:
            return gl.inline_asm_elementwise(
                "mov.b32 $0, $1;", "=r,r,r,r,r", [four], dtype=gl.int8, is_pure=True, pack=4
            )
