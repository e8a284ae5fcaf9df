"""The fast 4-bit product on Hopper: codes widened in registers, sums by matrix units.

Each thread is written by itself: a tensor has one element a thread. A warp takes 256 outputs and 16
active inputs a step; a lane (g, t) = (lane / 4, lane % 4) reads 16 bytes, 32 outputs, of four
inputs of its own. So weights are the left operand of a product whose right one has one useful
column a lane: seven eighths of the matrix units' work is thrown away, which costs nothing here,
where instructions are what is short (`ptx.word_step`).
"""

# Triton's own spelling: constants in capitals, arguments without Python types, tuples
# that are added up.
# ruff: noqa: N803, N806, RUF005
# mypy: disable-error-code="no-untyped-def, untyped-decorator, assignment, var-annotated, misc"

from __future__ import annotations

from triton.experimental import gluon
from triton.experimental.gluon import language as gl

from prototypes.teal import ptx
from prototypes.teal.gluon_list import list_active
from prototypes.teal.gluon_parts import (
    asm_prefetch,
    asm_store4_if,
    asm_sync,
    asm_words,
    join_shares,
)
from prototypes.weights.gluon_words import asm_load4_if

_STEP = ptx.word_step()
STEP_ASM, STEP_OPERANDS = gl.constexpr(_STEP[0]), gl.constexpr(_STEP[1])
SUMS = gl.constexpr((gl.float32,) * ptx.OUTPUTS)
INPUTS = gl.constexpr(16)
"""Active inputs of a step."""


@gluon.jit
def asm_factors(word, other, scale, next_scale):
    """Two inputs' values (low halves of their words) times their scales, as halves."""
    return gl.inline_asm_elementwise(
        """{ .reg .b32 x, s; prmt.b32 x, $1, $2, 0x5410; prmt.b32 s, $3, $4, 0x5410;
        mul.rn.f16x2 $0, x, s; }""",
        "=r,r,r,r,r",
        [word, other, scale, next_scale],
        dtype=gl.int32,
        is_pure=True,
        pack=1,
    )


@gluon.jit
def fetch(codes, scales, listed, first, count, row_words, row_scales, column, group, lanes):
    """Start reading four inputs' words and scales; what lies past the list's end isn't read."""
    tile = ()
    factors = ()
    for j in gl.static_range(4):
        there = (first + j < count) & lanes
        index = (listed[j] >> 16) & 0xFFFF
        tile = tile + (asm_load4_if(codes + index * row_words + column, gl.where(there, 1, 0)),)
        factors = factors + (gl.load(scales + index * row_scales + group, mask=there, other=0.0),)
    return tile, factors


@gluon.jit
def multiply(sums, tile, listed, factors):
    """Add four inputs' weights, times their values and scales, to the sums of 32 outputs."""
    f = ()
    for j in gl.static_range(4):
        f = f + (factors[j].to(gl.int16, bitcast=True).to(gl.int32),)
    low = asm_factors(listed[0], listed[1], f[0], f[1])
    high = asm_factors(listed[2], listed[3], f[2], f[3])
    out = ()
    for w in gl.static_range(4):
        before = ()
        for i in gl.static_range(16):
            before = before + (sums[16 * w + i],)
        out = out + gl.inline_asm_elementwise(
            STEP_ASM,
            STEP_OPERANDS,
            (tile[0][w], tile[1][w], tile[2][w], tile[3][w], low, high) + before,
            dtype=SUMS,
            is_pure=True,
            pack=1,
        )
    return out


@gluon.jit
def sparse_int4_product(
    x,
    thresholds,
    codes,
    scales,
    out,
    words,
    partial,
    tickets,
    room,
    inputs,
    outputs,
    row_words,
    row_scales,
    PER_CHANNEL: gl.constexpr,
    SHARES: gl.constexpr,
    GROUP: gl.constexpr,
    TURNS: gl.constexpr,
    NW: gl.constexpr,
):
    """x (inputs,), out (outputs,) float16; codes and scales as `rows4` has them.

    A program takes 256 NW outputs and every SHARES-th active input; inputs a multiple of 8, at most
    1024 NW TURNS. Grid: stripes * SHARES.
    """
    THREADS: gl.constexpr = 32 * NW
    flat: gl.constexpr = gl.BlockedLayout([1], [32], [NW], [0])
    program = gl.program_id(0)
    stripe = program // SHARES
    share = program % SHARES
    tid = gl.arange(0, THREADS, layout=flat)
    lane = tid % 32
    g = lane // 4
    t = lane % 4
    own = words + program * room
    asm_prefetch(tickets + stripe + tid * 0)
    count = list_active(
        x, thresholds, own, inputs, share, tid, PER_CHANNEL, SHARES, THREADS, TURNS, INPUTS
    )
    column = stripe * (32 * NW) + (tid // 32) * 32 + g * 4
    lanes = column < row_words
    group = column // (GROUP // 8)
    first = asm_sync(t * 4)
    none = tid.to(gl.float32) * 0.0
    sums = ()
    for _ in gl.static_range(64):
        sums = sums + (none,)
    # A step's list is read two steps ahead, its weights one: else each waits for the other.
    listed = asm_words(own + first)
    later = asm_words(own + first + INPUTS)
    tile, factors = fetch(
        codes, scales, listed, first, count, row_words, row_scales, column, group, lanes
    )
    for start in range(INPUTS, count + INPUTS, INPUTS):
        next_tile, next_factors = fetch(
            codes, scales, later, first + start, count, row_words, row_scales, column, group, lanes
        )
        following = asm_words(own + first + start + INPUTS)
        sums = multiply(sums, tile, listed, factors)
        tile = next_tile
        factors = next_factors
        listed = later
        later = following
    finish(out, partial, tickets, sums, stripe, share, tid, g, t, outputs, SHARES, NW)


@gluon.jit
def finish(
    out,
    partial,
    tickets,
    sums,
    stripe,
    share,
    tid,
    g,
    t,
    outputs,
    SHARES: gl.constexpr,
    NW: gl.constexpr,
):
    """Leave a share's sums; the last one to arrive joins those of its stripe, in their order."""
    THREADS: gl.constexpr = 32 * NW
    begin = stripe * (256 * NW)
    at = begin + (tid // 32) * 256 + g * 32
    # Of the eight columns of a product the lane's own is g: two of them are in lane t = g / 2.
    writes = gl.where((t == g // 2) & (at < outputs), 1, 0)
    odd = g % 2 == 1
    done = tid * 0
    for eighth in gl.static_range(8):
        done += asm_store4_if(
            partial + share * outputs + at + 4 * eighth,
            gl.where(odd, sums[8 * eighth + 1], sums[8 * eighth]),
            gl.where(odd, sums[8 * eighth + 3], sums[8 * eighth + 2]),
            gl.where(odd, sums[8 * eighth + 5], sums[8 * eighth + 4]),
            gl.where(odd, sums[8 * eighth + 7], sums[8 * eighth + 6]),
            writes,
        )
    join_shares(out, partial, tickets, begin, stripe, tid, done, outputs, SHARES, 256 * NW, THREADS)
