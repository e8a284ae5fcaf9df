"""Single PTX instructions of the 4-bit kernels: one element of a tensor is a thread's register."""

# Triton's own spelling: constants in capitals, arguments without Python types.
# ruff: noqa: N803
# mypy: disable-error-code="no-untyped-def, untyped-decorator"

from __future__ import annotations

from triton.experimental import gluon
from triton.experimental.gluon import language as gl

FOUR_WORDS = gl.constexpr((gl.int32,) * 4)
TWO_WORDS = gl.constexpr((gl.int32,) * 2)
WAITS = gl.constexpr({n: f"cp.async.wait_group {n}; bar.sync 0; mov.b32 $0, $1;" for n in range(8)})


@gluon.jit
def asm_copy16(address, pointer, size):
    """Start copying 16 bytes into shared memory: `size` (0 or 16) from global, the rest zeros."""
    return gl.inline_asm_elementwise(
        "cp.async.cg.shared.global [$1], [$2], 16, $3; mov.b32 $0, 0;",
        "=r,r,l,r",
        [address, pointer, size],
        dtype=gl.int32,
        is_pure=False,
        pack=1,
    )


@gluon.jit
def asm_commit(x):
    """Close the group of copies started so far."""
    return gl.inline_asm_elementwise(
        "cp.async.commit_group; mov.b32 $0, $1;",
        "=r,r",
        [x],
        dtype=gl.int32,
        is_pure=False,
        pack=1,
    )


@gluon.jit
def asm_arrived(x, PENDING: gl.constexpr):
    """Wait until at most so many groups of this thread's copies are under way; then for all."""
    return gl.inline_asm_elementwise(
        WAITS[PENDING], "=r,r", [x], dtype=gl.int32, is_pure=False, pack=1
    )


@gluon.jit
def asm_matrices(address):
    """Four 8 x 8 matrices of halves; this lane offers the row at `address`."""
    return gl.inline_asm_elementwise(
        "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {$0, $1, $2, $3}, [$4];",
        "=r,=r,=r,=r,r",
        [address],
        dtype=FOUR_WORDS,
        is_pure=False,
        pack=1,
    )


@gluon.jit
def asm_put(address, value):
    """A float to shared memory."""
    return gl.inline_asm_elementwise(
        "st.shared.f32 [$1], $2; mov.b32 $0, 0;",
        "=r,r,f",
        [address, value],
        dtype=gl.int32,
        is_pure=False,
        pack=1,
    )


@gluon.jit
def asm_load4_if(pointer, there):
    """16 bytes of global memory that nobody reads again, where `there` isn't 0; else zeros."""
    return gl.inline_asm_elementwise(
        """{ .reg .pred p; setp.ne.s32 p, $5, 0;
        mov.b32 $0, 0; mov.b32 $1, 0; mov.b32 $2, 0; mov.b32 $3, 0;
        @p ld.global.nc.L1::no_allocate.L2::256B.v4.b32 {$0, $1, $2, $3}, [$4]; }""",
        "=&r,=&r,=&r,=&r,l,r",
        [pointer, there],
        dtype=FOUR_WORDS,
        is_pure=False,
        pack=1,
    )


@gluon.jit
def asm_load2_if(pointer, there):
    """8 bytes of global memory, where `there` isn't 0; else zeros."""
    return gl.inline_asm_elementwise(
        """{ .reg .pred p; setp.ne.s32 p, $3, 0; mov.b32 $0, 0; mov.b32 $1, 0;
        @p ld.global.nc.L1::no_allocate.v2.b32 {$0, $1}, [$2]; }""",
        "=&r,=&r,l,r",
        [pointer, there],
        dtype=TWO_WORDS,
        is_pure=False,
        pack=1,
    )


@gluon.jit
def asm_count(pointer, takes):
    """Count on a counter of global memory where `takes` isn't 0: what it was before, else 0.

    What the program wrote before its last barrier is visible to whoever counts after it.
    """
    return gl.inline_asm_elementwise(
        """{ .reg .pred p; setp.ne.s32 p, $2, 0; mov.b32 $0, 0;
        @p atom.global.acq_rel.gpu.add.u32 $0, [$1], 1; }""",
        "=&r,l,r",
        [pointer, takes],
        dtype=gl.int32,
        is_pure=False,
        pack=1,
    )
