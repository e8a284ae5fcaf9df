"""Single PTX instructions for the fast kernel: one element of a tensor is one thread's register.

What has an effect, or has to stay where it is, is not pure: those keep their order.
"""

# Triton's own spelling: constants in capitals, arguments without Python types.
# ruff: noqa: N803
# mypy: disable-error-code="no-untyped-def, untyped-decorator"

from __future__ import annotations

from triton.experimental import gluon
from triton.experimental.gluon import language as gl

from prototypes.coupled_quant import ptx

DISTANCE_ASM = gl.constexpr(ptx.distance())


@gluon.jit
def asm_load4(pointer):
    """16 bytes of global memory."""
    return gl.inline_asm_elementwise(
        "ld.global.nc.v4.b32 {$0, $1, $2, $3}, [$4];",
        "=r,=r,=r,=r,l",
        [pointer],
        dtype=(gl.int32, gl.int32, gl.int32, gl.int32),
        is_pure=False,
        pack=1,
    )


@gluon.jit
def asm_load2(pointer):
    """8 bytes of global memory."""
    return gl.inline_asm_elementwise(
        "ld.global.nc.v2.b32 {$0, $1}, [$2];",
        "=r,=r,l",
        [pointer],
        dtype=(gl.int32, gl.int32),
        is_pure=False,
        pack=1,
    )


@gluon.jit
def asm_store4(address, a, b, c, d):
    """16 bytes to shared memory."""
    return gl.inline_asm_elementwise(
        "st.shared.v4.b32 [$1], {$2, $3, $4, $5}; mov.b32 $0, 0;",
        "=r,r,r,r,r,r",
        [address, a, b, c, d],
        dtype=gl.int32,
        is_pure=False,
        pack=1,
    )


@gluon.jit
def asm_store_scores(address, a, b, c, d):
    """Four floats, rounded to half precision, to shared memory."""
    return gl.inline_asm_elementwise(
        """{ .reg .b32 x, y;
        cvt.rn.f16x2.f32 x, $3, $2; cvt.rn.f16x2.f32 y, $5, $4;
        st.shared.v2.b32 [$1], {x, y}; mov.b32 $0, 0; }""",
        "=r,r,f,f,f,f",
        [address, a, b, c, d],
        dtype=gl.int32,
        is_pure=False,
        pack=1,
    )


@gluon.jit
def asm_store_weight(address, value):
    """One float as half precision to shared memory; gives back what it was rounded to."""
    return gl.inline_asm_elementwise(
        """{ .reg .b16 h; cvt.rn.f16.f32 h, $2; st.shared.b16 [$1], h; cvt.f32.f16 $0, h; }""",
        "=f,r,f",
        [address, value],
        dtype=gl.float32,
        is_pure=False,
        pack=1,
    )


@gluon.jit
def asm_load_weights(address, low, high):
    """A fragment: weights of 16 tokens, kept where the token's class is the row's."""
    return gl.inline_asm_elementwise(
        """{ .reg .b32 x, y;
        ld.shared.b32 x, [$4]; ld.shared.b32 y, [$4 + 16];
        and.b32 $0, x, $5; and.b32 $1, x, $6; and.b32 $2, y, $5; and.b32 $3, y, $6; }""",
        "=&r,=&r,=&r,=&r,r,r,r",
        [address, low, high],
        dtype=(gl.int32, gl.int32, gl.int32, gl.int32),
        is_pure=False,
        pack=1,
    )


@gluon.jit
def asm_warp_sync(x):
    """Barrier of the warp; ordered by what it passes through."""
    return gl.inline_asm_elementwise(
        "bar.warp.sync 0xffffffff; mov.b32 $0, $1;",
        "=r,r",
        [x],
        dtype=gl.int32,
        is_pure=False,
        pack=1,
    )


@gluon.jit
def asm_block_sync(x):
    """Barrier of the whole program."""
    return gl.inline_asm_elementwise(
        "bar.sync 0; mov.b32 $0, $1;", "=r,r", [x], dtype=gl.int32, is_pure=False, pack=1
    )


@gluon.jit
def asm_shared_base(x):
    """Address of the shared memory that was allocated."""
    return gl.inline_asm_elementwise(
        "mov.u32 $0, global_smem; add.u32 $0, $0, $1;",
        "=&r,r",
        [x],
        dtype=gl.int32,
        is_pure=True,
        pack=1,
    )


