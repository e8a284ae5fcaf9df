"""PTX instructions of `gluon_steps`: one element of a tensor is one thread's register."""

# Triton's own spelling: constants in capitals, arguments without Python types.
# ruff: noqa: N803
# mypy: disable-error-code="no-untyped-def, untyped-decorator"

from __future__ import annotations

from triton.experimental import gluon
from triton.experimental.gluon import language as gl

FOUR_WORDS = gl.constexpr((gl.int32,) * 4)
TURNS = gl.constexpr(
    {n: f"cp.async.wait_group {n}; bar.warp.sync 0xffffffff; mov.b32 $0, $1;" for n in range(12)}
)


@gluon.jit
def asm_turn(x, PENDING: gl.constexpr):
    """Wait until at most so many groups of each lane's copies are under way; for a warp."""
    return gl.inline_asm_elementwise(
        TURNS[PENDING], "=r,r", [x], dtype=gl.int32, is_pure=False, pack=1
    )


@gluon.jit
def asm_copy16_wide(address, pointer, size):
    """Start copying 16 bytes into shared memory, of which global has `size` (0 or 16); the bytes
    around them are wanted too."""
    return gl.inline_asm_elementwise(
        "cp.async.cg.shared.global.L2::256B [$1], [$2], 16, $3; mov.b32 $0, 0;",
        "=r,r,l,r",
        [address, pointer, size],
        dtype=gl.int32,
        is_pure=False,
        pack=1,
    )


@gluon.jit
def asm_copy16_if(address, pointer, size, does):
    """Start copying 16 bytes, of which global has `size`, where `does` isn't 0."""
    return gl.inline_asm_elementwise(
        """{ .reg .pred p; setp.ne.s32 p, $4, 0;
        @p cp.async.cg.shared.global [$1], [$2], 16, $3; mov.b32 $0, 0; }""",
        "=r,r,l,r,r",
        [address, pointer, size, does],
        dtype=gl.int32,
        is_pure=False,
        pack=1,
    )


@gluon.jit
def asm_copy4(address, pointer, size):
    """Start copying a word into shared memory, of which global has `size` (0 or 4) bytes."""
    return gl.inline_asm_elementwise(
        "cp.async.ca.shared.global [$1], [$2], 4, $3; mov.b32 $0, 0;",
        "=r,r,l,r",
        [address, pointer, size],
        dtype=gl.int32,
        is_pure=False,
        pack=1,
    )


@gluon.jit
def asm_fetch4(address):
    """16 bytes of shared memory."""
    return gl.inline_asm_elementwise(
        "ld.shared.v4.b32 {$0, $1, $2, $3}, [$4];",
        "=r,=r,=r,=r,r",
        [address],
        dtype=FOUR_WORDS,
        is_pure=False,
        pack=1,
    )


@gluon.jit
def asm_fetch_scales(address):
    """A word of shared memory."""
    return gl.inline_asm_elementwise(
        "ld.shared.b32 $0, [$1];", "=r,r", [address], dtype=gl.int32, is_pure=False, pack=1
    )


@gluon.jit
def asm_put_if(address, value, does):
    """A float to shared memory, where `does` isn't 0."""
    return gl.inline_asm_elementwise(
        """{ .reg .pred p; setp.ne.s32 p, $3, 0;
        @p st.shared.f32 [$1], $2; mov.b32 $0, 0; }""",
        "=r,r,f,r",
        [address, value, does],
        dtype=gl.int32,
        is_pure=False,
        pack=1,
    )


@gluon.jit
def asm_let_begin(x):
    """Let launches begin that depend on this one."""
    return gl.inline_asm_elementwise(
        "griddepcontrol.launch_dependents; mov.b32 $0, $1;",
        "=r,r",
        [x],
        dtype=gl.int32,
        is_pure=False,
        pack=1,
    )


@gluon.jit
def asm_wait_begun(x):
    """Wait until the launches that this one depends on are done, with all they wrote."""
    return gl.inline_asm_elementwise(
        "griddepcontrol.wait; mov.b32 $0, $1;",
        "=r,r",
        [x],
        dtype=gl.int32,
        is_pure=False,
        pack=1,
    )


@gluon.jit
def asm_ask(pointer, does):
    """Ask for 128 bytes of global memory to be brought into the L2 cache, where `does` isn't 0."""
    return gl.inline_asm_elementwise(
        """{ .reg .pred p; setp.ne.s32 p, $2, 0;
        @p prefetch.global.L2 [$1]; mov.b32 $0, 0; }""",
        "=r,l,r",
        [pointer, does],
        dtype=gl.int32,
        is_pure=False,
        pack=1,
    )
