"""A program's share of the active inputs, found by bits: 32 inputs a thread and turn, one scan.

A thread makes a mask of its inputs, threads are told by one scan how many active ones come before
theirs, and each looks up only those of its own that are this share's: every SHARES-th.
"""

# Triton's own spelling: constants in capitals, arguments without Python types, tuples
# that are added up.
# ruff: noqa: N803, RUF005
# mypy: disable-error-code="no-untyped-def, untyped-decorator, assignment, var-annotated, misc"

from __future__ import annotations

from triton.experimental import gluon
from triton.experimental.gluon import language as gl

from prototypes.teal import ptx
from prototypes.weights.gluon_words import asm_load4_if

MASK_ASM = gl.constexpr(ptx.mask_of_halves())
MASK_OPERANDS = gl.constexpr("=&r," + ",".join(["r"] * 16) + ",f")
NTH_ASM = gl.constexpr(ptx.nth_bit())
BITS = gl.constexpr(32)


@gluon.jit
def asm_nth(mask, number):
    """Place of the set bit before which there are `number` others."""
    return gl.inline_asm_elementwise(
        NTH_ASM, "=&r,r,r", [mask, number], dtype=gl.int32, is_pure=True, pack=1
    )


@gluon.jit
def asm_count(mask):
    """How many bits are set."""
    return gl.inline_asm_elementwise(
        "popc.b32 $0, $1;", "=r,r", [mask], dtype=gl.int32, is_pure=True, pack=1
    )


@gluon.jit
def _plus(a, b):
    return a + b


@gluon.jit
def active_bits(x, thresholds, inputs, first, PER_CHANNEL: gl.constexpr):
    """Bits of the 32 inputs from `first` on that are not at or under their threshold."""
    if PER_CHANNEL:
        bits = first * 0
        for i in gl.static_range(BITS):
            there = first + i < inputs
            value = gl.load(x + first + i, mask=there, other=0.0).to(gl.float32)
            border = gl.load(thresholds + first + i, mask=there, other=0.0)
            size = gl.where(value < 0, -value, value)
            bits |= gl.where((size > border) | (size != size), 1, 0) << i
    else:
        words = ()
        for i in gl.static_range(4):
            there = gl.where(first + 8 * i < inputs, 1, 0)
            words = words + asm_load4_if(x + first + 8 * i, there)
        border = gl.load(thresholds) + first.to(gl.float32) * 0.0
        bits = gl.inline_asm_elementwise(
            MASK_ASM, MASK_OPERANDS, words + (border,), dtype=gl.int32, is_pure=True, pack=1
        )
    left = gl.minimum(gl.maximum(inputs - first, 0), BITS)
    return gl.where(left == BITS, bits, bits & ((1 << (left & 31)) - 1))


@gluon.jit
def list_active(
    x,
    thresholds,
    words,
    inputs,
    share,
    tid,
    PER_CHANNEL: gl.constexpr,
    SHARES: gl.constexpr,
    THREADS: gl.constexpr,
    TURNS: gl.constexpr,
    ZEROS: gl.constexpr,
):
    """Write this share's active inputs to `words`, index << 16 | value's bits, then ZEROS zeros.

    Returns how many. `inputs` is a multiple of 8 and at most 32 * THREADS * TURNS.
    """
    masks = ()
    count = tid * 0
    for turn in gl.static_range(TURNS):
        mask = active_bits(x, thresholds, inputs, (turn * THREADS + tid) * BITS, PER_CHANNEL)
        masks = masks + (mask,)
        count += asm_count(mask)
    upto = gl.associative_scan(count, 0, _plus)
    before = upto - count
    for turn in gl.static_range(TURNS):
        mask = masks[turn]
        own = asm_count(mask)
        rest = before % SHARES
        skipped = gl.where(rest <= share, share - rest, share - rest + SHARES)
        place = (before + skipped) // SHARES
        for e in gl.static_range((BITS + SHARES - 1) // SHARES):
            number = skipped + e * SHARES
            there = number < own
            index = (turn * THREADS + tid) * BITS + (asm_nth(mask, number) & 31)
            value = gl.load(x + index, mask=there, other=0.0)
            bits = value.to(gl.int16, bitcast=True).to(gl.int32) & 0xFFFF
            gl.store(words + place + e, (index << 16) | bits, mask=there)
        before += own
    found = gl.max(upto, axis=0)
    mine = (found - share + SHARES - 1) // SHARES
    gl.store(words + mine + tid, tid * 0, mask=tid < ZEROS)
    return mine
