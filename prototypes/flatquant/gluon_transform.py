"""The Kronecker transform and the rounding to 8 bits in one kernel for Hopper, in Gluon.

One warp copies tokens into a ring in shared memory; groups of warps take them in turn. A token x,
seen as (n1, n2), becomes P1ᵀ x P2: the second product takes the first one's sums from registers,
where the largest magnitude, the scale and the integers follow. P1ᵀ and P2 stay in shared memory.

Integers leave in the order in which threads hold them (`layout.stored_order`), 16 bytes a thread:
the weights' columns are put into the same order once, off-line.
"""

# Triton's own spelling: constants in capitals, arguments without Python types.
# ruff: noqa: N803, RUF005
# mypy: disable-error-code="assignment, no-untyped-def, untyped-decorator"

from __future__ import annotations

from triton.experimental import gluon
from triton.experimental.gluon import language as gl
from triton.experimental.gluon.language.nvidia.hopper import (
    fence_async_shared,
    mbarrier,
    tma,
    warpgroup_mma,
    warpgroup_mma_wait,
)

TO_INTEGER = gl.constexpr(12582912.0)
"""1.5·2²³: a small number added to it leaves its integer, rounded half to even, in the low bits."""

SMALLEST = gl.constexpr(1e-30)
"""As `reference.SMALLEST`."""


