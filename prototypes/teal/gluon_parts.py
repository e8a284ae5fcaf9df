"""What both fast products do besides multiplying: instructions, and joining a stripe's shares."""

# Triton's own spelling: constants in capitals, arguments without Python types, tuples
# that are added up.
# ruff: noqa: N803, RUF005
# mypy: disable-error-code="no-untyped-def, untyped-decorator, misc"

from __future__ import annotations

from triton.experimental import gluon
from triton.experimental.gluon import language as gl

FOUR = gl.constexpr((gl.int32,) * 4)
FOUR_FLOATS = gl.constexpr((gl.float32,) * 4)
AT_ONCE = gl.constexpr(6)
"""Shares that are read before the first is added."""


@gluon.jit
def asm_words(pointer):
    """Four words of the list, which this program has written."""
    return gl.inline_asm_elementwise(
        "ld.global.v4.b32 {$0, $1, $2, $3}, [$4];",
        "=r,=r,=r,=r,l",
        [pointer],
        dtype=FOUR,
        is_pure=False,
        pack=1,
    )


@gluon.jit
def asm_store4_if(pointer, a, b, c, d, there):
    """Four floats to global memory, where `there` isn't 0."""
    return gl.inline_asm_elementwise(
        """{ .reg .pred p; setp.ne.b32 p, $6, 0;
        @p st.global.v4.b32 [$1], {$2, $3, $4, $5}; mov.b32 $0, 0; }""",
        "=r,l,r,r,r,r,r",
        [
            pointer,
            a.to(gl.int32, bitcast=True),
            b.to(gl.int32, bitcast=True),
            c.to(gl.int32, bitcast=True),
            d.to(gl.int32, bitcast=True),
            there,
        ],
        dtype=gl.int32,
        is_pure=False,
        pack=1,
    )


@gluon.jit
def asm_prefetch(pointer):
    """Have a line of global memory brought to the L2."""
    return gl.inline_asm_elementwise(
        "prefetch.global.L2 [$1]; mov.b32 $0, 0;",
        "=r,l",
        [pointer],
        dtype=gl.int32,
        is_pure=False,
        pack=1,
    )


@gluon.jit
def asm_sync(x):
    """Barrier of the whole program; ordered by what it passes through."""
    return gl.inline_asm_elementwise(
        "bar.sync 0; mov.b32 $0, $1;", "=r,r", [x], dtype=gl.int32, is_pure=False, pack=1
    )


@gluon.jit
def asm_fresh4_if(pointer, there):
    """Four floats that others wrote, where `there` isn't 0: not from this multiprocessor's L1."""
    return gl.inline_asm_elementwise(
        """{ .reg .pred p; setp.ne.b32 p, $5, 0;
        mov.f32 $0, 0f00000000; mov.f32 $1, 0f00000000;
        mov.f32 $2, 0f00000000; mov.f32 $3, 0f00000000;
        @p ld.global.cg.v4.f32 {$0, $1, $2, $3}, [$4]; }""",
        "=&f,=&f,=&f,=&f,l,r",
        [pointer, there],
        dtype=FOUR_FLOATS,
        is_pure=False,
        pack=1,
    )


@gluon.jit
def asm_store_halves_if(pointer, a, b, c, d, e, f, g, h, there):
    """Eight floats, rounded to halves, to global memory, where `there` isn't 0."""
    return gl.inline_asm_elementwise(
        """{ .reg .pred p; .reg .b32 x, y, z, w; setp.ne.b32 p, $10, 0;
        cvt.rn.f16x2.f32 x, $3, $2; cvt.rn.f16x2.f32 y, $5, $4;
        cvt.rn.f16x2.f32 z, $7, $6; cvt.rn.f16x2.f32 w, $9, $8;
        @p st.global.v4.b32 [$1], {x, y, z, w}; mov.b32 $0, 0; }""",
        "=r,l,f,f,f,f,f,f,f,f,r",
        [pointer.to(gl.int64), a, b, c, d, e, f, g, h, there],
        dtype=gl.int32,
        is_pure=False,
        pack=1,
    )


@gluon.jit
def join_shares(
    out,
    partial,
    tickets,
    begin,
    stripe,
    tid,
    done,
    outputs,
    SHARES: gl.constexpr,
):
    """Add up what a stripe's programs left in `partial`, in their order, if this one is the last.

    partial (SHARES, outputs) float32; tickets a zero a stripe, left as zeros. A thread has eight
    outputs of the stripe, which begins at `begin`.
    """
    # All threads' sums are written before one of them takes the ticket.
    done = asm_sync(done)
    ticket = gl.atomic_add(tickets + stripe, 1, sem="acq_rel")
    if ticket == SHARES - 1:
        # A loop: what runs once is fetched from memory, and that is what a call waits for.
        place = begin + tid * 8 + done
        own = gl.where(place < outputs, 1, 0)
        none = tid.to(gl.float32) * 0.0
        a0, a1, a2, a3, a4, a5, a6, a7 = none, none, none, none, none, none, none, none
        for other in range(0, SHARES, AT_ONCE):
            low = ()
            high = ()
            for i in gl.static_range(AT_ONCE):
                there = gl.where(other + i < SHARES, own, 0)
                at = partial + (other + i) * outputs + place
                low = low + (asm_fresh4_if(at, there),)
                high = high + (asm_fresh4_if(at + 4, there),)
            for i in gl.static_range(AT_ONCE):
                a0 += low[i][0]
                a1 += low[i][1]
                a2 += low[i][2]
                a3 += low[i][3]
                a4 += high[i][0]
                a5 += high[i][1]
                a6 += high[i][2]
                a7 += high[i][3]
        asm_store_halves_if(out + place, a0, a1, a2, a3, a4, a5, a6, a7, own)
        gl.store(tickets + stripe, 0)