@gluon.jit
def asm_warp_max(a, b, c, d):
    """Highest of a warp of four floats, to half precision: a reference, not a result."""
    return gl.inline_asm_elementwise(
        """{ .reg .b32 x, y, u, v; .reg .b16 l, h;
        cvt.rn.f16x2.f32 x, $5, $4; cvt.rn.f16x2.f32 y, $7, $6;
        shfl.sync.bfly.b32 u, x, 16, 31, -1; max.f16x2 x, x, u;
        shfl.sync.bfly.b32 v, y, 16, 31, -1; max.f16x2 y, y, v;
        shfl.sync.bfly.b32 u, x, 8, 31, -1; max.f16x2 x, x, u;
        shfl.sync.bfly.b32 v, y, 8, 31, -1; max.f16x2 y, y, v;
        shfl.sync.bfly.b32 u, x, 4, 31, -1; max.f16x2 x, x, u;
        shfl.sync.bfly.b32 v, y, 4, 31, -1; max.f16x2 y, y, v;
        shfl.sync.bfly.b32 u, x, 2, 31, -1; max.f16x2 x, x, u;
        shfl.sync.bfly.b32 v, y, 2, 31, -1; max.f16x2 y, y, v;
        shfl.sync.bfly.b32 u, x, 1, 31, -1; max.f16x2 x, x, u;
        shfl.sync.bfly.b32 v, y, 1, 31, -1; max.f16x2 y, y, v;
        mov.b32 {l, h}, x; cvt.f32.f16 $0, l; cvt.f32.f16 $1, h;
        mov.b32 {l, h}, y; cvt.f32.f16 $2, l; cvt.f32.f16 $3, h; }""",
        "=&f,=&f,=&f,=&f,f,f,f,f",
        [a, b, c, d],
        dtype=(gl.float32, gl.float32, gl.float32, gl.float32),
        is_pure=False,
        pack=1,
    )


@gluon.jit
def asm_swap(x, DISTANCE: gl.constexpr):
    """The value of the lane whose number differs by this bit."""
    return gl.inline_asm_elementwise(
        "shfl.sync.bfly.b32 $0, $1, $2, 31, -1;",
        "=f,f,r",
        [x, DISTANCE],
        dtype=gl.float32,
        is_pure=False,
        pack=1,
    )


@gluon.jit
def warp_sum(x):
    """Sum over the lanes of a warp, in each of them."""
    x += asm_swap(x, 16)
    x += asm_swap(x, 8)
    x += asm_swap(x, 4)
    x += asm_swap(x, 2)
    return x + asm_swap(x, 1)


@gluon.jit
def asm_swap_whole(x, DISTANCE: gl.constexpr):
    """The same for a whole number."""
    return gl.inline_asm_elementwise(
        "shfl.sync.bfly.b32 $0, $1, $2, 31, -1;",
        "=r,r,r",
        [x, DISTANCE],
        dtype=gl.int32,
        is_pure=False,
        pack=1,
    )


@gluon.jit
def asm_store_pair(address, a, b, writes):
    """Two floats to shared memory, where `writes` isn't 0."""
    return gl.inline_asm_elementwise(
        """{ .reg .pred p; setp.ne.s32 p, $4, 0;
        @p st.shared.v2.b32 [$1], {$2, $3}; mov.b32 $0, 0; }""",
        "=r,r,f,f,r",
        [address, a, b, writes],
        dtype=gl.int32,
        is_pure=False,
        pack=1,
    )


@gluon.jit
def asm_store_word(address, a, writes):
    """A word to shared memory, where `writes` isn't 0."""
    return gl.inline_asm_elementwise(
        """{ .reg .pred p; setp.ne.s32 p, $3, 0;
        @p st.shared.b32 [$1], $2; mov.b32 $0, 0; }""",
        "=r,r,r,r",
        [address, a, writes],
        dtype=gl.int32,
        is_pure=False,
        pack=1,
    )


@gluon.jit
def asm_store_byte(address, a, writes):
    """A byte to shared memory, where `writes` isn't 0."""
    return gl.inline_asm_elementwise(
        """{ .reg .pred p; setp.ne.s32 p, $3, 0;
        @p st.shared.b8 [$1], $2; mov.b32 $0, 0; }""",
        "=r,r,r,r",
        [address, a, writes],
        dtype=gl.int32,
        is_pure=False,
        pack=1,
    )


@gluon.jit
def asm_fetch_word(address):
    """A word of shared memory."""
    return gl.inline_asm_elementwise(
        "ld.shared.b32 $0, [$1];", "=r,r", [address], dtype=gl.int32, is_pure=False, pack=1
    )


@gluon.jit
def asm_fetch(address):
    """A float of shared memory."""
    return gl.inline_asm_elementwise(
        "ld.shared.b32 $0, [$1];", "=f,r", [address], dtype=gl.float32, is_pure=False, pack=1
    )


@gluon.jit
def asm_ticket(pointer, takes):
    """Count on a counter of global memory where `takes` isn't 0: what it was before, else 0.

    What this thread, and all that it has met at a barrier, wrote before is visible to whoever
    counts after it.
    """
    return gl.inline_asm_elementwise(
        """{ .reg .pred p; setp.ne.s32 p, $2, 0; mov.b32 $0, 0; membar.gl;
        @p atom.global.acq_rel.gpu.add.u32 $0, [$1], 1; membar.gl; }""",
        "=&r,l,r",
        [pointer, takes],
        dtype=gl.int32,
        is_pure=False,
        pack=1,
    )


@gluon.jit
def asm_distance(a, b, c, d, e, f, g, h):
    """Squared distance of two vectors of eight halves, in float32."""
    return gl.inline_asm_elementwise(
        DISTANCE_ASM,
        "=f,r,r,r,r,r,r,r,r",
        [a, b, c, d, e, f, g, h],
        dtype=gl.float32,
        is_pure=True,
        pack=1,
    )
