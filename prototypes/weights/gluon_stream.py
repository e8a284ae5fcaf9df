"""W4A16 for many rows, with Hopper's asynchronous products: weights widened in registers.

One warp brings tiles of x into shared memory; two groups of four warps take 64 outputs each. A
group reads its codes straight from global memory, a few steps ahead; while the matrix unit works
on one step it widens the next one's codes, which are the left operand in registers. No 16-bit
copy of the weights exists anywhere else.

Tiles that don't fill a round of all programs are cut into equal runs of units (stream-K), which
come first; whoever is done last with a tile joins its pieces, in the order of the programs.
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
from prototypes.weights.gluon_words import asm_count

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
def segment(n, share, begin, whole, units, program, programs):
    """The tile, its first unit and the number of units that begin at a program's n-th unit.

    `share` units from `begin` on are of tiles from `whole` on, which programs cut up; then whole
    tiles follow. A tile has `units`.
    """
    cut = n < share
    item = gl.where(cut, whole + (begin + n) // units, program + (n - share) // units * programs)
    first = gl.where(cut, (begin + n) % units, 0)
    return item, first, gl.where(cut, gl.minimum(units - first, share - n), units)


@gluon.jit
def put(acc, out_descriptor, out_tile, item, row_tiles, part: gl.constexpr, TOKENS: gl.constexpr):
    """Write a group's part of a tile of the result."""
    tma.store_wait(0)
    out_tile.permute((1, 0)).store(acc.to(gl.float16))
    fence_async_shared()
    where = [(item % row_tiles) * TOKENS, ((item // row_tiles) * 2 + part) * HALF]
    tma.async_copy_shared_to_global(out_descriptor, where, out_tile)


@gluon.jit
def places(layout: gl.constexpr, TOKENS: gl.constexpr):
    """Where a thread's sums lie among a piece's."""
    row = gl.arange(0, 64, layout=gl.SliceLayout(1, layout))
    token = gl.arange(0, TOKENS, layout=gl.SliceLayout(0, layout))
    return gl.expand_dims(row, 1) * TOKENS + gl.expand_dims(token, 0)


@gluon.jit
def join(cut, part: gl.constexpr, partial, tickets, out_descriptor, out_tile, begin, whole, stream,
         units, programs, row_tiles, TOKENS: gl.constexpr):  # fmt: skip
    """Count that this program is done with a tile that others have pieces of; the last joins."""
    layout: gl.constexpr = gl.NVMMADistributedLayout([3, 0], [4, 1], [16, TOKENS, 16])
    thread = gl.arange(0, 128, layout=gl.BlockedLayout([1], [32], [4], [0]))
    # A reduction over all warps is a barrier: pieces are written before the ticket is drawn.
    nothing = gl.inline_asm_elementwise(
        "mov.b32 $0, 0;", "=r,r", [thread], dtype=gl.int32, is_pure=False, pack=1
    )
    at = tickets + cut * 2 + part + gl.max(nothing, axis=0)
    ticket = gl.max(asm_count(at + thread * 0, gl.where(thread == 0, 1, 0)), axis=0)
    first = ((cut * units + 1) * programs - 1) // (stream * units)
    last = ((cut * units + units) * programs - 1) // (stream * units)
    if ticket == last - first:
        acc = gl.full([64, TOKENS], 0.0, gl.float32, layout=layout)
        for other in range(first, last + 1):
            theirs = gl.where(cut == other * (stream * units) // programs // units, 0, 1)
            theirs = ((other * 2 + theirs) * 2 + part) * (64 * TOKENS)
            acc += gl.load(partial + theirs + places(layout, TOKENS), cache_modifier=".cg")
        put(acc, out_descriptor, out_tile, whole + cut, row_tiles, part, TOKENS)
        gl.store(at, 0)


@gluon.jit
def multiply(part: gl.constexpr, x_tiles, ready, free, out_descriptor, out_tiles, packed, scales,
             partial, tickets, program, programs, whole, stream, row_tiles, units, tiles, columns,
             TOKENS: gl.constexpr, STAGES: gl.constexpr, AHEAD: gl.constexpr):  # fmt: skip
    """Take 64 outputs of each of this program's tiles: the role of four warps."""
    layout: gl.constexpr = gl.NVMMADistributedLayout([3, 0], [4, 1], [16, TOKENS, 16])
    out_tile = out_tiles.index(part)
    begin = program * (stream * units) // programs
    share = (program + 1) * (stream * units) // programs - begin
    total = share + whole // programs * units
    done = 0
    n = 0
    item, first, length = segment(n, share, begin, whole, units, program, programs)
    tile = gl.minimum((item // row_tiles) * 2 + part, tiles - 1)
    coming = ()
    for early in gl.static_range(AHEAD):
        coming = coming + (fetch(packed, scales, first * AHEAD + early, tile, tiles, columns),)
    weights = widened(coming[0][0], coming[0][1])
    while n < total:
        next_item, next_first, next_length = segment(
            gl.minimum(n + length, total - 1), share, begin, whole, units, program, programs
        )
        next_tile = gl.minimum((next_item // row_tiles) * 2 + part, tiles - 1)
        acc = gl.full([64, TOKENS], 0.0, gl.float32, layout=layout)
        mbarrier.wait(ready.index(done % STAGES), (done // STAGES) & 1)
        for unit in range(length):
            # Each place of the codes by its own name: moving them on would wait for their arrival.
            # Behind the last unit come the first codes of what is next.
            ends = unit + 1 >= length
            far_tile = gl.where(ends, next_tile, tile)
            far_step = gl.where(ends, next_first, first + unit + 1) * AHEAD
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
                    ready.index(done % STAGES),
                    (done // STAGES) & 1,
                    pred=(unit + 1 < length) | (i + 1 < AHEAD),
                )
                acc, weights = warpgroup_mma_wait(0, deps=[acc, weights])
                mbarrier.arrive(free.index(place))
                weights = following
            coming = refilled
        if length == units:
            put(acc, out_descriptor, out_tile, item, row_tiles, part, TOKENS)
        else:
            slot = gl.where(item - whole == begin // units, 0, 1)
            left = partial + ((program * 2 + slot) * 2 + part) * (64 * TOKENS)
            gl.store(left + places(layout, TOKENS), acc)
        n += length
        item = next_item
        first = next_first
        length = next_length
        tile = next_tile
    if share > 0:
        head = begin // units
        tail = (begin + share - 1) // units
        if (begin % units != 0) | (begin + share < (head + 1) * units):
            join(head, part, partial, tickets, out_descriptor, out_tile, begin, whole, stream,
                 units, programs, row_tiles, TOKENS)  # fmt: skip
        if (tail != head) & ((begin + share) % units != 0):
            join(tail, part, partial, tickets, out_descriptor, out_tile, begin, whole, stream,
                 units, programs, row_tiles, TOKENS)  # fmt: skip
    tma.store_wait(0)


@gluon.jit
def bring(x_descriptor, x_tiles, ready, free, program, programs, whole, stream, row_tiles, units,
          TOKENS: gl.constexpr, STAGES: gl.constexpr, AHEAD: gl.constexpr):  # fmt: skip
    """Copy tiles of x into the ring as places become free: the role of one warp."""
    begin = program * (stream * units) // programs
    share = (program + 1) * (stream * units) // programs - begin
    total = share + whole // programs * units
    done = 0
    n = 0
    while n < total:
        item, first, length = segment(n, share, begin, whole, units, program, programs)
        row = (item % row_tiles) * TOKENS
        for step in range(length * AHEAD):
            place = done % STAGES
            mbarrier.wait(free.index(place), ((done // STAGES) & 1) ^ 1)
            mbarrier.expect(ready.index(place), x_descriptor.block_type.nbytes)
            where = [row, (first * AHEAD + step) * STEP]
            tma.async_copy_global_to_shared(
                x_descriptor, where, ready.index(place), x_tiles.index(place)
            )
            done += 1
        n += length


@gluon.jit(do_not_specialize=["whole", "stream", "row_tiles", "units", "tiles", "columns"])
def large(
    x_descriptor,
    packed,
    scales,
    out_descriptor,
    partial,
    tickets,
    whole,
    stream,
    row_tiles,
    units,
    tiles,
    columns,
    TOKENS: gl.constexpr,
    STAGES: gl.constexpr,
    AHEAD: gl.constexpr,
    REGISTERS: gl.constexpr,
):
    """out (rows, outputs) = x (rows, inputs) W^T; tiles of TOKENS rows by 128 outputs.

    Descriptors: x in boxes (TOKENS, 64), out in (TOKENS, 64). packed, scales: `packing`, int32.
    partial (programs, 2, 2, 64, TOKENS) float32; tickets (2 stream,) int32 zeros, and zeros again
    afterwards. `whole` tiles, a multiple of the programs, are taken as they are, then `stream` are
    cut up; `row_tiles` lie side by side. A tile has `units` of AHEAD steps of 64 inputs; the layer
    `tiles` of 64 outputs and `columns` of 64 inputs.
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
    one: gl.constexpr = 0
    two: gl.constexpr = 1
    gl.warp_specialize(
        [
            (multiply, (
                one, x_tiles, ready, free, out_descriptor, out_tiles, packed, scales, partial,
                tickets, program, programs, whole, stream, row_tiles, units, tiles, columns, TOKENS,
                STAGES, AHEAD,
            )),
            (multiply, (
                two, x_tiles, ready, free, out_descriptor, out_tiles, packed, scales, partial,
                tickets, program, programs, whole, stream, row_tiles, units, tiles, columns, TOKENS,
                STAGES, AHEAD,
            )),
            (bring, (
                x_descriptor, x_tiles, ready, free, program, programs, whole, stream, row_tiles,
                units, TOKENS, STAGES, AHEAD,
            )),
        ],
        [4, 1],
        [REGISTERS, 24],
    )  # fmt: skip
