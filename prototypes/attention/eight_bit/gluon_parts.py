"""Parts of the Hopper kernel in `gluon_attention`: softmax of a tile, weights as operands, copies.

Layouts are explicit here: what looks like moving data changes the names of registers.
"""

# Triton's own spelling: constants in capitals, arguments without Python types.
# ruff: noqa: N803, N806, RET505, SIM108
# mypy: disable-error-code="no-untyped-def, untyped-decorator"

from __future__ import annotations

from triton.experimental import gluon
from triton.experimental.gluon import language as gl
from triton.experimental.gluon.language.nvidia.hopper import mbarrier, tma

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
def bring(
    key_descriptor,
    value_descriptor,
    key_tiles,
    value_tiles,
    key_ready,
    key_free,
    value_ready,
    value_free,
    key_row,
    value_row,
    tiles,
    KEYS: gl.constexpr,
    DIM: gl.constexpr,
    STAGES: gl.constexpr,
    TURNED: gl.constexpr,
):
    """Copy tiles of K and V into the rings as places become free: the role of one warp."""
    for tile in range(tiles):
        place = tile % STAGES
        phase = (tile // STAGES) & 1
        mbarrier.wait(key_free.index(place), phase ^ 1)
        mbarrier.expect(key_ready.index(place), key_descriptor.block_type.nbytes)
        tma.async_copy_global_to_shared(
            key_descriptor,
            [key_row + tile * KEYS, 0],
            key_ready.index(place),
            key_tiles.index(place),
        )
        mbarrier.wait(value_free.index(place), phase ^ 1)
        mbarrier.expect(value_ready.index(place), value_descriptor.block_type.nbytes)
        if TURNED:
            where = [value_row, tile * KEYS]
        else:
            where = [value_row + tile * KEYS, 0]
        tma.async_copy_global_to_shared(
            value_descriptor, where, value_ready.index(place), value_tiles.index(place)
        )


@gluon.jit
def scale_at(key_scale, at, KEYS: gl.constexpr, KEY_BLOCK: gl.constexpr, across: gl.constexpr):
    """Return the scale of a tile that starts at a key, or those of its blocks or keys."""
    if KEY_BLOCK >= KEYS:
        return gl.load(key_scale + at // KEY_BLOCK)
    else:
        here = at // KEY_BLOCK + gl.arange(0, KEYS // KEY_BLOCK, layout=across)
        return gl.load(key_scale + here)


@gluon.jit
def softmax(
    x,
    row_scale,
    key_scale,
    at,
    keys,
    last,
    highest,
    total,
    shift,
    MASKED: gl.constexpr,
    KEYS: gl.constexpr,
    KEY_BLOCK: gl.constexpr,
    WEIGHTS: gl.constexpr,
):
    """Return the weights of a tile, not yet narrowed, new maxima and sums, and the shrinkage."""
    layout: gl.constexpr = x.type.layout
    across: gl.constexpr = gl.SliceLayout(0, layout)
    x = x.to(gl.float32)
    if KEY_BLOCK == 1:
        x = x * gl.expand_dims(scale_at(key_scale, at, KEYS, KEY_BLOCK, across), 0)
    if MASKED:
        here = at + gl.arange(0, KEYS, layout=across)
        x = gl.where(gl.expand_dims(here, 0) <= gl.expand_dims(last, 1), x, float("-inf"))
    if KEY_BLOCK == 1 or KEY_BLOCK >= KEYS:
        factor = row_scale
        if KEY_BLOCK > 1:
            factor = row_scale * scale_at(key_scale, at, KEYS, KEY_BLOCK, across)
        new = gl.maximum(highest, gl.max(x, axis=1) * factor)
        p = power_of_two(x * gl.expand_dims(factor, 1) - gl.expand_dims(new - shift, 1))
    else:
        # Blocks by themselves: a scale that a whole block shares costs nothing a score.
        x = x.reshape([GROUP_ROWS, KEYS // KEY_BLOCK, KEY_BLOCK])
        largest = gl.max(x, axis=2)
        by_block: gl.constexpr = largest.type.layout
        rows_of: gl.constexpr = gl.SliceLayout(1, by_block)
        scales = scale_at(key_scale, at, KEYS, KEY_BLOCK, gl.SliceLayout(0, by_block))
        factor = gl.expand_dims(gl.convert_layout(row_scale, rows_of), 1)
        factor = factor * gl.expand_dims(scales, 0)
        here = gl.convert_layout(gl.max(largest * factor, axis=1), highest.type.layout)
        new = gl.maximum(highest, here)
        base = gl.expand_dims(gl.convert_layout(new - shift, rows_of), 1)
        base = gl.expand_dims(base + gl.full_like(factor, 0.0), 2)
        p = power_of_two(x * gl.expand_dims(factor, 2) - base)
        p = gl.convert_layout(p.reshape([GROUP_ROWS, KEYS]), layout, assert_trivial=True)
    shrink = power_of_two(highest - new)
    if WEIGHTS == "int8":
        bits = (p + TO_INTEGER).to(gl.int32, bitcast=True)
        WRAPPED: gl.constexpr = (KEYS * 0x4B400000 + 2**31) % 2**32 - 2**31
        total = total * shrink + (gl.sum(bits, axis=1) - WRAPPED).to(gl.float32)
        return bits, new, total, shrink
    else:
        total = total * shrink + gl.sum(p, axis=1)
        return p, new, total, shrink


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
                """{
                .reg .b32 low, high;
                prmt.b32 low, $1, $2, 0x0040;
                prmt.b32 high, $3, $4, 0x0040;
                prmt.b32 $0, low, high, 0x5410;
                }""",
                "=r,r,r,r,r",
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