@gluon.jit
def transform_tokens(
    part: gl.constexpr, shared, N1: gl.constexpr, N2: gl.constexpr, ROWS: gl.constexpr,
    PARTS: gl.constexpr, STAGES: gl.constexpr, WORKERS: gl.constexpr, WARPS: gl.constexpr,
    LIMIT: gl.constexpr, CLAMP: gl.constexpr,
):  # fmt: skip
    """Transform and round every WORKERS-th token of the ring: the role of WARPS warps."""
    (
        left,
        right,
        tokens_in,
        ready,
        free,
        constants_ready,
        output,
        scales,
        mine,
        first,
        step,
        clip,
    ) = shared
    sums: gl.constexpr = gl.NVMMADistributedLayout([3, 0], [WARPS, 1], [16, N2, 16])
    operand: gl.constexpr = gl.DotOperandLayout(0, sums, 2)
    nothing = gl.full([ROWS, N2], 0.0, gl.float32, layout=sums)
    mbarrier.wait(constants_ready, 0)
    for turn in range(part, mine, WORKERS):
        slot = turn % STAGES
        mbarrier.wait(ready.index(slot), (turn // STAGES) & 1)
        u = warpgroup_mma(left[0], tokens_in[0].index(slot), nothing, use_acc=False, is_async=True)
        for piece in gl.static_range(1, PARTS):
            u = warpgroup_mma(left[piece], tokens_in[piece].index(slot), u, is_async=True)
        u = warpgroup_mma_wait(0, deps=[u])
        mbarrier.arrive(free.index(slot))
        half = gl.convert_layout(u.to(right.dtype), operand, assert_trivial=True)
        z = warpgroup_mma(half, right, nothing, use_acc=False, is_async=True)
        z, half = warpgroup_mma_wait(0, deps=[z, half])
        largest = gl.max(gl.max(gl.abs(z), axis=1), axis=0) * clip
        scale = largest / LIMIT
        up = gl.where(largest > SMALLEST, LIMIT / largest, 0.0)
        # Integers can't carry NaN: the scale does.
        scale = gl.where(largest < float("inf"), scale, float("nan"))
        z = z * up
        if CLAMP:
            z = gl.minimum(gl.maximum(z, -LIMIT - 1.0), LIMIT)
        q = (z + TO_INTEGER).to(gl.int32, bitcast=True).to(gl.int8)
        # A thread has two neighbours of every eight columns: all that it has of 64 side by side.
        q = q.reshape([ROWS, N2 // 64, 8, 4, 2]).permute((0, 1, 3, 2, 4)).reshape([ROWS, N2])
        stored: gl.constexpr = _stored(ROWS, N2, WARPS)
        q = gl.convert_layout(q, stored, assert_trivial=True)
        rows = gl.expand_dims(gl.arange(0, ROWS, layout=gl.SliceLayout(1, stored)), 1)
        columns = gl.expand_dims(gl.arange(0, N2, layout=gl.SliceLayout(0, stored)), 0)
        token = (first + turn * step).to(gl.int64)
        where = output + token * (N1 * N2) + (rows * N2 + columns)
        if N1 < ROWS:
            gl.store(where, q, mask=(rows < N1) & (columns < N2))
        else:
            gl.store(where, q)
        gl.store(scales + token, scale)


@gluon.jit
def bring_tokens(shared, N1: gl.constexpr, PARTS: gl.constexpr, STAGES: gl.constexpr):
    """Copy further tokens as places become free: the role of one warp."""
    tokens_from, tokens_in, ready, free, mine, first, step = shared
    for turn in range(STAGES, mine):
        slot = turn % STAGES
        mbarrier.wait(free.index(slot), ((turn // STAGES) & 1) ^ 1)
        bring_token(
            tokens_from, tokens_in, ready.index(slot), slot, (first + turn * step) * N1, PARTS
        )


@gluon.jit
def bring_token(tokens_from, tokens_in, here, slot, row, PARTS: gl.constexpr):
    """Start the copy of a token into its place."""
    at: gl.constexpr = (0, 64, 96)
    token_bytes: gl.constexpr = _bytes(tokens_from, PARTS)
    mbarrier.expect(here, token_bytes)
    for piece in gl.static_range(PARTS):
        tma.async_copy_global_to_shared(
            tokens_from[piece], [row + at[piece], 0], here, tokens_in[piece].index(slot)
        )


@gluon.jit
def bring_first(
    left_from, right_from, tokens_from, left, right, tokens_in, ready, constants_ready, mine,
    first, step, N1: gl.constexpr, PARTS: gl.constexpr, STAGES: gl.constexpr,
):  # fmt: skip
    """Start the copies of P1ᵀ, P2 and the tokens that there are places for, before roles begin."""
    constants: gl.constexpr = _bytes(left_from, PARTS) + right_from.block_type.nbytes
    at: gl.constexpr = (0, 64, 96)
    mbarrier.expect(constants_ready, constants)
    for piece in gl.static_range(PARTS):
        tma.async_copy_global_to_shared(
            left_from[piece], [0, at[piece]], constants_ready, left[piece]
        )
    tma.async_copy_global_to_shared(right_from, [0, 0], constants_ready, right)
    for slot in range(gl.minimum(mine, STAGES)):
        bring_token(
            tokens_from, tokens_in, ready.index(slot), slot, (first + slot * step) * N1, PARTS
        )


@gluon.constexpr_function
def _stored(rows, columns, warps):
    """Return which element is where after the turn: 16 neighbours of a row in a thread."""
    registers = [[0, 1], [0, 2], [0, 4], [0, 8]]
    registers += [[0, 64 << i] for i in range((columns // 64).bit_length() - 1)] + [[8, 0]]
    lanes = [[0, 16], [0, 32], [1, 0], [2, 0], [4, 0]]
    groups = [[16 << i, 0] for i in range(warps.bit_length() - 1)]
    registers += [[64, 0]] if rows > 16 * warps else []
    return gl.DistributedLinearLayout(registers, lanes, groups, [], [rows, columns])


@gluon.constexpr_function
def _bytes(descriptors, parts):
    return sum(descriptors[i].block_type.nbytes for i in range(parts))


@gluon.jit
def _room(descriptor, STAGES: gl.constexpr):
    return gl.allocate_shared_memory(
        descriptor.dtype,
        [STAGES] + descriptor.block_type.shape,
        descriptor.layout,
    )


@gluon.jit
def transform_kernel(
    left0, left1, left2, right_from, token0, token1, token2, output, scales, tokens, clip,
    N1: gl.constexpr, N2: gl.constexpr, ROWS: gl.constexpr, PARTS: gl.constexpr,
    STAGES: gl.constexpr, WORKERS: gl.constexpr, WARPS: gl.constexpr, LIMIT: gl.constexpr,
    CLAMP: gl.constexpr, REGISTERS: gl.constexpr,
):  # fmt: skip
    """Transform and round all tokens. Grid: programs that take every grid-th token.

    left: P1ᵀ (ROWS, n1), its columns in pieces of 64, 32, 16 (one where n1 is a power of two);
    right: P2 (n2, n2); token: x as (tokens·n1, n2), in pieces of as many rows; output
    (tokens, n1, n2) int8; scales (tokens,) float32.
    """
    first = gl.program_id(0)
    step = gl.num_programs(0)
    mine = gl.cdiv(tokens - first, step)
    right = gl.allocate_shared_memory(
        right_from.dtype, right_from.block_type.shape, right_from.layout
    )
    if PARTS == 3:
        left_from = (left0, left1, left2)
        tokens_from = (token0, token1, token2)
        left = (_room(left0, 1).index(0), _room(left1, 1).index(0), _room(left2, 1).index(0))
        tokens_in = (_room(token0, STAGES), _room(token1, STAGES), _room(token2, STAGES))
    else:
        left_from = (left0,)
        tokens_from = (token0,)
        left = (_room(left0, 1).index(0),)
        tokens_in = (_room(token0, STAGES),)
    ready = gl.allocate_shared_memory(gl.int64, [STAGES, 1], mbarrier.MBarrierLayout())
    free = gl.allocate_shared_memory(gl.int64, [STAGES, 1], mbarrier.MBarrierLayout())
    constants_ready = gl.allocate_shared_memory(gl.int64, [1], mbarrier.MBarrierLayout())
    for i in gl.static_range(STAGES):
        mbarrier.init(ready.index(i), count=1)
        mbarrier.init(free.index(i), count=1)
    mbarrier.init(constants_ready, count=1)
    fence_async_shared()
    shared = (
        left, right, tokens_in, ready, free, constants_ready, output, scales, mine, first, step,
        clip,
    )  # fmt: skip
    bringing = (tokens_from, tokens_in, ready, free, mine, first, step)
    bring_first(
        left_from, right_from, tokens_from, left, right, tokens_in, ready, constants_ready, mine,
        first, step, N1, PARTS, STAGES,
    )  # fmt: skip
    if WORKERS == 4:
        gl.warp_specialize(
            [
                (
                    transform_tokens,
                    (0, shared, N1, N2, ROWS, PARTS, STAGES, 4, WARPS, LIMIT, CLAMP),
                ),
                (
                    transform_tokens,
                    (1, shared, N1, N2, ROWS, PARTS, STAGES, 4, WARPS, LIMIT, CLAMP),
                ),
                (
                    transform_tokens,
                    (2, shared, N1, N2, ROWS, PARTS, STAGES, 4, WARPS, LIMIT, CLAMP),
                ),
                (
                    transform_tokens,
                    (3, shared, N1, N2, ROWS, PARTS, STAGES, 4, WARPS, LIMIT, CLAMP),
                ),
                (bring_tokens, (bringing, N1, PARTS, STAGES)),
            ],
            [WARPS, WARPS, WARPS, 1],
            [REGISTERS, REGISTERS, REGISTERS, 24],
        )
    elif WORKERS == 3:
        gl.warp_specialize(
            [
                (
                    transform_tokens,
                    (0, shared, N1, N2, ROWS, PARTS, STAGES, 3, WARPS, LIMIT, CLAMP),
                ),
                (
                    transform_tokens,
                    (1, shared, N1, N2, ROWS, PARTS, STAGES, 3, WARPS, LIMIT, CLAMP),
                ),
                (
                    transform_tokens,
                    (2, shared, N1, N2, ROWS, PARTS, STAGES, 3, WARPS, LIMIT, CLAMP),
                ),
                (bring_tokens, (bringing, N1, PARTS, STAGES)),
            ],
            [WARPS, WARPS, 1],
            [REGISTERS, REGISTERS, 24],
        )
    else:
        gl.warp_specialize(
            [
                (
                    transform_tokens,
                    (0, shared, N1, N2, ROWS, PARTS, STAGES, 2, WARPS, LIMIT, CLAMP),
                ),
                (
                    transform_tokens,
                    (1, shared, N1, N2, ROWS, PARTS, STAGES, 2, WARPS, LIMIT, CLAMP),
                ),
                (bring_tokens, (bringing, N1, PARTS, STAGES)),
            ],
            [WARPS, 1],
            [REGISTERS, 24],
        )
