"""8-bit attention for Hopper with roles for warps, in Gluon: Triton's language, layouts explicit.

One warp brings tiles of K and V into shared memory; three groups of four warps take 64 queries
each: scores, softmax, P·V, one after the other. While one group computes, the others' products run.
A thread holds 64 scores or partial sums, never both, and 64 sums, so that three groups fit.
Mathematics as in `triton_attention`, which does what this doesn't: FP16 scores, other devices, rows
that see no key.
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
    as_operand,
    lane_sums,
    rounded_queries,
    softmax,
)
from prototypes.attention.eight_bit.gluon_work import GROUPS, bring, count_of, unit_of

LOG2E = gl.constexpr(1.4426950408889634)
ROWS = 192
"""Queries of a unit of work: 64 for each of three groups."""


@gluon.jit
def attend(
    part: gl.constexpr, query, query_tiles, rings, key_scale, value_scale, poison, output, sizes,
    units, factor, shift, KEYS: gl.constexpr, DIM: gl.constexpr, STAGES: gl.constexpr,
    QUERY_BLOCK: gl.constexpr, KEY_BLOCK: gl.constexpr, VALUE_BLOCK: gl.constexpr,
    POISONS: gl.constexpr, WEIGHTS: gl.constexpr, TWO_LEVELS: gl.constexpr, CAUSAL: gl.constexpr,
    TURNS: gl.constexpr, STAYS: gl.constexpr,
):  # fmt: skip
    """Attend with 64 queries of each unit to all its tiles: the role of four warps."""
    before = 0
    if STAYS:
        for turn in range(count_of(units)):
            before += attend_to_unit(
                turn, before, part, query, query_tiles, rings, key_scale, value_scale, poison,
                output, sizes, factor, shift, KEYS, DIM, STAGES, QUERY_BLOCK, KEY_BLOCK,
                VALUE_BLOCK, POISONS, WEIGHTS, TWO_LEVELS, CAUSAL, TURNS,
            )  # fmt: skip
    else:
        attend_to_unit(
            0, 0, part, query, query_tiles, rings, key_scale, value_scale, poison, output, sizes,
            factor, shift, KEYS, DIM, STAGES, QUERY_BLOCK, KEY_BLOCK, VALUE_BLOCK, POISONS, WEIGHTS,
            TWO_LEVELS, CAUSAL, TURNS,
        )  # fmt: skip


@gluon.jit
def attend_to_unit(
    turn, before, part: gl.constexpr, query, query_tiles, rings, key_scale, value_scale, poison,
    output, sizes, factor, shift, KEYS: gl.constexpr, DIM: gl.constexpr, STAGES: gl.constexpr,
    QUERY_BLOCK: gl.constexpr, KEY_BLOCK: gl.constexpr, VALUE_BLOCK: gl.constexpr,
    POISONS: gl.constexpr, WEIGHTS: gl.constexpr, TWO_LEVELS: gl.constexpr, CAUSAL: gl.constexpr,
    TURNS: gl.constexpr,
):  # fmt: skip
    """Attend with 64 queries of one unit; return its tiles."""
    queries, keys, _, _, _, _ = sizes
    padded_keys = gl.cdiv(keys, VALUE_BLOCK) * VALUE_BLOCK
    head, kv_head, first_row, tiles = unit_of(turn, sizes, KEYS, CAUSAL)
    at = head.to(gl.int64) * queries * DIM
    scales = key_scale + kv_head.to(gl.int64) * (padded_keys // KEY_BLOCK)
    poisons = padded_keys // VALUE_BLOCK * 2
    attend_to_rows(
        part, query + at, query_tiles.index(part), rings, scales,
        value_scale + kv_head * (padded_keys // VALUE_BLOCK), poison + kv_head * poisons, poisons,
        output + at, first_row + part * GROUP_ROWS, queries, keys, before, tiles, factor, shift,
        KEYS, DIM, STAGES, QUERY_BLOCK, KEY_BLOCK, VALUE_BLOCK, POISONS, WEIGHTS, TWO_LEVELS,
        CAUSAL, TURNS,
    )  # fmt: skip
    return tiles


@gluon.jit
def attend_to_rows(
    part: gl.constexpr, query, query_tile, rings, key_scale, value_scale, poison, poisons, output,
    mine, queries, keys, before, tiles, factor, shift, KEYS: gl.constexpr, DIM: gl.constexpr,
    STAGES: gl.constexpr, QUERY_BLOCK: gl.constexpr, KEY_BLOCK: gl.constexpr,
    VALUE_BLOCK: gl.constexpr, POISONS: gl.constexpr, WEIGHTS: gl.constexpr,
    TWO_LEVELS: gl.constexpr, CAUSAL: gl.constexpr, TURNS: gl.constexpr,
):  # fmt: skip
    """Attend with the 64 queries from `mine` on; pointers are the head's. `before`: how many tiles
    have been through the rings."""
    scores: gl.constexpr = gl.NVMMADistributedLayout([3, 0], [4, 1], [16, KEYS, 32])
    rows_of: gl.constexpr = gl.SliceLayout(1, scores)
    K: gl.constexpr = 16 if WEIGHTS == "fp16" else 32
    sums: gl.constexpr = gl.NVMMADistributedLayout([3, 0], [4, 1], [16, DIM, K])
    sums_rows: gl.constexpr = gl.SliceLayout(1, sums)
    scale = rounded_queries(query, query_tile, mine, queries, QUERY_BLOCK, DIM)
    fence_async_shared()
    row_scale = gl.convert_layout(scale, rows_of) * factor
    last = gl.full([GROUP_ROWS], 0, gl.int32, layout=rows_of) + (keys - 1)
    # A group of rows that aren't there does nothing.
    own_tiles = gl.where(mine < queries, tiles, 0)
    full_tiles = gl.minimum(keys // KEYS, own_tiles)
    if CAUSAL:
        seen = mine + keys - queries
        last = gl.minimum(last, seen + gl.arange(0, GROUP_ROWS, layout=rows_of))
        full_tiles = gl.minimum(full_tiles, (seen + 1) // KEYS)
        own_tiles = gl.minimum(own_tiles, gl.cdiv(seen + GROUP_ROWS, KEYS))
    no_scores = gl.full([GROUP_ROWS, KEYS], 0, gl.int32, layout=scores)
    highest = gl.full([GROUP_ROWS], float("-inf"), gl.float32, layout=rows_of)
    total = lane_sums(no_scores.to(gl.float32), KEYS)
    acc = gl.full([GROUP_ROWS, DIM], 0.0, gl.float32, layout=sums)
    measure = shift * 0.0 + 1.0
    for tile in range(full_tiles):
        highest, total, acc, measure = step(
            highest, total, acc, measure, query_tile, rings, key_scale, value_scale, row_scale,
            tile, before + tile, last, shift, no_scores, part, False, KEYS, DIM, STAGES, KEY_BLOCK,
            VALUE_BLOCK, WEIGHTS, TWO_LEVELS, TURNS,
        )  # fmt: skip
    for tile in range(full_tiles, own_tiles):
        highest, total, acc, measure = step(
            highest, total, acc, measure, query_tile, rings, key_scale, value_scale, row_scale,
            tile, before + tile, last, shift, no_scores, part, True, KEYS, DIM, STAGES, KEY_BLOCK,
            VALUE_BLOCK, WEIGHTS, TWO_LEVELS, TURNS,
        )  # fmt: skip
    # What only other groups see: places are freed by all.
    for tile in range(own_tiles, tiles):
        pass_by(rings, before + tile, part, STAGES, TURNS)
    # Integers can't carry NaN.
    every = gl.arange(0, POISONS, layout=gl.BlockedLayout([1], [32], [4], [0]))
    total = gl.convert_layout(gl.sum(total, axis=1), rows_of) + row_scale * 0.0
    total += gl.sum(gl.load(poison + every, mask=every < poisons, other=0.0), axis=0)
    total = gl.convert_layout(gl.where(total == 0.0, 1.0, total), sums_rows, assert_trivial=True)
    acc = acc * gl.expand_dims(measure / total, 1)
    rows = mine + gl.arange(0, GROUP_ROWS, layout=sums_rows)
    columns = gl.arange(0, DIM, layout=gl.SliceLayout(0, sums))
    offsets = gl.expand_dims(rows, 1) * DIM + gl.expand_dims(columns, 0)
    gl.store(output + offsets, acc.to(gl.float16), mask=gl.expand_dims(rows, 1) < queries)


@gluon.jit
def step(
    highest, total, acc, measure, query_tile, rings, key_scale, value_scale, row_scale, tile,
    through, last, shift, no_scores, part: gl.constexpr, MASKED: gl.constexpr, KEYS: gl.constexpr,
    DIM: gl.constexpr, STAGES: gl.constexpr, KEY_BLOCK: gl.constexpr, VALUE_BLOCK: gl.constexpr,
    WEIGHTS: gl.constexpr, TWO_LEVELS: gl.constexpr, TURNS: gl.constexpr,
):  # fmt: skip
    """Take one tile: scores, softmax, P·V. `acc` is in steps of `measure`, V's scale in the tile.

    `through`: how many tiles went through the rings before it.
    """
    key_tiles, value_tiles, ready, free, turns = rings
    sums: gl.constexpr = acc.type.layout
    place = through % STAGES
    mbarrier.wait(ready.index(place), (through // STAGES) & 1)
    if TURNS:
        mbarrier.wait(turns.index(part), (through & 1) ^ (1 if part == 0 else 0))
    x = warpgroup_mma(
        query_tile, key_tiles.index(place).permute((1, 0)), no_scores, use_acc=False, is_async=True
    )
    x = warpgroup_mma_wait(0, deps=[x])
    if TURNS:
        mbarrier.arrive(turns.index((part + 1) % GROUPS))
    words, highest, total, shrink = softmax(
        x, row_scale, key_scale, tile * KEYS, last, highest, total, shift, MASKED, KEYS, KEY_BLOCK,
        WEIGHTS,
    )  # fmt: skip
    v = value_tiles.index(place)
    if WEIGHTS != "fp16":
        v = v.permute((1, 0))
        now = gl.load(value_scale + tile * KEYS // VALUE_BLOCK)
        shrink = shrink * (measure / now)
        measure = now
    shrink = gl.convert_layout(shrink, gl.SliceLayout(1, sums), assert_trivial=True)
    shrink = gl.expand_dims(shrink, 1)
    left = as_operand(words, KEYS, DIM, WEIGHTS)
    if TWO_LEVELS:
        kind: gl.constexpr = gl.int32 if WEIGHTS == "int8" else gl.float32
        nothing = gl.full([GROUP_ROWS, DIM], 0, kind, layout=sums)
        product = warpgroup_mma(left, v, nothing, use_acc=False, is_async=True)
        product = warpgroup_mma_wait(0, deps=[product])
        mbarrier.arrive(free.index(place))
        acc = acc * shrink + product.to(gl.float32)
    else:
        acc = warpgroup_mma(left, v, acc * shrink, is_async=True)
        acc = warpgroup_mma_wait(0, deps=[acc])
        mbarrier.arrive(free.index(place))
    return highest, total, acc, measure


@gluon.jit
def pass_by(rings, through, part: gl.constexpr, STAGES: gl.constexpr, TURNS: gl.constexpr):
    """Leave a tile to the other groups."""
    _, _, ready, free, turns = rings
    place = through % STAGES
    mbarrier.wait(ready.index(place), (through // STAGES) & 1)
    if TURNS:
        mbarrier.wait(turns.index(part), (through & 1) ^ (1 if part == 0 else 0))
        mbarrier.arrive(turns.index((part + 1) % GROUPS))
    mbarrier.arrive(free.index(place))


# One binary for all sizes.
@gluon.jit(do_not_specialize=["queries", "keys", "heads", "group", "side", "all_heads"])
def attention_kernel(
    query, key_descriptor, value_descriptor, key_scale, value_scale, poison, output, queries, keys,
    heads, group, side, all_heads, softmax_scale, shift, KEYS: gl.constexpr, DIM: gl.constexpr,
    STAGES: gl.constexpr, QUERY_BLOCK: gl.constexpr, KEY_BLOCK: gl.constexpr,
    VALUE_BLOCK: gl.constexpr, POISONS: gl.constexpr, WEIGHTS: gl.constexpr,
    TWO_LEVELS: gl.constexpr, CAUSAL: gl.constexpr, REGISTERS: gl.constexpr, TURNS: gl.constexpr,
    STAYS: gl.constexpr,
):  # fmt: skip
    """Write the output, 192 rows of a head at a time. Grid: programs that stay for the whole, or
    (not STAYS) one a unit.

    Arguments as `triton_attention.attention_kernel` has them, `all_heads` (batch·heads), and
    `side`: how many of them are worked on side by side. REGISTERS: of a thread that attends.
    """
    TURNED: gl.constexpr = WEIGHTS != "fp16"
    key_tiles = gl.allocate_shared_memory(
        key_descriptor.dtype, [STAGES] + key_descriptor.block_type.shape, key_descriptor.layout
    )
    value_tiles = gl.allocate_shared_memory(
        value_descriptor.dtype,
        [STAGES] + value_descriptor.block_type.shape,
        value_descriptor.layout,
    )
    query_layout: gl.constexpr = gl.NVMMASharedLayout.get_default_for([GROUP_ROWS, DIM], gl.int8)
    query_tiles = gl.allocate_shared_memory(gl.int8, [GROUPS, GROUP_ROWS, DIM], query_layout)
    ready = gl.allocate_shared_memory(gl.int64, [STAGES, 1], mbarrier.MBarrierLayout())
    free = gl.allocate_shared_memory(gl.int64, [STAGES, 1], mbarrier.MBarrierLayout())
    for i in gl.static_range(STAGES):
        mbarrier.init(ready.index(i), count=1)
        mbarrier.init(free.index(i), count=GROUPS)
    # Whose turn it is to use the matrix unit: one group's softmax beside the others' products.
    turns = gl.allocate_shared_memory(gl.int64, [GROUPS, 1], mbarrier.MBarrierLayout())
    for i in gl.static_range(GROUPS):
        mbarrier.init(turns.index(i), count=1)
    fence_async_shared()
    rings = (key_tiles, value_tiles, ready, free, turns)
    sizes = (queries, keys, heads, group, side, all_heads)
    units = gl.cdiv(queries, GROUP_ROWS * GROUPS) * all_heads
    factor = softmax_scale * LOG2E
    first: gl.constexpr = 0
    second: gl.constexpr = 1
    third: gl.constexpr = 2
    gl.warp_specialize(
        [
            (attend, (
                first, query, query_tiles, rings, key_scale, value_scale, poison, output, sizes,
                units, factor, shift, KEYS, DIM, STAGES, QUERY_BLOCK, KEY_BLOCK, VALUE_BLOCK,
                POISONS, WEIGHTS, TWO_LEVELS, CAUSAL, TURNS, STAYS,
            )),
            (attend, (
                second, query, query_tiles, rings, key_scale, value_scale, poison, output, sizes,
                units, factor, shift, KEYS, DIM, STAGES, QUERY_BLOCK, KEY_BLOCK, VALUE_BLOCK,
                POISONS, WEIGHTS, TWO_LEVELS, CAUSAL, TURNS, STAYS,
            )),
            (attend, (
                third, query, query_tiles, rings, key_scale, value_scale, poison, output, sizes,
                units, factor, shift, KEYS, DIM, STAGES, QUERY_BLOCK, KEY_BLOCK, VALUE_BLOCK,
                POISONS, WEIGHTS, TWO_LEVELS, CAUSAL, TURNS, STAYS,
            )),
            (bring, (
                key_descriptor, value_descriptor, rings, sizes, units, KEYS, DIM, STAGES, TURNED,
                CAUSAL,
            )),
        ],
        [4, 4, 1],
        [REGISTERS, REGISTERS, 24],
    )  # fmt: skip
