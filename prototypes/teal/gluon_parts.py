"""What the fast product does besides multiplying: instructions, and joining a stripe's shares."""

# Triton's own spelling: constants in capitals, arguments without Python types.
# ruff: noqa: N803
# mypy: disable-error-code="no-untyped-def, untyped-decorator"

from __future__ import annotations

from triton.experimental import gluon
from triton.experimental.gluon import language as gl

FOUR = gl.constexpr((gl.int32,) * 4)


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
    WIDTH: gl.constexpr,
    THREADS: gl.constexpr,
):
    """Add up what a stripe's programs left in `partial`, in their order, if this one is the last.

    partial (SHARES, outputs) float32; tickets a zero a stripe, left as zeros.
    """
    # All threads' sums are written before one of them takes the ticket.
    done = asm_sync(done)
    ticket = gl.atomic_add(tickets + stripe, 1, sem="acq_rel")
    if ticket == SHARES - 1:
        for e in gl.static_range(WIDTH // THREADS):
            place = begin + e * THREADS + tid + done
            inside = place < outputs
            total = tid.to(gl.float32) * 0.0
            for other in gl.static_range(SHARES):
                # Other multiprocessors wrote them: not from this one's L1.
                total += gl.load(
                    partial + other * outputs + place, mask=inside, other=0.0, cache_modifier=".cg"
                )
            gl.store(out + place, total.to(gl.float16), mask=inside)
        gl.store(tickets + stripe, 0)
