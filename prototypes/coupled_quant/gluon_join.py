"""Joins the fast kernel's sums: of the warps of a program, then of the programs of a head.

The program of a head that is done last joins what all have left in global memory, in the order of
the splits, so that the result doesn't depend on who was last.
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
    asm_store_pair,
    asm_store_word,
    asm_swap,
    asm_ticket,
)

SUMS_AT = gl.constexpr(4096)
"""Where the warps leave their sums; before it, what the tickets need, maxima and totals."""
AT_ONCE = gl.constexpr(16)
"""Splits that are loaded before the first is used."""


@gluon.jit
def join_warps(
    sums,
    highest,
    total,
    base,
    tid,
    my_head,
    NW: gl.constexpr,
):
    """Put the program's sums into shared memory: each warp's, on a common scale.

    sums: 64 registers of a lane as `value_step` leaves them; highest and total: of this lane's own
    head, the same in all lanes of a warp with that head. A group's sum is spread over four classes:
    two in a lane's registers, two in the lane whose number differs by 16.
    """
    lane = tid % 32
    warp = tid // 32
    base = asm_block_sync(base)
    highest = gl.where(total > 0.0, highest, float("-inf"))
    first = gl.where((lane % 4 == 0) & (lane < 16), 1, 0)
    asm_store_pair(base + (warp * 4 + my_head) * 8, highest, total, first)
    base = asm_block_sync(base)
    top = highest
    for other in gl.static_range(NW):
        top = gl.maximum(top, asm_fetch(base + (other * 4 + my_head) * 8))
    factor = gl.where(total > 0.0, gl.exp2(highest - top), 0.0)
    at = base + SUMS_AT + warp * 2048 + my_head * 512 + (lane % 4) * 8
    writes = gl.where(lane < 16, 1, 0)
    for i in gl.static_range(16):
        x = sums[4 * ((i + 4) % 16)] + sums[4 * ((i + 12) % 16) + 2]
        y = sums[4 * ((i + 4) % 16) + 1] + sums[4 * ((i + 12) % 16) + 3]
        x += asm_swap(sums[4 * i] + sums[4 * ((i + 8) % 16) + 2], 16)
        y += asm_swap(sums[4 * i + 1] + sums[4 * ((i + 8) % 16) + 3], 16)
        asm_store_pair(at + ((i + 4) % 16) * 32, x * factor, y * factor, writes)
    return asm_block_sync(base)


@gluon.jit
def join_programs(
    base,
    tid,
    partial,
    partial_max,
    partial_sum,
    tickets,
    output,
    head,
    split,
    splits,
    NW: gl.constexpr,
):
    """Leave this program's partial result; join all of the head's if this one is the last.

    partial (batch * kv_heads, splits, 4, 128), its max (log2) and sum without the last axis;
    tickets (batch * kv_heads,) int32, zeros, and zeros again afterwards.
    """
    THREADS: gl.constexpr = 32 * NW
    EACH: gl.constexpr = 512 // THREADS
    for e in gl.static_range(EACH):
        place = e * THREADS + tid
        query = place // 128
        value = asm_fetch(base + SUMS_AT + place * 4)
        for warp in gl.static_range(1, NW):
            value += asm_fetch(base + SUMS_AT + warp * 2048 + place * 4)
        top = asm_fetch(base + query * 8)
        for warp in gl.static_range(1, NW):
            top = gl.maximum(top, asm_fetch(base + (warp * 4 + query) * 8))
        total = tid.to(gl.float32) * 0.0
        for warp in gl.static_range(NW):
            own = asm_fetch(base + (warp * 4 + query) * 8)
            weight = asm_fetch(base + (warp * 4 + query) * 8 + 4)
            total += gl.where(weight > 0.0, gl.exp2(own - top) * weight, 0.0)
        row = (head * splits + split) * 4 + query
        gl.store(partial + row * 128 + place % 128, value)
        gl.store(partial_max + row, top, mask=place % 128 == 0)
        gl.store(partial_sum + row, total, mask=place % 128 == 0)
    base = asm_block_sync(base)
    takes = gl.where(tid == 0, 1, 0)
    ticket = asm_ticket(tickets + head + tid * 0, takes)
    asm_store_word(base + 2048, ticket, takes)
    base = asm_block_sync(base)
    is_last = asm_fetch_word(base + 2048) == splits - 1
    for e in gl.static_range(EACH):
        place = e * THREADS + tid
        query = place // 128
        top = tid.to(gl.float32) * 0.0 - 1.0e30
        total = tid.to(gl.float32) * 0.0
        value = total
        for begin in range(0, splits, AT_ONCE):
            maxima = ()
            totals = ()
            values = ()
            for i in gl.static_range(AT_ONCE):
                there = is_last & (begin + i < splits)
                row = (head * splits + begin + i) * 4 + query
                maxima = maxima + (
                    gl.load(partial_max + row, mask=there, other=-1.0e30, cache_modifier=".cg"),
                )
                totals = totals + (
                    gl.load(partial_sum + row, mask=there, other=0.0, cache_modifier=".cg"),
                )
                values = values + (
                    gl.load(
                        partial + row * 128 + place % 128,
                        mask=there,
                        other=0.0,
                        cache_modifier=".cg",
                    ),
                )
            highest = top
            for i in gl.static_range(AT_ONCE):
                highest = gl.maximum(highest, maxima[i])
            decay = gl.exp2(top - highest)
            total *= decay
            value *= decay
            top = highest
            for i in gl.static_range(AT_ONCE):
                factor = gl.exp2(maxima[i] - highest)
                total += factor * totals[i]
                value += factor * values[i]
        gl.store(output + head * 512 + place, (value / total).to(gl.float16), mask=is_last)
    gl.store(tickets + head + tid * 0, tid * 0, mask=is_last & (tid == 0))
