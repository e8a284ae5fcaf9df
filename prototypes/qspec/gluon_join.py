"""How strips of outputs leave a program: whole ones at once, shared ones by who is done last.

As in `weights.gluon_small`, for up to 8 rows and with a scale a row where rows were rounded.
"""

# Triton's own spelling: constants in capitals, arguments without Python types, tuples
# that are added up.
# ruff: noqa: N803, N806, RUF005
# mypy: disable-error-code="no-untyped-def, untyped-decorator, assignment, var-annotated"

from __future__ import annotations

from triton.experimental import gluon
from triton.experimental.gluon import language as gl

from prototypes.coupled_quant.gluon_ptx import (
    asm_block_sync,
    asm_fetch,
    asm_fetch_word,
    asm_store_word,
)
from prototypes.weights.gluon_parts import zeros
from prototypes.weights.gluon_words import asm_count, asm_put

TOKENS = gl.constexpr(8)


@gluon.jit
def put(out, x_scales, token, output, outputs, value, there, SCALED: gl.constexpr):
    """Write results; with a scale a row, codes of weights were 16 times too large."""
    if SCALED:
        value = value * (gl.load(x_scales + token, mask=there, other=0.0) * 0.0625)
    gl.store(out + token * outputs + output, value.to(gl.float16), mask=there)


@gluon.jit
def leave(
    out,
    x_scales,
    left,
    join,
    sums,
    tid,
    strip,
    whole,
    rows,
    outputs,
    BLOCKS: gl.constexpr,
    WAYS: gl.constexpr,
    NW: gl.constexpr,
    SCALED: gl.constexpr,
):
    """Add up the ways of a strip through shared memory at `join`: into out, or, if others have
    a part of it, into `left` (8, strip)."""
    THREADS: gl.constexpr = 32 * NW
    STRIP: gl.constexpr = NW // WAYS * 16 * BLOCKS
    LINE: gl.constexpr = 16 * BLOCKS + 4
    lane = tid % 32
    put_at = join + tid // 32 * (TOKENS * LINE * 4)
    put_at += (lane % 4) * (2 * LINE * 4) + (lane // 4) * 4
    for b in gl.static_range(BLOCKS):
        spot = put_at + b * 64
        asm_put(spot, sums[b][0])
        asm_put(spot + LINE * 4, sums[b][1])
        asm_put(spot + 32, sums[b][2])
        asm_put(spot + LINE * 4 + 32, sums[b][3])
    join = asm_block_sync(join)
    for i in gl.static_range((TOKENS * STRIP + THREADS - 1) // THREADS):
        spot = i * THREADS + tid
        output = spot % STRIP
        token = spot // STRIP
        from_ = join + token * (LINE * 4) + (output % (16 * BLOCKS)) * 4
        from_ += (output // (16 * BLOCKS)) * (WAYS * TOKENS * LINE * 4)
        value = asm_fetch(from_)
        for w in gl.static_range(1, WAYS):
            value += asm_fetch(from_ + w * (TOKENS * LINE * 4))
        output += strip * STRIP
        inside = (token < rows) & (output < outputs)
        put(out, x_scales, token, output, outputs, value, inside & whole, SCALED)
        gl.store(left + spot, value, mask=inside & (whole == 0))


@gluon.jit
def join_shared(
    out,
    x_scales,
    partial,
    tickets,
    join,
    tid,
    begin,
    end,
    slices,
    units,
    programs,
    rows,
    outputs,
    STRIP: gl.constexpr,
    THREADS: gl.constexpr,
    SCALED: gl.constexpr,
):
    """Count who is done with this program's first and last strip; the last one adds them up."""
    SPOTS: gl.constexpr = (TOKENS * STRIP + THREADS - 1) // THREADS
    join = asm_block_sync(join)
    head = begin // slices
    tail = (end - 1) // slices
    head_shared = (begin % slices != 0) | (end < (head + 1) * slices)
    tail_shared = (tail != head) & (end % slices != 0)
    strip_of = gl.where(tid == 0, head, tail)
    takes = gl.where(((tid == 0) & head_shared) | ((tid == 1) & tail_shared), 1, 0)
    ticket = asm_count(tickets + strip_of, takes)
    asm_store_word(join + tid * 4, ticket, gl.where(tid < 2, 1, 0))
    join = asm_block_sync(join)
    nothing = tid.to(gl.float32) * 0.0
    for which in gl.static_range(2):
        mine = head if which == 0 else tail
        shared = head_shared if which == 0 else tail_shared
        earlier = mine * slices
        first = ((earlier + 1) * programs - 1) // units
        last = ((earlier + slices) * programs - 1) // units
        is_last = shared & (asm_fetch_word(join + which * 4 + tid * 0) == last - first)
        values = zeros(nothing, SPOTS)
        for other in range(first, gl.where(shared, last + 1, first)):
            theirs = other * 2 + gl.where(mine == other * units // programs // slices, 0, 1)
            summed = ()
            for i in gl.static_range(SPOTS):
                spot = i * THREADS + tid
                loaded = gl.load(
                    partial + theirs * (TOKENS * STRIP) + spot,
                    mask=is_last & (spot // STRIP < rows),
                    other=0.0,
                    cache_modifier=".cg",
                )
                summed = summed + (values[i] + loaded,)
            values = summed
        for i in gl.static_range(SPOTS):
            spot = i * THREADS + tid
            output = mine * STRIP + spot % STRIP
            token = spot // STRIP
            inside = is_last & (token < rows) & (output < outputs)
            put(out, x_scales, token, output, outputs, values[i], inside, SCALED)
        gl.store(tickets + mine + tid * 0, tid * 0, mask=is_last & (tid == 0))
