"""Draft and verification steps on Hopper, up to 8 rows: three ways to read one set of weights.

The frame is that of `weights.gluon_small`: equal shares of (strip of outputs, slice of inputs) for
all programs, codes from global memory into registers one unit ahead, rows of x through a ring in
shared memory, strips that programs share joined in a fixed order. What differs is what a warp
reads of its 16 outputs by 128 inputs and how it becomes a product (`FORM`).
"""

# Triton's own spelling: constants in capitals, arguments without Python types, tuples
# that are added up.
# ruff: noqa: N803, N806, RUF005
# mypy: disable-error-code="no-untyped-def, untyped-decorator, assignment, var-annotated"

from __future__ import annotations

from triton.experimental import gluon
from triton.experimental.gluon import language as gl

from prototypes.coupled_quant.gluon_ptx import asm_block_sync, asm_shared_base
from prototypes.qspec import ptx
from prototypes.qspec.gluon_join import join_shared, leave
from prototypes.weights.gluon_parts import load_scales, zeros
from prototypes.weights.gluon_words import (
    asm_arrived,
    asm_commit,
    asm_copy16,
    asm_load4_if,
    asm_matrices,
)

UPPER, JOINED, BYTES = 0, 1, 2
"""The draft over the upper plane, the verifier over both, the draft in 8-bit products."""
_STEPS = (ptx.upper_step(), ptx.joined_step(), ptx.bytes_step())
ASM = gl.constexpr(tuple(step[0] for step in _STEPS))
OPERANDS = gl.constexpr(tuple(step[1] for step in _STEPS))
RESULTS = gl.constexpr((gl.float32,) * 4)
WORDS = gl.constexpr((4, 8, 8))
"""Words of codes of a lane: 16 outputs by 128 inputs."""
TOKENS = gl.constexpr(8)
PLANE = gl.constexpr(512)
"""Words of 64 outputs by 128 inputs in one plane; 4-bit codes have twice as many."""


@gluon.jit
def asm_let_begin(x):
    """Let launches begin that depend on this one."""
    return gl.inline_asm_elementwise(
        "griddepcontrol.launch_dependents; mov.b32 $0, $1;",
        "=r,r",
        [x],
        dtype=gl.int32,
        is_pure=False,
        pack=1,
    )


@gluon.jit
def asm_wait_begun(x):
    """Wait until the launches that this one depends on are done, with all they wrote."""
    return gl.inline_asm_elementwise(
        "griddepcontrol.wait; mov.b32 $0, $1;",
        "=r,r",
        [x],
        dtype=gl.int32,
        is_pure=False,
        pack=1,
    )


@gluon.jit
def load_codes(codes, lower, at, there, FORM: gl.constexpr, BLOCKS: gl.constexpr):
    """A lane's words of each block; `at` counts words of a plane."""
    words = ()
    for b in gl.static_range(BLOCKS):
        if FORM == 0:
            mine = asm_load4_if(codes + at + b * 128, there)
        elif FORM == 1:
            first = asm_load4_if(codes + at + b * 128, there)
            mine = first + asm_load4_if(lower + at + b * 128, there)
        else:
            first = asm_load4_if(codes + at + b * 128, there)
            mine = first + asm_load4_if(codes + at + PLANE + b * 128, there)
        words = words + (mine,)
    return words


