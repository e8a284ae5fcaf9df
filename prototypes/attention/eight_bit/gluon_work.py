"""Which part of the work is whose in `gluon_attention`, and the warp that brings K and V."""

# Triton's own spelling: constants in capitals, arguments without Python types.
# ruff: noqa: N803, N806, SIM108
# mypy: disable-error-code="no-untyped-def, untyped-decorator"

from __future__ import annotations

from triton.experimental import gluon
from triton.experimental.gluon import language as gl
from triton.experimental.gluon.language.nvidia.hopper import mbarrier, tma

from prototypes.attention.eight_bit.gluon_parts import GROUP_ROWS

GROUPS = gl.constexpr(3)
"""Groups of four warps that attend."""


@gluon.jit
def count_of(units):
    """Return how many units of work this program has."""
    programs = gl.num_programs(0)
    turns = units // programs
    return turns + gl.where(unit_at(turns) < units, 1, 0)


@gluon.jit
def unit_at(turn):
    """Return the unit that is this program's in a turn. Programs count off forwards and backwards,
    so that none gets the longer one of two neighbours each time."""
    programs, own = gl.num_programs(0), gl.program_id(0)
    return turn * programs + gl.where(turn % 2 == 0, own, programs - 1 - own)


@gluon.jit
def unit_of(turn, sizes, KEYS: gl.constexpr, CAUSAL: gl.constexpr):
    """Return the head, the head of K and V, the first row and the tiles of a unit of work.

    Long ones first, so that none of them is left to the end. Otherwise blocks of a head are worked
    on together, or under a mask those of `side` heads, so that their K and V stay in the L2.
    """
    queries, keys, heads, group, side, all_heads = sizes
    unit = unit_at(turn)
    ROWS: gl.constexpr = GROUP_ROWS * GROUPS
    tiles = gl.cdiv(keys, KEYS)
    if CAUSAL:
        blocks = gl.cdiv(queries, ROWS)
        first = unit // (blocks * side) * side
        side = gl.minimum(side, all_heads - first)
        inner = unit - first * blocks
        head = first + inner % side
        first_row = (blocks - 1 - inner // side) * ROWS
        end = gl.minimum(first_row + ROWS, queries)
        tiles = gl.minimum(tiles, gl.cdiv(end + keys - queries, KEYS))
    else:
        # The rest of each head's rows at the end.
        whole = queries // ROWS
        rest = unit - whole * all_heads
        divisor = gl.maximum(whole, 1)
        head = gl.where(rest < 0, unit // divisor, rest)
        first_row = gl.where(rest < 0, unit % divisor, whole) * ROWS
    kv_head = head // heads * (heads // group) + head % heads // group
    return head, kv_head, first_row, tiles


@gluon.jit
def bring(
    key_descriptor, value_descriptor, rings, sizes, units, KEYS: gl.constexpr, DIM: gl.constexpr,
    STAGES: gl.constexpr, TURNED: gl.constexpr, CAUSAL: gl.constexpr,
):  # fmt: skip
    """Copy tiles of K and V into the rings as places become free: the role of one warp."""
    key_tiles, value_tiles, ready, free, _ = rings
    _, keys, _, _, _, _ = sizes
    through = 0
    for turn in range(count_of(units)):
        _, kv_head, _, tiles = unit_of(turn, sizes, KEYS, CAUSAL)
        for tile in range(tiles):
            place = through % STAGES
            full = ready.index(place)
            mbarrier.wait(free.index(place), ((through // STAGES) & 1) ^ 1)
            mbarrier.expect(
                full, key_descriptor.block_type.nbytes + value_descriptor.block_type.nbytes
            )
            tma.async_copy_global_to_shared(
                key_descriptor, [kv_head * keys + tile * KEYS, 0], full, key_tiles.index(place)
            )
            if TURNED:
                where = [kv_head * DIM, tile * KEYS]
            else:
                where = [kv_head * keys + tile * KEYS, 0]
            tma.async_copy_global_to_shared(value_descriptor, where, full, value_tiles.index(place))
            through += 1
