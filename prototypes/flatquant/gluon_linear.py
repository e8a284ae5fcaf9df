"""The 8-bit linear layer for Hopper in Gluon: Y = (X8 W8ᵀ) times a scale a token and one a channel.

One warp copies tiles of tokens and weights into a ring; two groups of four warps multiply 64 tokens
each by the same weights. The scales are applied to the integer sums in registers, so that nothing
but bfloat16 leaves: the sums themselves would be twice the bytes, written and read again. A tile's
output is copied out while the next one is multiplied.
"""

# Triton's own spelling: constants in capitals, arguments without Python types.
# ruff: noqa: N803
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

GROUP_ROWS = gl.constexpr(64)
"""Tokens of one group of four warps."""


@gluon.jit
def tile_at(index, row_tiles, column_tiles, BAND: gl.constexpr):
    """Return the tile's row and column: bands of BAND rows, so that the L2 serves what repeats."""
    band = index // (BAND * column_tiles)
    first = band * BAND
    rows = gl.minimum(row_tiles - first, BAND)
    inside = index % (BAND * column_tiles)
    return first + inside % rows, inside // rows


@gluon.jit
def multiply(
    part: gl.constexpr, shared, ROWS: gl.constexpr, COLUMNS: gl.constexpr, STAGES: gl.constexpr,
    BAND: gl.constexpr,
):  # fmt: skip
    """Multiply 64 tokens of each tile: the role of four warps."""
    (
        token_tiles, weight_tiles, out_tiles, ready, free, out_to, token_scales, channel_scales,
        first, step, tiles, row_tiles, column_tiles, blocks,
    ) = shared  # fmt: skip
    # Triton's integer products have 224 columns at most.
    sums: gl.constexpr = gl.NVMMADistributedLayout([3, 0], [4, 1], [16, 128, 32])
    nothing = gl.full([GROUP_ROWS, COLUMNS], 0, gl.int32, layout=sums)
    turn = 0
    for index in range(first, tiles, step):
        row_tile, column_tile = tile_at(index, row_tiles, column_tiles, BAND)
        slot = turn % STAGES
        mbarrier.wait(ready.index(slot), (turn // STAGES) & 1)
        acc = warpgroup_mma(
            token_tiles.index(slot * 2 + part), weight_tiles.index(slot).permute((1, 0)), nothing,
            use_acc=False, is_async=True,
        )  # fmt: skip
        acc = warpgroup_mma_wait(1, deps=[acc])
        turn += 1
        for _ in range(1, blocks):
            slot = turn % STAGES
            mbarrier.wait(ready.index(slot), (turn // STAGES) & 1)
            acc = warpgroup_mma(
                token_tiles.index(slot * 2 + part), weight_tiles.index(slot).permute((1, 0)), acc,
                is_async=True,
            )  # fmt: skip
            # The product before is done: its place is free.
            acc = warpgroup_mma_wait(1, deps=[acc])
            mbarrier.arrive(free.index((turn - 1) % STAGES))
            turn += 1
        acc = warpgroup_mma_wait(0, deps=[acc])
        mbarrier.arrive(free.index((turn - 1) % STAGES))
        row = row_tile * ROWS + part * GROUP_ROWS
        column = column_tile * COLUMNS
        rows = row + gl.arange(0, GROUP_ROWS, layout=gl.SliceLayout(1, sums))
        columns = column + gl.arange(0, COLUMNS, layout=gl.SliceLayout(0, sums))
        of_tokens = gl.load(token_scales + rows)
        of_channels = gl.load(channel_scales + columns)
        y = acc.to(gl.float32) * gl.expand_dims(of_tokens, 1) * gl.expand_dims(of_channels, 0)
        tma.store_wait(0)
        out_tiles.index(part).store(y.to(out_to.dtype))
        fence_async_shared()
        tma.async_copy_shared_to_global(out_to, [row, column], out_tiles.index(part))
    tma.store_wait(0)


@gluon.jit
def bring_tiles(
    shared, ROWS: gl.constexpr, COLUMNS: gl.constexpr, BLOCK: gl.constexpr, STAGES: gl.constexpr,
    BAND: gl.constexpr,
):  # fmt: skip
    """Copy tiles as places become free: the role of one warp."""
    (
        tokens_from, weights_from, token_tiles, weight_tiles, ready, free, first, step, tiles,
        row_tiles, column_tiles, blocks,
    ) = shared  # fmt: skip
    turn = 0
    for index in range(first, tiles, step):
        row_tile, column_tile = tile_at(index, row_tiles, column_tiles, BAND)
        row = row_tile * ROWS
        column = column_tile * COLUMNS
        for block in range(blocks):
            slot = turn % STAGES
            mbarrier.wait(free.index(slot), ((turn // STAGES) & 1) ^ 1)
            mbarrier.expect(
                ready.index(slot),
                2 * tokens_from.block_type.nbytes + weights_from.block_type.nbytes,
            )
            at = block * BLOCK
            tma.async_copy_global_to_shared(
                tokens_from, [row, at], ready.index(slot), token_tiles.index(slot * 2)
            )
            tma.async_copy_global_to_shared(
                tokens_from, [row + GROUP_ROWS, at], ready.index(slot),
                token_tiles.index(slot * 2 + 1),
            )  # fmt: skip
            tma.async_copy_global_to_shared(
                weights_from, [column, at], ready.index(slot), weight_tiles.index(slot)
            )
            turn += 1


@gluon.jit
def linear_kernel(
    tokens_from, weights_from, out_to, token_scales, channel_scales, tokens, channels, width,
    ROWS: gl.constexpr, COLUMNS: gl.constexpr, BLOCK: gl.constexpr, STAGES: gl.constexpr,
    BAND: gl.constexpr, REGISTERS: gl.constexpr,
):  # fmt: skip
    """Write tiles of 128 tokens by COLUMNS channels. Grid: programs that take every grid-th tile.

    tokens_from (tokens, width) and weights_from (channels, width), 8 bits; out_to
    (tokens, channels) bfloat16; scales float32, readable up to the next whole tile.
    """
    row_tiles = gl.cdiv(tokens, ROWS)
    column_tiles = gl.cdiv(channels, COLUMNS)
    tiles = row_tiles * column_tiles
    blocks = gl.cdiv(width, BLOCK)
    first = gl.program_id(0)
    step = gl.num_programs(0)
    token_tiles = gl.allocate_shared_memory(
        tokens_from.dtype, [STAGES * 2, GROUP_ROWS, BLOCK], tokens_from.layout
    )
    weight_tiles = gl.allocate_shared_memory(
        weights_from.dtype, [STAGES, COLUMNS, BLOCK], weights_from.layout
    )
    out_tiles = gl.allocate_shared_memory(out_to.dtype, [2, GROUP_ROWS, COLUMNS], out_to.layout)
    ready = gl.allocate_shared_memory(gl.int64, [STAGES, 1], mbarrier.MBarrierLayout())
    free = gl.allocate_shared_memory(gl.int64, [STAGES, 1], mbarrier.MBarrierLayout())
    for i in gl.static_range(STAGES):
        mbarrier.init(ready.index(i), count=1)
        mbarrier.init(free.index(i), count=2)
    fence_async_shared()
    shared = (
        token_tiles, weight_tiles, out_tiles, ready, free, out_to, token_scales, channel_scales,
        first, step, tiles, row_tiles, column_tiles, blocks,
    )  # fmt: skip
    bringing = (
        tokens_from, weights_from, token_tiles, weight_tiles, ready, free, first, step, tiles,
        row_tiles, column_tiles, blocks,
    )  # fmt: skip
    gl.warp_specialize(
        [
            (multiply, (0, shared, ROWS, COLUMNS, STAGES, BAND)),
            (multiply, (1, shared, ROWS, COLUMNS, STAGES, BAND)),
            (bring_tiles, (bringing, ROWS, COLUMNS, BLOCK, STAGES, BAND)),
        ],
        [4, 1],
        [REGISTERS, 24],
    )
