"""The two kernels of the CUDA sampler: one pass over the logits, then one program a row draws.

`scan_kernel` reads every logit once and leaves the maximum of each group of logits, and maximum and
weight of each tile. `draw_kernel` works on those: by the sieve (`triton_sieve`) where it decides,
else by rejection (`triton_rejection`).

Weights are exp2(scale · (x - maximum)) with scale = log2(e) / temperature, so a row's largest is 1.
Batch and vocabulary are run-time values, block sizes constants. Runs under the interpreter too
(TRITON_INTERPRET=1), for tests without a GPU.
"""

# Triton's own spelling: constants in capitals, arguments without Python types.
# ruff: noqa: N803
# mypy: disable-error-code="no-untyped-def, untyped-decorator"

from __future__ import annotations

import triton
import triton.language as tl
from triton.language.extra.cuda import gdc_launch_dependents, gdc_wait

from prototypes.sampling.triton_common import LOG2E, NO_TOKEN, NOT_DECIDED, uniform_of
from prototypes.sampling.triton_rejection import reject_row
from prototypes.sampling.triton_sieve import sieve_row


@triton.jit
def scan_kernel(
    logits,
    row_stride,
    vocab,
    temperatures,
    group_max,
    tile_max,
    tile_weight,
    padded_groups,
    padded_tiles,
    tiles,
    TILE: tl.constexpr,
    GROUP: tl.constexpr,
    EARLY: tl.constexpr,
):
    """Program (row · tiles + tile): maxima of the tile's groups, its own, its weight below that.

    One axis: a grid's second may not be longer than 65 535. With EARLY the draw may be set up from
    when all programs have begun; it waits for their results by itself.
    """
    if EARLY:
        gdc_launch_dependents()
    program = tl.program_id(0)
    tile = program % tiles
    row = (program // tiles).to(tl.int64)
    rows_of_groups = tl.arange(0, TILE // GROUP)
    offsets = tile * TILE + rows_of_groups[:, None] * GROUP + tl.arange(0, GROUP)[None, :]
    x = tl.load(logits + row * row_stride + offsets, mask=offsets < vocab, other=float("-inf"))
    x = x.to(tl.float32)
    x = tl.where(x == x, x, float("-inf"))
    scale = LOG2E / tl.load(temperatures + row)
    maxima = tl.max(x, axis=1)
    highest = tl.max(maxima, axis=0)
    reference = tl.where(highest == float("-inf"), 0.0, highest)
    weight = tl.sum(tl.sum(tl.exp2((x - reference) * scale), axis=1), axis=0)
    first = row * padded_groups + tile * (TILE // GROUP)
    tl.store(group_max + first + rows_of_groups, maxima)
    tl.store(tile_max + row * padded_tiles + tile, highest)
    tl.store(tile_weight + row * padded_tiles + tile, weight)


@triton.jit
def draw_kernel(
    logits,
    row_stride,
    vocab,
    temperatures,
    top_ks,
    top_ps,
    min_ps,
    seeds,
    group_max,
    tile_max,
    tile_weight,
    tile_mass,
    kept_groups,
    kept_values,
    kept_tokens,
    tokens,
    groups,
    tiles,
    TILE: tl.constexpr,
    GROUP: tl.constexpr,
    PADDED_GROUPS: tl.constexpr,
    PADDED_TILES: tl.constexpr,
    KEPT: tl.constexpr,
    CANDIDATES: tl.constexpr,
    GATHER: tl.constexpr,
    CHUNK: tl.constexpr,
    SIEVE: tl.constexpr,
    EARLY: tl.constexpr,
):
    """Program (row): draw this row's token from what `scan_kernel` left; the last row first.

    The rows that the scan read last are still in the L2.
    """
    row = (tl.num_programs(0) - 1 - tl.program_id(0)).to(tl.int64)
    scale = LOG2E / tl.load(temperatures + row)
    top_k = tl.load(top_ks + row)
    top_p = tl.load(top_ps + row)
    min_p = tl.load(min_ps + row)
    seed = tl.load(seeds + row)
    if EARLY:
        gdc_wait()
    tile_index = tl.arange(0, PADDED_TILES)
    is_tile = tile_index < tiles
    highs = tl.load(tile_max + row * PADDED_TILES + tile_index, mask=is_tile, other=float("-inf"))
    masses = tl.load(tile_weight + row * PADDED_TILES + tile_index, mask=is_tile, other=0.0)
    highest = tl.max(highs, axis=0)
    token = NO_TOKEN
    if highest > float("-inf"):
        masses = masses * tl.exp2((highs - highest) * scale)
        total = tl.sum(masses, axis=0)
        group_index = tl.arange(0, PADDED_GROUPS)
        maxima = tl.load(
            group_max + row * PADDED_GROUPS + group_index,
            mask=group_index < groups,
            other=float("-inf"),
        )
        x_row = logits + row * row_stride
        token = NOT_DECIDED
        if SIEVE:
            token = sieve_row(
                x_row,
                vocab,
                maxima,
                highest,
                total,
                scale,
                top_k,
                top_p,
                min_p,
                uniform_of(seed, 0),
                kept_groups + row * KEPT,
                kept_values + row * CANDIDATES,
                kept_tokens + row * CANDIDATES,
                GROUP,
                KEPT,
                CANDIDATES,
                GATHER,
                CHUNK,
            )
        if token == NOT_DECIDED:
            token = reject_row(
                x_row,
                vocab,
                maxima,
                highest,
                total,
                scale,
                top_k,
                top_p,
                min_p,
                seed,
                masses,
                tile_mass + row * PADDED_TILES,
                kept_tokens + row * CANDIDATES,
                tiles,
                TILE,
                PADDED_TILES,
            )
    tl.store(tokens + row, token.to(tl.int64))
