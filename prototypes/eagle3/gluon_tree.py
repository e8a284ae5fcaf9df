"""Tree attention for Hopper with roles for warps, in Gluon: Triton's language, layouts explicit.

One warp brings tiles of K and V into shared memory; two groups of four warps take 64 queries each,
so that one's softmax runs beside the other's products. Mathematics, parts and join as in
`triton_tree_kernels`. Rows of a cache that the last tile reaches past the last node are read and
weighed with zero: they have to be finite.
"""

# Triton's own spelling: constants in capitals, arguments without Python types.
# ruff: noqa: N803, RUF005
# mypy: disable-error-code="no-untyped-def, untyped-decorator"

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

from prototypes.attention.eight_bit.gluon_parts import as_operand, lane_sums, packed, power_of_two

GROUP_ROWS = gl.constexpr(64)
GROUPS = gl.constexpr(2)
ROWS = 128
"""Queries of one program: 64 a group."""
HALVES = gl.constexpr("fp16")


@gluon.jit
def attend(
    part: gl.constexpr, q, query_tiles, rings, masks, spread, ends, sums, tops, weights, scale,
    QUERIES: gl.constexpr, NODES: gl.constexpr, KEYS: gl.constexpr, DIM: gl.constexpr,
    STAGES: gl.constexpr,
):  # fmt: skip
    """Attend with 64 queries to the tiles of a span: the role of four warps."""
    first_row, low, whole, high = spread
    length, slot = ends
    scores: gl.constexpr = gl.NVMMADistributedLayout([3, 0], [4, 1], [16, KEYS, 16])
    rows_of: gl.constexpr = gl.SliceLayout(1, scores)
    sums_of: gl.constexpr = gl.NVMMADistributedLayout([3, 0], [4, 1], [16, DIM, 16])
    sums_rows: gl.constexpr = gl.SliceLayout(1, sums_of)
    loaded: gl.constexpr = gl.BlockedLayout([1, 8], [256 // DIM, DIM // 8], [4, 1], [1, 0])
    mine = first_row + part * GROUP_ROWS
    query_tile = query_tiles.index(part)
    here = gl.expand_dims(mine + gl.arange(0, GROUP_ROWS, layout=gl.SliceLayout(1, loaded)), 1)
    wide = gl.expand_dims(gl.arange(0, DIM, layout=gl.SliceLayout(0, loaded)), 0)
    query_tile.store(gl.load(q + here * DIM + wide, mask=here < QUERIES, other=0.0))
    fence_async_shared()
    own = mine + gl.arange(0, GROUP_ROWS, layout=rows_of)
    seen = gl.load(masks + own % NODES, mask=own < QUERIES, other=0)
    words = (seen.to(gl.int32), (seen >> 32).to(gl.int32))
    nothing = gl.full([GROUP_ROWS, KEYS], 0.0, gl.float32, layout=scores)
    highest = gl.full([GROUP_ROWS], float("-inf"), gl.float32, layout=rows_of)
    total = lane_sums(nothing, KEYS)
    acc = gl.full([GROUP_ROWS, DIM], 0.0, gl.float32, layout=sums_of)
    for tile in range(low, whole):
        highest, total, acc = step(
            highest, total, acc, query_tile, rings, nothing, words, length, tile, tile - low,
            scale, False, NODES, KEYS, DIM, STAGES,
        )  # fmt: skip
    for tile in range(whole, high):
        highest, total, acc = step(
            highest, total, acc, query_tile, rings, nothing, words, length, tile, tile - low,
            scale, True, NODES, KEYS, DIM, STAGES,
        )  # fmt: skip
    place = slot * QUERIES + own
    gl.store(tops + place, highest, mask=own < QUERIES)
    weight = gl.convert_layout(gl.sum(total, axis=1), rows_of)
    gl.store(weights + place, weight, mask=own < QUERIES)
    rows = gl.expand_dims(mine + gl.arange(0, GROUP_ROWS, layout=sums_rows), 1)
    columns = gl.expand_dims(gl.arange(0, DIM, layout=gl.SliceLayout(0, sums_of)), 0)
    gl.store(sums + (slot * QUERIES + rows) * DIM + columns, acc, mask=rows < QUERIES)


@gluon.jit
def step(
    highest, total, acc, query_tile, rings, nothing, words, length, tile, number, scale,
    MASKED: gl.constexpr, NODES: gl.constexpr, KEYS: gl.constexpr, DIM: gl.constexpr,
    STAGES: gl.constexpr,
):  # fmt: skip
    """Take one tile: scores, softmax, P·V."""
    key_tiles, value_tiles, key_ready, key_free, value_ready, value_free = rings
    scores: gl.constexpr = nothing.type.layout
    sums_of: gl.constexpr = acc.type.layout
    place = number % STAGES
    phase = (number // STAGES) & 1
    mbarrier.wait(key_ready.index(place), phase)
    x = warpgroup_mma(
        query_tile, key_tiles.index(place).permute((1, 0)), nothing, use_acc=False, is_async=True
    )
    x = warpgroup_mma_wait(0, deps=[x])
    mbarrier.arrive(key_free.index(place))
    if MASKED:
        token = tile * KEYS + gl.arange(0, KEYS, layout=gl.SliceLayout(0, scores))
        node = gl.expand_dims(gl.minimum(gl.maximum(token - length, 0), 63), 0)
        low, high = words
        word = gl.where(node < 32, gl.expand_dims(low, 1), gl.expand_dims(high, 1))
        ancestor = ((word >> (node & 31)) & 1) != 0
        token = gl.expand_dims(token, 0)
        x = gl.where((token < length) | (ancestor & (token < length + NODES)), x, float("-inf"))
    new = gl.maximum(highest, gl.max(x, axis=1) * scale)
    base = new
    if MASKED:
        # A tile of which a row sees nothing.
        base = gl.where(new == float("-inf"), 0.0, new)
    p = power_of_two(x * scale - gl.expand_dims(base, 1))
    shrink = power_of_two(highest - base)
    halves = packed(p, KEYS, HALVES)
    kept = gl.convert_layout(shrink, gl.SliceLayout(1, total.type.layout))
    more = gl.convert_layout(lane_sums(p, KEYS), total.type.layout, assert_trivial=True)
    total = total * gl.expand_dims(kept, 1) + more
    shrink = gl.convert_layout(shrink, gl.SliceLayout(1, sums_of), assert_trivial=True)
    # The compiler doesn't move the softmax past a wait.
    mbarrier.wait(value_ready.index(place), phase)
    left = as_operand(halves, KEYS, DIM, HALVES)
    acc = acc * gl.expand_dims(shrink, 1)
    acc = warpgroup_mma(left, value_tiles.index(place), acc, is_async=True)
    acc = warpgroup_mma_wait(0, deps=[acc])
    mbarrier.arrive(value_free.index(place))
    return new, total, acc


@gluon.jit
def bring(
    key_descriptor, value_descriptor, rings, base, spread, KEYS: gl.constexpr,
    STAGES: gl.constexpr,
):  # fmt: skip
    """Copy tiles of K and V into the rings as places become free: the role of one warp."""
    key_tiles, value_tiles, key_ready, key_free, value_ready, value_free = rings
    _, low, _, high = spread
    for tile in range(low, high):
        number = tile - low
        place = number % STAGES
        phase = (number // STAGES) & 1
        where = [base + tile * KEYS, 0]
        mbarrier.wait(key_free.index(place), phase ^ 1)
        mbarrier.expect(key_ready.index(place), key_descriptor.block_type.nbytes)
        tma.async_copy_global_to_shared(
            key_descriptor, where, key_ready.index(place), key_tiles.index(place)
        )
        mbarrier.wait(value_free.index(place), phase ^ 1)
        mbarrier.expect(value_ready.index(place), value_descriptor.block_type.nbytes)
        tma.async_copy_global_to_shared(
            value_descriptor, where, value_ready.index(place), value_tiles.index(place)
        )


@gluon.jit(do_not_specialize=["capacity"])
def tree_kernel(
    q, key_descriptor, value_descriptor, lengths, masks, sums, tops, weights, capacity, scale,
    KV_HEADS: gl.constexpr, QUERIES: gl.constexpr, NODES: gl.constexpr, DIM: gl.constexpr,
    KEYS: gl.constexpr, SPLITS: gl.constexpr, STAGES: gl.constexpr, REGISTERS: gl.constexpr,
):  # fmt: skip
    """Write parts of the answer of 128 queries of one row over one span of its tokens.

    Arguments as `triton_tree_kernels.tree_kernel` has them. REGISTERS: of a thread that attends.
    """
    tiles_m: gl.constexpr = (QUERIES + GROUP_ROWS * GROUPS - 1) // (GROUP_ROWS * GROUPS)
    program = gl.program_id(0)
    tile_m = program % tiles_m
    split = program // tiles_m % SPLITS
    row = program // (tiles_m * SPLITS)
    sequence = row // KV_HEADS
    length = gl.load(lengths + sequence)
    tiles = gl.cdiv(length + NODES, KEYS)
    low = split * tiles // SPLITS
    high = (split + 1) * tiles // SPLITS
    whole = gl.maximum(low, gl.minimum(length // KEYS, high))
    key_tiles = gl.allocate_shared_memory(
        key_descriptor.dtype, [STAGES] + key_descriptor.block_type.shape, key_descriptor.layout
    )
    value_tiles = gl.allocate_shared_memory(
        value_descriptor.dtype,
        [STAGES] + value_descriptor.block_type.shape,
        value_descriptor.layout,
    )
    query_layout: gl.constexpr = gl.NVMMASharedLayout.get_default_for([GROUP_ROWS, DIM], gl.float16)
    query_tiles = gl.allocate_shared_memory(gl.float16, [GROUPS, GROUP_ROWS, DIM], query_layout)
    key_ready = gl.allocate_shared_memory(gl.int64, [STAGES, 1], mbarrier.MBarrierLayout())
    key_free = gl.allocate_shared_memory(gl.int64, [STAGES, 1], mbarrier.MBarrierLayout())
    value_ready = gl.allocate_shared_memory(gl.int64, [STAGES, 1], mbarrier.MBarrierLayout())
    value_free = gl.allocate_shared_memory(gl.int64, [STAGES, 1], mbarrier.MBarrierLayout())
    for i in gl.static_range(STAGES):
        mbarrier.init(key_ready.index(i), count=1)
        mbarrier.init(key_free.index(i), count=GROUPS)
        mbarrier.init(value_ready.index(i), count=1)
        mbarrier.init(value_free.index(i), count=GROUPS)
    fence_async_shared()
    rings = (key_tiles, value_tiles, key_ready, key_free, value_ready, value_free)
    spread = (tile_m * (GROUP_ROWS * GROUPS), low, whole, high)
    ends = (length, row.to(gl.int64) * SPLITS + split)
    q += row.to(gl.int64) * QUERIES * DIM
    masks += sequence * NODES
    first: gl.constexpr = 0
    second: gl.constexpr = 1
    gl.warp_specialize(
        [
            (attend, (
                first, q, query_tiles, rings, masks, spread, ends, sums, tops, weights, scale,
                QUERIES, NODES, KEYS, DIM, STAGES,
            )),
            (attend, (
                second, q, query_tiles, rings, masks, spread, ends, sums, tops, weights, scale,
                QUERIES, NODES, KEYS, DIM, STAGES,
            )),
            (bring, (
                key_descriptor, value_descriptor, rings, row * capacity, spread, KEYS, STAGES,
            )),
        ],
        [4, 1],
        [REGISTERS, 24],
    )  # fmt: skip
