"""W4A16 for many rows, with Hopper's asynchronous products: weights widened in registers.

One warp brings tiles of x into shared memory; two groups of four warps take 64 outputs each. A
group reads its codes straight from global memory, a few steps ahead; while the matrix unit works
on one step it widens the next one's codes, which are the left operand in registers. No 16-bit
copy of the weights exists anywhere else.
"""

# Triton's own spelling: constants in capitals, arguments without Python types, tuples
# that are added up.
# ruff: noqa: N803, RUF005
# mypy: disable-error-code="no-untyped-def, untyped-decorator, assignment, var-annotated, misc"

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

from prototypes.weights import ptx

_WIDEN = ptx.widen_scaled()
WIDEN_ASM, WIDEN_OPERANDS = gl.constexpr(_WIDEN[0]), gl.constexpr(_WIDEN[1])
FOUR_WORDS = gl.constexpr((gl.int32,) * 4)
STEP = gl.constexpr(64)
"""Inputs of one step."""
HALF = gl.constexpr(64)
"""Outputs of one group of four warps."""


@gluon.jit
def fetch(packed, scales, step, tile, tiles, columns):
    """A thread's four words of codes of a step, (128, 4), and its two scales in a word, (128,)."""
    words: gl.constexpr = gl.BlockedLayout([1, 4], [32, 1], [4, 1], [1, 0])
    thread = gl.arange(0, 128, layout=gl.SliceLayout(1, words))
    word = gl.arange(0, 4, layout=gl.SliceLayout(0, words))
    at = (tile * columns + step) * 512
    codes = gl.load(packed + at + gl.expand_dims(thread, 1) * 4 + gl.expand_dims(word, 0))
    place = ((step // 2) * tiles + tile) * 32
    each = gl.load(scales + place + (thread % 32) // 4 * 4 + thread // 32)
    return codes, each


@gluon.jit
def widened(codes, each):
    """Weights times scales, (64 outputs, 32 pairs of inputs) int32: nothing leaves its thread."""
    a, b, c, d = gl.inline_asm_elementwise(
        WIDEN_ASM,
        WIDEN_OPERANDS,
        [codes, gl.expand_dims(each, 1)],
        dtype=FOUR_WORDS,
        is_pure=True,
        pack=1,
    )
    # thread (warp, g, t), step of 16, row half, column half
    x = gl.join(gl.join(a, b), gl.join(c, d))
    x = x.reshape([4, 8, 4, 4, 2, 2]).permute([0, 4, 1, 3, 5, 2])
    return x.reshape([64, 32])


@gluon.jit
def as_operand(words, TOKENS: gl.constexpr):
    """Words as the left operand: a change of names."""
    sums: gl.constexpr = gl.NVMMADistributedLayout([3, 0], [4, 1], [16, TOKENS, 16])
    operand: gl.constexpr = gl.DotOperandLayout(0, sums, 2)
    twice = gl.join(words, words).reshape([64, 64])
    twice = gl.convert_layout(twice, operand, assert_trivial=True)
    return gl.inline_asm_elementwise(
        "mov.b32 $0, $1;", "=r,r,r", [twice], dtype=gl.float16, is_pure=True, pack=2
    )


@gluon.jit
def multiply(part: gl.constexpr, x_tiles, ready, free, out_descriptor, out_tiles, packed, scales,
             program, programs, work, row_tiles, steps, tiles, columns, TOKENS: gl.constexpr,
             STAGES: gl.constexpr, AHEAD: gl.constexpr):  # fmt: skip
    """Take 64 outputs of each of this program's tiles: the role of four warps."""
    layout: gl.constexpr = gl.NVMMADistributedLayout([3, 0], [4, 1], [16, TOKENS, 16])
    out_tile = out_tiles.index(part)
    done = 0
    tile = gl.minimum((program // row_tiles) * 2 + part, tiles - 1)
    coming = ()
    for early in gl.static_range(AHEAD):
        coming = coming + (fetch(packed, scales, early, tile, tiles, columns),)
    weights = widened(coming[0][0], coming[0][1])
    for item in range(program, work, programs):
        next_item = gl.minimum(item + programs, work - 1)
        next_tile = gl.minimum((next_item // row_tiles) * 2 + part, tiles - 1)
        acc = gl.full([64, TOKENS], 0.0, gl.float32, layout=layout)
        mbarrier.wait(ready.index(done % STAGES), (done // STAGES) & 1)
        for first in range(0, steps, AHEAD):
            # Each place of the codes by its own name: moving them on would wait for their arrival.
            # Behind the last step come the first ones of the next tile.
            wraps = first + AHEAD >= steps
            far_tile = gl.where(wraps, next_tile, tile)
            far_step = gl.where(wraps, 0, first + AHEAD)
            refilled = ()
            for i in gl.static_range(AHEAD):
                place = done % STAGES
                acc = warpgroup_mma(
                    as_operand(weights, TOKENS), x_tiles.index(place).permute((1, 0)), acc,
                    is_async=True,
                )  # fmt: skip
                refilled = refilled + (
                    fetch(packed, scales, far_step + i, far_tile, tiles, columns),
                )
                if i + 1 < AHEAD:
                    following = widened(coming[i + 1][0], coming[i + 1][1])
                else:
                    following = widened(refilled[0][0], refilled[0][1])
                done += 1
                # Before the product is waited for: the compiler doesn't move the widening past it.
                mbarrier.wait(
                    ready.index(done % STAGES), (done // STAGES) & 1, pred=first + i + 1 < steps
                )
                acc, weights = warpgroup_mma_wait(0, deps=[acc, weights])
                mbarrier.arrive(free.index(place))
                weights = following
            coming = refilled
        tile = next_tile
        tma.store_wait(0)
        out_tile.permute((1, 0)).store(acc.to(gl.float16))
        fence_async_shared()
        where = [(item % row_tiles) * TOKENS, ((item // row_tiles) * 2 + part) * HALF]
        tma.async_copy_shared_to_global(out_descriptor, where, out_tile)
    tma.store_wait(0)


@gluon.jit
def bring(x_descriptor, x_tiles, ready, free, program, programs, work, row_tiles, steps,
          TOKENS: gl.constexpr, STAGES: gl.constexpr):  # fmt: skip
    """Copy tiles of x into the ring as places become free: the role of one warp."""
    done = 0
    for item in range(program, work, programs):
        row = (item % row_tiles) * TOKENS
        for step in range(steps):
            place = done % STAGES
            mbarrier.wait(free.index(place), ((done // STAGES) & 1) ^ 1)
            mbarrier.expect(ready.index(place), x_descriptor.block_type.nbytes)
            tma.async_copy_global_to_shared(
                x_descriptor, [row, step * STEP], ready.index(place), x_tiles.index(place)
            )
            done += 1


@gluon.jit(do_not_specialize=["work", "row_tiles", "steps", "tiles", "columns"])
def large(
    x_descriptor,
    packed,
    scales,
    out_descriptor,
    work,
    row_tiles,
    steps,
    tiles,
    columns,
    TOKENS: gl.constexpr,
    STAGES: gl.constexpr,
    AHEAD: gl.constexpr,
    REGISTERS: gl.constexpr,
):
    """out (rows, outputs) = x (rows, inputs) W^T; tiles of TOKENS rows by 128 outputs.

    Descriptors: x in boxes (TOKENS, 64), out in (TOKENS, 64). packed, scales: `packing`, int32.
    `work` tiles, `row_tiles` of them side by side; `steps` of 64 inputs, a multiple of AHEAD;
    `tiles` of 64 outputs.
    """
    program = gl.program_id(0)
    programs = gl.num_programs(0)
    x_tiles = gl.allocate_shared_memory(
        gl.float16, [STAGES] + x_descriptor.block_type.shape, x_descriptor.layout
    )
    out_tiles = gl.allocate_shared_memory(
        gl.float16, [2] + out_descriptor.block_type.shape, out_descriptor.layout
    )
    ready = gl.allocate_shared_memory(gl.int64, [STAGES, 1], mbarrier.MBarrierLayout())
    free = gl.allocate_shared_memory(gl.int64, [STAGES, 1], mbarrier.MBarrierLayout())
    for i in gl.static_range(STAGES):
        mbarrier.init(ready.index(i), count=1)
        mbarrier.init(free.index(i), count=2)
    fence_async_shared()
    first: gl.constexpr = 0
    second: gl.constexpr = 1
    gl.warp_specialize(
        [
            (multiply, (
                first, x_tiles, ready, free, out_descriptor, out_tiles, packed, scales, program,
                programs, work, row_tiles, steps, tiles, columns, TOKENS, STAGES, AHEAD,
            )),
            (multiply, (
                second, x_tiles, ready, free, out_descriptor, out_tiles, packed, scales, program,
                programs, work, row_tiles, steps, tiles, columns, TOKENS, STAGES, AHEAD,
            )),
            (bring, (
                x_descriptor, x_tiles, ready, free, program, programs, work, row_tiles, steps,
                TOKENS, STAGES,
            )),
        ],
        [4, 1],
        [REGISTERS, 24],
    )  # fmt: skip
