"""8-bit attention for Hopper with roles for warps, in Gluon: Triton's language, layouts explicit.

One warp brings tiles of K and V into shared memory; two groups of four warps take 64 queries each.
A group starts the scores of tile j and P·V of tile j - 1, and takes the softmax of j after both;
the groups overlap each other. Mathematics as in `triton_attention`, which does what this doesn't:
FP16 scores, other devices, rows that see no key.
"""

# Triton's own spelling: constants in capitals, arguments without Python types.
# ruff: noqa: N803, N806, RUF005
# mypy: disable-error-code="no-untyped-def, untyped-decorator"

from __future__ import annotations

from triton.experimental import gluon
from triton.experimental.gluon import language as gl
from triton.experimental.gluon.language.nvidia.hopper import (
    fence_async_shared,
    mbarrier,
    warpgroup_mma,
    warpgroup_mma_wait,
)

from prototypes.attention.eight_bit.gluon_parts import (
    GROUP_ROWS,
    TO_INTEGER,
    as_operand,
    bring,
    packed,
    softmax,
)

LOG2E = gl.constexpr(1.4426950408889634)
ROWS = 128
"""Queries of one program."""


@gluon.jit
def attend(
    part: gl.constexpr,
    query,
    key_tiles,
    value_tiles,
    query_tiles,
    key_ready,
    key_free,
    value_ready,
    value_free,
    turns,
    key_scale,
    value_scale,
    poison,
    output,
    first_row,
    queries,
    keys,
    last_offset,
    full_tiles,
    tiles,
    poisons,
    factor,
    shift,
    KEYS: gl.constexpr,
    DIM: gl.constexpr,
    STAGES: gl.constexpr,
    QUERY_BLOCK: gl.constexpr,
    KEY_BLOCK: gl.constexpr,
    POISONS: gl.constexpr,
    WEIGHTS: gl.constexpr,
    VALUE_SCALE: gl.constexpr,
    TURNS: gl.constexpr,
    TWO_LEVELS: gl.constexpr,
    LATE: gl.constexpr,
):
    """Attend with 64 queries to all tiles: the role of four warps."""
    scores: gl.constexpr = gl.NVMMADistributedLayout([3, 0], [4, 1], [16, KEYS, 32])
    rows_of: gl.constexpr = gl.SliceLayout(1, scores)
    K: gl.constexpr = 16 if WEIGHTS == "fp16" else 32
    sums: gl.constexpr = gl.NVMMADistributedLayout([3, 0], [4, 1], [16, DIM, K])
    sums_rows: gl.constexpr = gl.SliceLayout(1, sums)
    PRODUCT: gl.constexpr = gl.int32 if WEIGHTS == "int8" else gl.float32

    loaded: gl.constexpr = gl.BlockedLayout([1, 8], [256 // DIM, DIM // 8], [4, 1], [1, 0])
    rows = (
        first_row + part * GROUP_ROWS + gl.arange(0, GROUP_ROWS, layout=gl.SliceLayout(1, loaded))
    )
    columns = gl.arange(0, DIM, layout=gl.SliceLayout(0, loaded))
    offsets = gl.expand_dims(rows, 1) * DIM + gl.expand_dims(columns, 0)
    inside = gl.expand_dims(rows, 1) < queries
    q = gl.load(query + offsets, mask=inside, other=0.0).to(gl.float32)
    largest = gl.max(gl.abs(q), axis=1)
    if QUERY_BLOCK > 1:
        most = gl.max(largest, axis=0)
        if QUERY_BLOCK > GROUP_ROWS:
            others = first_row + (1 - part) * GROUP_ROWS
            others = others + gl.arange(0, GROUP_ROWS, layout=gl.SliceLayout(1, loaded))
            offsets_ = gl.expand_dims(others, 1) * DIM + gl.expand_dims(columns, 0)
            beside = gl.load(query + offsets_, mask=gl.expand_dims(others, 1) < queries, other=0.0)
            most = gl.maximum(most, gl.max(gl.max(gl.abs(beside.to(gl.float32)), axis=1), axis=0))
        largest = gl.full_like(largest, 0.0) + most
    scale = gl.where(largest == 0.0, 1.0, gl.div_rn(largest, 127.0))
    up = gl.where(largest == 0.0, 1.0, gl.div_rn(127.0, largest))
    q = gl.fma(q, gl.expand_dims(up, 1), TO_INTEGER).to(gl.int32, bitcast=True).to(gl.int8)
    query_tile = query_tiles.index(part)
    query_tile.store(q)
    fence_async_shared()
    row_scale = gl.convert_layout(scale, rows_of) * factor
    last = first_row + part * GROUP_ROWS + gl.arange(0, GROUP_ROWS, layout=rows_of) + last_offset
    last = gl.minimum(last, keys - 1)

    every = gl.arange(0, POISONS, layout=gl.BlockedLayout([1], [32], [4], [0]))
    spoiled = gl.sum(gl.load(poison + every, mask=every < poisons, other=0.0), axis=0)

    highest = gl.full([GROUP_ROWS], float("-inf"), gl.float32, layout=rows_of)
    total = gl.full([GROUP_ROWS], 0.0, gl.float32, layout=rows_of)
    acc = gl.full([GROUP_ROWS, DIM], 0.0, gl.float32, layout=sums)
    no_scores = gl.full([GROUP_ROWS, KEYS], 0, gl.int32, layout=scores)
    no_sums = gl.full([GROUP_ROWS, DIM], 0, PRODUCT, layout=sums)

    mbarrier.wait(key_ready.index(0), 0)
    if TURNS:
        mbarrier.wait(turns.index(part), 1 - part)
    x = warpgroup_mma(
        query_tile, key_tiles.index(0).permute((1, 0)), no_scores, use_acc=False, is_async=True
    )
    if TURNS:
        mbarrier.arrive(turns.index(1 - part))
    x = warpgroup_mma_wait(0, deps=[x])
    mbarrier.arrive(key_free.index(0))
    p, highest, total, shrink = softmax(
        x,
        row_scale,
        key_scale,
        0,
        keys,
        last,
        highest,
        total,
        shift,
        True,
        KEYS,
        KEY_BLOCK,
        WEIGHTS,
    )
    p = packed(p, KEYS, WEIGHTS)
    if LATE:
        mbarrier.wait(value_ready.index(0), 0)
    before = gl.maximum(full_tiles, 1)
    for tile in range(1, before):
        p, highest, total, acc, shrink = step(
            p, highest, total, acc, shrink, query_tile, key_tiles, value_tiles, key_ready,
            key_free, value_ready, value_free, turns, key_scale, row_scale, tile, keys, last, shift,
            no_scores, no_sums, False, KEYS, DIM, STAGES, KEY_BLOCK, WEIGHTS, part, TURNS,
            TWO_LEVELS, LATE,
        )  # fmt: skip
    for tile in range(before, tiles):
        p, highest, total, acc, shrink = step(
            p, highest, total, acc, shrink, query_tile, key_tiles, value_tiles, key_ready,
            key_free, value_ready, value_free, turns, key_scale, row_scale, tile, keys, last, shift,
            no_scores, no_sums, True, KEYS, DIM, STAGES, KEY_BLOCK, WEIGHTS, part, TURNS,
            TWO_LEVELS, LATE,
        )  # fmt: skip
    place = (tiles - 1) % STAGES
    if not LATE:
        mbarrier.wait(value_ready.index(place), ((tiles - 1) // STAGES) & 1)
    v = value_tiles.index(place)
    if WEIGHTS != "fp16":
        v = v.permute((1, 0))
    left = as_operand(p, KEYS, DIM, WEIGHTS)
    if TWO_LEVELS:
        product = warpgroup_mma(left, v, no_sums, use_acc=False, is_async=True)
        product = warpgroup_mma_wait(0, deps=[product])
        shrink = gl.convert_layout(shrink, sums_rows, assert_trivial=True)
        acc = acc * gl.expand_dims(shrink, 1) + product.to(gl.float32)
    else:
        acc = warpgroup_mma(left, v, acc, is_async=True)
        acc = warpgroup_mma_wait(0, deps=[acc])
    # Integers can't carry NaN.
    total += row_scale * 0.0 + spoiled
    total = gl.convert_layout(gl.where(total == 0.0, 1.0, total), sums_rows, assert_trivial=True)
    acc = acc / gl.expand_dims(total, 1)
    columns = gl.arange(0, DIM, layout=gl.SliceLayout(0, sums))
    if VALUE_SCALE:
        acc = acc * gl.expand_dims(gl.load(value_scale + columns), 0)
    rows = first_row + part * GROUP_ROWS + gl.arange(0, GROUP_ROWS, layout=sums_rows)
    offsets = gl.expand_dims(rows, 1) * DIM + gl.expand_dims(columns, 0)
    gl.store(output + offsets, acc.to(gl.float16), mask=gl.expand_dims(rows, 1) < queries)


@gluon.jit
def step(
    p, highest, total, acc, shrink, query_tile, key_tiles, value_tiles, key_ready, key_free,
    value_ready, value_free, turns, key_scale, row_scale, tile, keys, last, shift, no_scores,
    no_sums, MASKED: gl.constexpr, KEYS: gl.constexpr, DIM: gl.constexpr, STAGES: gl.constexpr,
    KEY_BLOCK: gl.constexpr, WEIGHTS: gl.constexpr, part: gl.constexpr, TURNS: gl.constexpr,
    TWO_LEVELS: gl.constexpr, LATE: gl.constexpr,
):  # fmt: skip
    """Start the scores of a tile and P·V of the one before; take the softmax; add P·V."""
    sums_rows: gl.constexpr = gl.SliceLayout(1, acc.type.layout)
    place = tile % STAGES
    earlier = (tile - 1) % STAGES
    v = value_tiles.index(earlier)
    if WEIGHTS != "fp16":
        v = v.permute((1, 0))
    mbarrier.wait(key_ready.index(place), (tile // STAGES) & 1)
    if not LATE:
        mbarrier.wait(value_ready.index(earlier), ((tile - 1) // STAGES) & 1)
    if TURNS:
        mbarrier.wait(turns.index(part), (tile & 1) ^ (1 - part))
    x = warpgroup_mma(
        query_tile, key_tiles.index(place).permute((1, 0)), no_scores, use_acc=False, is_async=True
    )
    left = as_operand(p, KEYS, DIM, WEIGHTS)
    if TWO_LEVELS:
        product = warpgroup_mma(left, v, no_sums, use_acc=False, is_async=True)
    else:
        product = warpgroup_mma(left, v, acc, is_async=True)
    if TURNS:
        mbarrier.arrive(turns.index(1 - part))
    x = warpgroup_mma_wait(1, deps=[x])
    mbarrier.arrive(key_free.index(place))
    old = shrink
    next_p, highest, total, shrink = softmax(
        x, row_scale, key_scale, tile * KEYS, keys, last, highest, total, shift, MASKED, KEYS,
        KEY_BLOCK, WEIGHTS,
    )  # fmt: skip
    if LATE:
        # Before the products are waited for: the compiler doesn't move the softmax past it.
        mbarrier.wait(value_ready.index(place), (tile // STAGES) & 1)
    # With the weights, whose registers the matrix unit still reads until then.
    product, p = warpgroup_mma_wait(0, deps=[product, p])
    mbarrier.arrive(value_free.index(earlier))
    if TWO_LEVELS:
        old = gl.expand_dims(gl.convert_layout(old, sums_rows, assert_trivial=True), 1)
        acc = acc * old + product.to(gl.float32)
    else:
        now = gl.expand_dims(gl.convert_layout(shrink, sums_rows, assert_trivial=True), 1)
        acc = product * now
    return packed(next_p, KEYS, WEIGHTS), highest, total, acc, shrink


@gluon.jit
def attention_kernel(
    query,
    key_descriptor,
    value_descriptor,
    key_scale,
    value_scale,
    poison,
    output,
    queries,
    keys,
    padded_keys,
    heads,
    group,
    softmax_scale,
    shift,
    ROWS: gl.constexpr,
    KEYS: gl.constexpr,
    DIM: gl.constexpr,
    STAGES: gl.constexpr,
    QUERY_BLOCK: gl.constexpr,
    KEY_BLOCK: gl.constexpr,
    POISONS: gl.constexpr,
    WEIGHTS: gl.constexpr,
    VALUE_SCALE: gl.constexpr,
    CAUSAL: gl.constexpr,
    REGISTERS: gl.constexpr,
    TURNS: gl.constexpr,
    TWO_LEVELS: gl.constexpr,
    LATE: gl.constexpr,
):
    """Write 128 rows of the output of one head. Grid: (blocks of queries, batch·heads)."""
    # Blocks of one head side by side, so that its K and V stay in the L2; the longest ones first.
    head = gl.program_id(1)
    block = gl.num_programs(0) - 1 - gl.program_id(0)
    kv_head = head // heads * (heads // group) + head % heads // group
    first_row = block * ROWS
    tiles = gl.cdiv(keys, KEYS)
    full_tiles = keys // KEYS
    last_offset = keys
    if CAUSAL:
        last_offset = keys - queries
        full_tiles = gl.minimum(full_tiles, (first_row + last_offset + 1) // KEYS)
        tiles = gl.minimum(tiles, gl.cdiv(first_row + ROWS + last_offset, KEYS))
    TURNED: gl.constexpr = WEIGHTS != "fp16"
    value_row = kv_head * DIM if TURNED else kv_head * keys
    key_scale += kv_head.to(gl.int64) * (padded_keys // KEY_BLOCK)
    value_scale += kv_head * DIM
    poisons = padded_keys // 128 * 2
    poison += kv_head * poisons
    query += head.to(gl.int64) * queries * DIM
    output += head.to(gl.int64) * queries * DIM
    factor = softmax_scale * LOG2E

    key_tiles = gl.allocate_shared_memory(
        key_descriptor.dtype, [STAGES] + key_descriptor.block_type.shape, key_descriptor.layout
    )
    value_tiles = gl.allocate_shared_memory(
        value_descriptor.dtype,
        [STAGES] + value_descriptor.block_type.shape,
        value_descriptor.layout,
    )
    query_layout: gl.constexpr = gl.NVMMASharedLayout.get_default_for([GROUP_ROWS, DIM], gl.int8)
    query_tiles = gl.allocate_shared_memory(gl.int8, [2, GROUP_ROWS, DIM], query_layout)
    key_ready = gl.allocate_shared_memory(gl.int64, [STAGES, 1], mbarrier.MBarrierLayout())
    key_free = gl.allocate_shared_memory(gl.int64, [STAGES, 1], mbarrier.MBarrierLayout())
    value_ready = gl.allocate_shared_memory(gl.int64, [STAGES, 1], mbarrier.MBarrierLayout())
    value_free = gl.allocate_shared_memory(gl.int64, [STAGES, 1], mbarrier.MBarrierLayout())
    # Whose turn it is to use the matrix unit: one group's softmax beside the other's products.
    turns = gl.allocate_shared_memory(gl.int64, [2, 1], mbarrier.MBarrierLayout())
    mbarrier.init(turns.index(0), count=1)
    mbarrier.init(turns.index(1), count=1)
    for i in gl.static_range(STAGES):
        mbarrier.init(key_ready.index(i), count=1)
        mbarrier.init(key_free.index(i), count=2)
        mbarrier.init(value_ready.index(i), count=1)
        mbarrier.init(value_free.index(i), count=2)
    fence_async_shared()

    first: gl.constexpr = 0
    second: gl.constexpr = 1
    gl.warp_specialize(
        [
            (attend, (
                first, query, key_tiles, value_tiles, query_tiles, key_ready, key_free,
                value_ready, value_free, turns, key_scale, value_scale, poison, output, first_row,
                queries, keys, last_offset, full_tiles, tiles, poisons, factor, shift, KEYS, DIM,
                STAGES, QUERY_BLOCK, KEY_BLOCK, POISONS, WEIGHTS, VALUE_SCALE, TURNS, TWO_LEVELS,
                LATE,
            )),
            (attend, (
                second, query, key_tiles, value_tiles, query_tiles, key_ready, key_free,
                value_ready, value_free, turns, key_scale, value_scale, poison, output, first_row,
                queries, keys, last_offset, full_tiles, tiles, poisons, factor, shift, KEYS, DIM,
                STAGES, QUERY_BLOCK, KEY_BLOCK, POISONS, WEIGHTS, VALUE_SCALE, TURNS, TWO_LEVELS,
                LATE,
            )),
            (bring, (
                key_descriptor, value_descriptor, key_tiles, value_tiles, key_ready, key_free,
                value_ready, value_free, kv_head * keys, value_row, tiles, KEYS, DIM, STAGES,
                TURNED,
            )),
        ],
        [4, 1],
        [REGISTERS, 24],
    )  # fmt: skip
