"""The linear layer with 4-bit weights and 8-bit tokens for Hopper, in Gluon: Yᵀ = W4 X8ᵀ.

Hopper has no 4-bit products, but the left operand of an 8-bit one may come from registers: weights
stay packed in memory and in shared memory, and become bytes on the way to the matrix unit. A nibble
in the upper half of a byte is 16 times the integer, so a mask makes four operands of a word; the
factor leaves with the scales. Two groups of four warps take 64 channels each of the same tokens.
"""

# Triton's own spelling: constants in capitals, arguments without Python types.
# ruff: noqa: N803, N806
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

from prototypes.flatquant.gluon_linear import tile_at

GROUP_ROWS = gl.constexpr(64)
"""Channels of one group of four warps."""
UPPER = gl.constexpr(-0x0F0F0F10)
"""0xF0F0F0F0: the upper halves of a word's bytes."""
HALF = gl.constexpr(64)
"""Channels of a token in half a block: byte i of a weight's block holds places i and i + 64."""


@gluon.constexpr_function
def _words_layout():
    """Return which words of a (64, 16) tile a thread needs in the left operand of a product."""
    registers = [[8, 0], [0, 4], [0, 8]]
    lanes = [[0, 1], [0, 2], [1, 0], [2, 0], [4, 0]]
    return gl.DistributedLinearLayout(registers, lanes, [[16, 0], [32, 0]], [], [64, 16])


@gluon.jit
def as_operand(words, operand: gl.constexpr):
    """Return words as four bytes each, the left operand of a product: a change of names."""
    twice = gl.join(words, words)
    four = gl.join(twice, twice).reshape([GROUP_ROWS, HALF])
    four = gl.convert_layout(four, operand, assert_trivial=True)
    return gl.inline_asm_elementwise(
        "mov.b32 $0, $1;", "=r,r,r,r,r", [four], dtype=gl.int8, is_pure=True, pack=4
    )