@gluon.jit
def bring(x, ring, slice_, tid, rows, line, there, PIECES: gl.constexpr, WAYS: gl.constexpr,
          THREADS: gl.constexpr):  # fmt: skip
    """Start copying x of one unit: (way, token, PIECES of 16 bytes), swizzled by the token.

    A row of x has `line` words.
    """
    ALL: gl.constexpr = TOKENS * WAYS * PIECES
    first = slice_ * (WAYS * PIECES * 4)
    for i in gl.static_range((ALL + THREADS - 1) // THREADS):
        # Threads beyond the last piece bring one again.
        piece = (i * THREADS + tid) % ALL
        column = piece % (PIECES * WAYS)
        token = piece // (PIECES * WAYS)
        at = (column // PIECES * TOKENS + token) * (PIECES * 16)
        at += ((column % PIECES) ^ (token % 8)) * 16
        size = gl.where((token < rows) & there, 16, 0)
        row = gl.minimum(token, rows - 1)
        asm_copy16(ring + at, x + row * line + first + column * 4, size)


@gluon.jit
def rows_of(ring, offered, PIECES: gl.constexpr):
    """A lane's words of x: two a step of 16 inputs in halves, one in bytes."""
    given = ()
    for h in gl.static_range(PIECES // 4):
        given = given + asm_matrices(ring + (offered ^ (64 * h)))
    return given


@gluon.jit(do_not_specialize=["rows", "line", "outputs", "tiles", "slices", "units", "programs"])
def step(
    x,
    x_scales,
    codes,
    lower,
    scales,
    out,
    partial,
    tickets,
    rows,
    line,
    outputs,
    tiles,
    slices,
    units,
    programs,
    FORM: gl.constexpr,
    BLOCKS: gl.constexpr,
    WAYS: gl.constexpr,
    STAGES: gl.constexpr,
    NW: gl.constexpr,
    EARLY: gl.constexpr,
):
    """out (rows, outputs) = x (rows, inputs) W^T, rows up to 8.

    x int32 words of halves, or of bytes (`triton_round`), whose row scales are x_scales. codes:
    the upper plane (FORM 0, 1; `lower` the other one) or 4-bit codes (2). scales, partial,
    tickets, units and slices: as `weights.gluon_small` has them. EARLY: launched to overlap with
    what is before it in the stream (programmatic dependent launch).
    """
    THREADS: gl.constexpr = 32 * NW
    STRIP: gl.constexpr = NW // WAYS * 16 * BLOCKS
    PIECES: gl.constexpr = 8 if FORM == 2 else 16
    STAGE: gl.constexpr = TOKENS * WAYS * PIECES * 16
    LINE: gl.constexpr = 16 * BLOCKS + 4
    TILE: gl.constexpr = 2 * PLANE if FORM == 2 else PLANE
    JOIN_AT: gl.constexpr = STAGES * STAGE
    PAGES: gl.constexpr = (JOIN_AT + NW * TOKENS * LINE * 4 + 1023) // 1024
    AHEAD: gl.constexpr = STAGES - 1
    flat: gl.constexpr = gl.BlockedLayout([1], [32], [NW], [0])
    reserve: gl.constexpr = gl.SwizzledSharedLayout(1, 1, 1, [0])
    room = gl.allocate_shared_memory(gl.int32, [PAGES, 256], reserve)
    # PTX names the memory by its symbol, which is declared only if Triton's own code uses it.
    room.index(0).store(gl.full([256], 0, gl.int32, flat))

    program = gl.program_id(0)
    begin = program * units // programs
    end = (program + 1) * units // programs
    tid = gl.arange(0, THREADS, layout=flat)
    lane = tid % 32
    warp = tid // 32
    part = warp // WAYS
    way = warp % WAYS
    row_words = slices * WAYS * TILE
    tile = part * BLOCKS // 4
    block = part * BLOCKS % 4
    my_words = way * TILE + block * 128 + lane * 4
    my_scales = scales + way * tiles * 32 + (lane // 4) * 4 + block
    base = asm_block_sync(asm_shared_base(tid * 0))

    if EARLY:
        # The next launch in the stream may begin wherever room is left.
        base = asm_let_begin(base)
    yes = tid * 0 + 1
    next_strip = begin // slices
    next_slice = begin % slices
    row_tile = gl.minimum(tile + next_strip * (STRIP // 64), tiles - 1)
    at = my_words + row_tile * row_words + next_slice * (WAYS * TILE)
    words = load_codes(codes, lower, at, yes, FORM, BLOCKS)
    each = load_scales(my_scales + row_tile * 32 + next_slice * (WAYS * tiles * 32), yes, BLOCKS)
    if EARLY:
        # Weights are nobody's result, but x is: wait for the launch before this one.
        base = asm_wait_begun(base)
    ahead = begin
    ahead_slice = begin % slices
    for s in gl.static_range(AHEAD):
        bring(x, base + s * STAGE, ahead_slice, tid, rows, line, ahead < end, PIECES, WAYS, THREADS)
        base = asm_commit(base)
        ahead += 1
        ahead_slice = gl.where(ahead_slice + 1 == slices, 0, ahead_slice + 1)
    quarter = lane // 8
    offered = way * (TOKENS * PIECES * 16) + (lane % 8) * (PIECES * 16)
    offered += (quarter ^ (lane % 8)) * 16
    nothing = tid.to(gl.float32) * 0.0
    stage = begin * 0
    free_stage = stage + AHEAD

    start = begin
    while start < end:
        mine = start // slices
        stop = gl.minimum(end, (mine + 1) * slices)
        sums = zeros(zeros(nothing, 4), BLOCKS)
        for unit in range(start, stop):
            base = asm_arrived(base, AHEAD - 1)
            fresh = base + free_stage * STAGE
            bring(x, fresh, ahead_slice, tid, rows, line, ahead < end, PIECES, WAYS, THREADS)
            base = asm_commit(base)
            ahead += 1
            ahead_slice = gl.where(ahead_slice + 1 == slices, 0, ahead_slice + 1)
            next_slice += 1
            next_strip += next_slice // slices
            next_slice = gl.where(next_slice == slices, 0, next_slice)
            more = tid * 0 + (unit + 1 < end).to(gl.int32)
            row_tile = gl.minimum(tile + next_strip * (STRIP // 64), tiles - 1)
            at = my_words + row_tile * row_words + next_slice * (WAYS * TILE)
            following = load_codes(codes, lower, at, more, FORM, BLOCKS)
            place = my_scales + row_tile * 32 + next_slice * (WAYS * tiles * 32)
            following_scales = load_scales(place, more, BLOCKS)
            given = rows_of(base + stage * STAGE, offered, PIECES)
            added = ()
            for b in gl.static_range(BLOCKS):
                added = added + (
                    gl.inline_asm_elementwise(
                        ASM[FORM],
                        OPERANDS[FORM],
                        words[b] + (each[b],) + given + sums[b],
                        dtype=RESULTS,
                        is_pure=False,
                        pack=1,
                    ),
                )
            sums = added
            words = following
            each = following_scales
            free_stage = stage
            stage = gl.where(stage == STAGES - 1, 0, stage + 1)
        slot = gl.where(mine == begin // slices, 0, 1)
        left = partial + (program * 2 + slot) * (TOKENS * STRIP)
        whole = stop - start == slices
        leave(
            out, x_scales, left, base + JOIN_AT, sums, tid, mine, whole, rows, outputs, BLOCKS,
            WAYS, NW, FORM == 2,
        )  # fmt: skip
        start = stop
    # Only now, when nothing is left to read, is it counted who is done with a shared strip.
    join_shared(
        out, x_scales, partial, tickets, base + JOIN_AT, tid, begin, end, slices, units, programs,
        rows, outputs, STRIP, THREADS, FORM == 2,
    )  # fmt: skip
    room._keep_alive()