@gluon.jit
def multiply(
    part: gl.constexpr, shared, TOKENS: gl.constexpr, CHANNELS: gl.constexpr,
    STAGES: gl.constexpr, BAND: gl.constexpr,
):  # fmt: skip
    """Multiply 64 channels of each tile: the role of four warps."""
    (
        weight_tiles, first_halves, second_halves, out_tiles, ready, free, out_to, token_scales,
        channel_scales, first, step, tiles, row_tiles, column_tiles, blocks,
    ) = shared  # fmt: skip
    # Triton's integer products have 224 columns at most.
    ACROSS: gl.constexpr = 128 if TOKENS > 128 else TOKENS
    sums: gl.constexpr = gl.NVMMADistributedLayout([3, 0], [4, 1], [16, ACROSS, 32])
    operand: gl.constexpr = gl.DotOperandLayout(0, sums, 4)
    words: gl.constexpr = _words_layout()
    nothing = gl.full([GROUP_ROWS, TOKENS], 0, gl.int32, layout=sums)
    all_turns = gl.cdiv(tiles - first, step) * blocks
    mbarrier.wait(ready.index(0), 0)
    packed = weight_tiles.index(part).load(words)
    turn = 0
    for index in range(first, tiles, step):
        row_tile, column_tile = tile_at(index, row_tiles, column_tiles, BAND)
        acc = nothing
        for _ in range(blocks):
            slot = turn % STAGES
            # In words: bytes kept across a wait would take a register each.
            low = (packed << 4) & UPPER
            high = packed & UPPER
            acc = warpgroup_mma(
                as_operand(low, operand), first_halves.index(slot).permute((1, 0)), acc,
                is_async=True,
            )  # fmt: skip
            acc = warpgroup_mma(
                as_operand(high, operand), second_halves.index(slot).permute((1, 0)), acc,
                is_async=True,
            )  # fmt: skip
            turn += 1
            # The next weights come while the unit works on these.
            if turn < all_turns:
                mbarrier.wait(ready.index(turn % STAGES), (turn // STAGES) & 1)
                packed = weight_tiles.index(turn % STAGES * 2 + part).load(words)
            acc, low, high = warpgroup_mma_wait(0, deps=[acc, low, high])
            mbarrier.arrive(free.index(slot))
        row = row_tile * TOKENS
        column = column_tile * CHANNELS + part * GROUP_ROWS
        rows = row + gl.arange(0, TOKENS, layout=gl.SliceLayout(0, sums))
        columns = column + gl.arange(0, GROUP_ROWS, layout=gl.SliceLayout(1, sums))
        of_tokens = gl.load(token_scales + rows)
        of_channels = gl.load(channel_scales + columns) * 0.0625
        y = acc.to(gl.float32) * gl.expand_dims(of_channels, 1) * gl.expand_dims(of_tokens, 0)
        tma.store_wait(0)
        out_tiles.index(part).permute((1, 0)).store(y.to(out_to.dtype))
        fence_async_shared()
        tma.async_copy_shared_to_global(out_to, [row, column], out_tiles.index(part))
    tma.store_wait(0)


@gluon.jit
def bring_tiles(
    shared, TOKENS: gl.constexpr, CHANNELS: gl.constexpr, STAGES: gl.constexpr, BAND: gl.constexpr
):
    """Copy tiles as places become free: the role of one warp."""
    (
        weights_from, tokens_from, weight_tiles, first_halves, second_halves, ready, free, first,
        step, tiles, row_tiles, column_tiles, blocks,
    ) = shared  # fmt: skip
    turn = 0
    for index in range(first, tiles, step):
        row_tile, column_tile = tile_at(index, row_tiles, column_tiles, BAND)
        row = row_tile * TOKENS
        column = column_tile * CHANNELS
        for block in range(blocks):
            slot = turn % STAGES
            mbarrier.wait(free.index(slot), ((turn // STAGES) & 1) ^ 1)
            here = ready.index(slot)
            mbarrier.expect(
                here, 2 * weights_from.block_type.nbytes + 2 * tokens_from.block_type.nbytes
            )
            at = block * HALF
            tma.async_copy_global_to_shared(
                weights_from, [column, at // 4], here, weight_tiles.index(slot * 2)
            )
            tma.async_copy_global_to_shared(
                weights_from, [column + GROUP_ROWS, at // 4], here, weight_tiles.index(slot * 2 + 1)
            )
            tma.async_copy_global_to_shared(
                tokens_from, [row, 2 * at], here, first_halves.index(slot)
            )
            tma.async_copy_global_to_shared(
                tokens_from, [row, 2 * at + HALF], here, second_halves.index(slot)
            )
            turn += 1


@gluon.jit
def linear4_kernel(
    weights_from, tokens_from, out_to, token_scales, channel_scales, tokens, channels, width,
    TOKENS: gl.constexpr, CHANNELS: gl.constexpr, STAGES: gl.constexpr, BAND: gl.constexpr,
    REGISTERS: gl.constexpr,
):  # fmt: skip
    """Write tiles of TOKENS tokens by 128 channels. Grid: programs that take every grid-th tile.

    weights_from (channels, width/8) words as `packing.pack` has them, in tiles of 64 by 16;
    tokens_from (tokens, width) int8, TOKENS by 64; out_to (tokens, channels) bfloat16, TOKENS by
    64; scales float32, readable up to the next whole tile. width is a multiple of 128.
    """
    row_tiles = gl.cdiv(tokens, TOKENS)
    column_tiles = gl.cdiv(channels, CHANNELS)
    tiles = row_tiles * column_tiles
    blocks = width // (2 * HALF)
    first = gl.program_id(0)
    step = gl.num_programs(0)
    weight_tiles = gl.allocate_shared_memory(
        gl.int32, [STAGES * 2, GROUP_ROWS, HALF // 4], weights_from.layout
    )
    first_halves = gl.allocate_shared_memory(gl.int8, [STAGES, TOKENS, HALF], tokens_from.layout)
    second_halves = gl.allocate_shared_memory(gl.int8, [STAGES, TOKENS, HALF], tokens_from.layout)
    out_tiles = gl.allocate_shared_memory(out_to.dtype, [2, TOKENS, GROUP_ROWS], out_to.layout)
    ready = gl.allocate_shared_memory(gl.int64, [STAGES, 1], mbarrier.MBarrierLayout())
    free = gl.allocate_shared_memory(gl.int64, [STAGES, 1], mbarrier.MBarrierLayout())
    for i in gl.static_range(STAGES):
        mbarrier.init(ready.index(i), count=1)
        mbarrier.init(free.index(i), count=2)
    fence_async_shared()
    shared = (
        weight_tiles, first_halves, second_halves, out_tiles, ready, free, out_to, token_scales,
        channel_scales, first, step, tiles, row_tiles, column_tiles, blocks,
    )  # fmt: skip
    bringing = (
        weights_from, tokens_from, weight_tiles, first_halves, second_halves, ready, free, first,
        step, tiles, row_tiles, column_tiles, blocks,
    )  # fmt: skip
    gl.warp_specialize(
        [
            (multiply, (0, shared, TOKENS, CHANNELS, STAGES, BAND)),
            (multiply, (1, shared, TOKENS, CHANNELS, STAGES, BAND)),
            (bring_tiles, (bringing, TOKENS, CHANNELS, STAGES, BAND)),
        ],
        [4, 1],
        [REGISTERS, 24],
    )
