"""Draft and verification steps on Hopper whose programs have outputs of their own.

A program has whole blocks of 16 outputs, so programs join nothing; its warps share the inputs and
add up through shared memory. A warp's codes, scales and rows of x come into a ring of its own, by
copies that no other warp waits for. A program takes at most half of a multiprocessor: the launch
behind it in the stream begins beside it and reads as many weights as its rings hold before it
waits for x.
"""

# Triton's own spelling: constants in capitals, arguments without Python types, tuples
# that are added up.
# ruff: noqa: N803, N806, RUF005
# mypy: disable-error-code="no-untyped-def, untyped-decorator, assignment, var-annotated"

from __future__ import annotations

from triton.experimental import gluon
from triton.experimental.gluon import language as gl

from prototypes.coupled_quant.gluon_ptx import asm_block_sync, asm_fetch, asm_shared_base
from prototypes.qspec import ptx
from prototypes.qspec.gluon_copies import (
    asm_ask,
    asm_copy4,
    asm_copy16_if,
    asm_copy16_wide,
    asm_fetch4,
    asm_fetch_scales,
    asm_let_begin,
    asm_put_if,
    asm_turn,
    asm_wait_begun,
)
from prototypes.weights.gluon_parts import zeros
from prototypes.weights.gluon_words import asm_commit, asm_matrices

UPPER, JOINED, BYTES = 0, 1, 2
"""The draft over the upper plane, the verifier over both, the draft in 8-bit products."""
_STEPS = (ptx.upper_step(), ptx.joined_step(), ptx.bytes_step())
ASM = gl.constexpr(tuple(step[0] for step in _STEPS))
OPERANDS = gl.constexpr(tuple(step[1] for step in _STEPS))
BEGIN_ASM = gl.constexpr((ptx.begin_upper(), ptx.begin_joined()))
BEGIN_OPERANDS = gl.constexpr(ptx.begin_operands())
RESULTS = gl.constexpr((gl.float32,) * 4)
BLOCK = gl.constexpr(128)
"""Words of 16 outputs by 128 inputs in one plane; 4-bit codes have twice as many."""


@gluon.jit
def bring_codes(codes, lower, scales, to, block, group, last, groups, tiles, lane, there,
                FORM: gl.constexpr, BLOCKS: gl.constexpr):  # fmt: skip
    """Start copying a warp's codes and scales of BLOCKS blocks by a group, zeros where none are."""
    PARTS: gl.constexpr = 1 if FORM == 0 else 2
    there = there & (group < groups)
    for b in gl.static_range(BLOCKS):
        mine = block + b
        if FORM == 2:
            at = (mine // 4 * groups + group) * (8 * BLOCK) + mine % 4 * BLOCK + lane * 4
        else:
            at = (mine * groups + group) * BLOCK + lane * 4
        size = gl.where(there & (mine < last), 16, 0)
        spot = to + b * (PARTS * 512) + lane * 16
        asm_copy16_wide(spot, codes + at, size)
        if FORM == 1:
            asm_copy16_wide(spot + 512, lower + at, size)
        if FORM == 2:
            asm_copy16_wide(spot + 512, codes + at + 4 * BLOCK, size)
    for i in gl.static_range((BLOCKS + 3) // 4):
        mine = block + i * 4 + lane // 8
        at = (group * tiles + mine // 4) * 32 + mine % 4 + lane % 8 * 4
        size = gl.where(there & (mine < last), 4, 0)
        asm_copy4(to + BLOCKS * PARTS * 512 + i * 128 + lane * 4, scales + at, size)


@gluon.jit
def bring_x(x, to, group, groups, rows, line, lane, there, PIECES: gl.constexpr,
            ROOM: gl.constexpr):  # fmt: skip
    """Start copying a warp's group of inputs of all rows, 16 bytes swizzled by the row."""
    ALL: gl.constexpr = ROOM * PIECES
    for i in gl.static_range((ALL + 31) // 32):
        # Lanes beyond the last piece bring one again.
        piece = (i * 32 + lane) % ALL
        column = piece % PIECES
        row = piece // PIECES
        inside = (group < groups) & (row < rows)
        at = gl.minimum(row, rows - 1) * line + gl.where(group < groups, group, 0) * (PIECES * 4)
        spot = to + row * (PIECES * 16) + (column ^ (row % 8)) * 16
        asm_copy16_if(spot, x + at + column * 4, gl.where(inside, 16, 0), there)


@gluon.jit
def ask_for_x(x, warp, lane, groups, rows, line, turns, PIECES: gl.constexpr, NW: gl.constexpr):
    """Bring a warp's groups of x into the L2 cache, where all multiprocessors see what is written.

    A lane has 128 bytes of one group: turn, row and half by the lane.
    """
    HALVES: gl.constexpr = PIECES // 8
    spot = lane // HALVES
    group = spot // rows * NW + warp
    there = (spot < turns * rows) & (group < groups)
    at = spot % rows * line + group * (PIECES * 4) + lane % HALVES * 32
    asm_ask(x + gl.where(there, at, 0), there.to(gl.int32))


@gluon.jit
def rows_of(ring, offered, PIECES: gl.constexpr):
    """A lane's words of x: two a step of 16 inputs in halves, one in bytes."""
    given = ()
    for h in gl.static_range(PIECES // 4):
        given = given + asm_matrices(ring + (offered ^ (64 * h)))
    return given


@gluon.jit
def put(out, x_scales, token, output, outputs, value, there, SCALED: gl.constexpr):
    """Write results; with a scale a row, codes of weights were 16 times too large."""
    if SCALED:
        value = value * (gl.load(x_scales + token, mask=there, other=0.0) * 0.0625)
    gl.store(out + token * outputs + output, value.to(gl.float16), mask=there)


@gluon.jit
def join(out, x_scales, area, tid, first, rows, outputs, end, COUNT: gl.constexpr,
         BLOCKS: gl.constexpr, LINE: gl.constexpr, ROOM: gl.constexpr, NW: gl.constexpr,
         SCALED: gl.constexpr):  # fmt: skip
    """Add up what all warps left of COUNT turns of BLOCKS blocks, from output `first` on."""
    THREADS: gl.constexpr = 32 * NW
    WIDE: gl.constexpr = 16 * BLOCKS
    SPOTS: gl.constexpr = COUNT * ROOM * WIDE
    for i in gl.static_range((SPOTS + THREADS - 1) // THREADS):
        spot = i * THREADS + tid
        turn = spot // (ROOM * WIDE)
        token = spot // WIDE % ROOM
        column = spot % WIDE
        inside = (spot < SPOTS) & (token < rows)
        at = gl.where(inside, ((turn * NW * ROOM + token) * LINE + column) * 4, 0) + area
        value = asm_fetch(at)
        for w in gl.static_range(1, NW):
            value += asm_fetch(at + w * (ROOM * LINE * 4))
        output = first + turn * WIDE + column
        put(out, x_scales, token, output, outputs, value, inside & (output < end), SCALED)


@gluon.jit(do_not_specialize=["rows", "line", "outputs", "blocks", "groups", "turns", "programs"])
def step(
    x,
    x_scales,
    codes,
    lower,
    scales,
    out,
    rows,
    line,
    outputs,
    blocks,
    groups,
    turns,
    programs,
    FORM: gl.constexpr,
    BLOCKS: gl.constexpr,
    PASSES: gl.constexpr,
    KEEPS: gl.constexpr,
    X_PLACES: gl.constexpr,
    ROOM: gl.constexpr,
    STAGES: gl.constexpr,
    REFILLS: gl.constexpr,
    NW: gl.constexpr,
    EARLY: gl.constexpr,
):
    """out (rows, outputs) = x (rows, inputs) W^T, rows up to ROOM (1, 4 or 8).

    x int32 words of halves, or of bytes (`triton_round`), whose row scales are x_scales. codes:
    the upper plane (FORM 0, 1; `lower` the other one) or 4-bit codes (2); scales as `packing` has
    them. A program has BLOCKS * PASSES of the `blocks` of 16 outputs; a warp has every NW-th group
    of inputs, in `turns` turns. KEEPS: whether x stays for all passes, in X_PLACES for its turns;
    else they are those of its ring. EARLY: launched to overlap with what is before it in the
    stream (programmatic dependent launch).
    """
    PARTS: gl.constexpr = 1 if FORM == 0 else 2
    PIECES: gl.constexpr = 8 if FORM == 2 else 16
    CODES: gl.constexpr = BLOCKS * PARTS * 512
    PLACE: gl.constexpr = CODES + (BLOCKS + 3) // 4 * 128
    X_PLACE: gl.constexpr = ROOM * PIECES * 16
    MINE: gl.constexpr = STAGES * PLACE + X_PLACES * X_PLACE
    LINE: gl.constexpr = 16 * BLOCKS + 4
    LEFT: gl.constexpr = NW * ROOM * LINE * 4
    # Single rows' sums of all passes stay until the end; for more there is no room.
    AT_END: gl.constexpr = ROOM == 1 or PASSES == 1
    BUFFERS: gl.constexpr = PASSES if AT_END else 2
    JOIN_AT: gl.constexpr = NW * MINE
    # No third program shall fit: it would take the place of the next launch's on another one.
    PAGES: gl.constexpr = max((JOIN_AT + BUFFERS * LEFT + 1023) // 1024, 80)
    # Where the ring holds all that a warp reads, nothing is brought later.
    AHEAD: gl.constexpr = STAGES - 1 if REFILLS else STAGES
    flat: gl.constexpr = gl.BlockedLayout([1], [32], [NW], [0])
    reserve: gl.constexpr = gl.SwizzledSharedLayout(1, 1, 1, [0])
    room = gl.allocate_shared_memory(gl.int32, [PAGES, 256], reserve)
    # PTX names the memory by its symbol, which is declared only if Triton's own code uses it.
    room.index(0).store(gl.full([256], 0, gl.int32, flat))

    program = gl.program_id(0)
    first = program * blocks // programs
    last = (program + 1) * blocks // programs
    end = gl.minimum(last * 16, outputs)
    total = turns * PASSES
    tiles = blocks // 4
    tid = gl.arange(0, 32 * NW, layout=flat)
    lane = tid % 32
    warp = tid // 32
    base = asm_block_sync(asm_shared_base(tid * 0))
    if EARLY:
        # The next launch may take the other half of each multiprocessor. It has to be let in before
        # any program is done: it would find two places there, and none where one isn't.
        base = asm_let_begin(base)
    ring = base + warp * MINE
    x_ring = ring + STAGES * PLACE

    ahead_pass = first * 0
    ahead_turn = first * 0
    for s in gl.static_range(AHEAD):
        there = ahead_pass < PASSES
        bring_codes(codes, lower, scales, ring + s * PLACE, first + ahead_pass * BLOCKS,
                    ahead_turn * NW + warp, last, groups, tiles, lane, there, FORM,
                    BLOCKS)  # fmt: skip
        ring = asm_commit(ring)
        ahead_turn += 1
        ahead_pass = gl.where(ahead_turn == turns, ahead_pass + 1, ahead_pass)
        ahead_turn = gl.where(ahead_turn == turns, 0, ahead_turn)
    if EARLY:
        # Where x will be when the launch before this one is done: likely in the cache already.
        ask_for_x(x, warp, lane, groups, rows, line, turns, PIECES, NW)
        # Weights are nobody's result, but x is: wait for the launch before this one.
        x_ring = asm_wait_begun(x_ring)
    for s in gl.static_range(AHEAD):
        fits = s < (turns if KEEPS else total)
        bring_x(x, x_ring + s * X_PLACE, s % turns * NW + warp, groups, rows, line, lane,
                tid * 0 + fits.to(gl.int32), PIECES, ROOM)  # fmt: skip
    ring = asm_commit(ring)
    ring = asm_turn(ring, 0)

    row = lane % 8 % ROOM
    offered = row * (PIECES * 16) + ((lane // 8) ^ row) * 16
    column = lane % 4 * 2
    left_at = base + JOIN_AT + warp * (ROOM * LINE * 4) + (column * LINE + lane // 4) * 4
    one = (column < ROOM).to(gl.int32)
    two = (column + 1 < ROOM).to(gl.int32)
    nothing = tid.to(gl.float32) * 0.0
    stage = first * 0
    free_stage = stage + AHEAD
    for pass_ in range(PASSES):
        sums = zeros(zeros(nothing, 4), BLOCKS)
        for turn in range(turns):
            if REFILLS:
                ring = asm_turn(ring, AHEAD - 1)
                there = ahead_pass < PASSES
                ahead_group = ahead_turn * NW + warp
                bring_codes(codes, lower, scales, ring + free_stage * PLACE,
                            first + ahead_pass * BLOCKS, ahead_group, last, groups, tiles, lane,
                            there, FORM, BLOCKS)  # fmt: skip
                new_x = tid * 0 + (ahead_pass < (1 if KEEPS else PASSES)).to(gl.int32)
                x_place = ahead_turn if KEEPS else free_stage
                bring_x(x, x_ring + x_place * X_PLACE, ahead_group, groups, rows, line, lane, new_x,
                        PIECES, ROOM)  # fmt: skip
                ring = asm_commit(ring)
                ahead_turn += 1
                ahead_pass = gl.where(ahead_turn == turns, ahead_pass + 1, ahead_pass)
                ahead_turn = gl.where(ahead_turn == turns, 0, ahead_turn)
            place = ring + stage * PLACE
            given = rows_of(x_ring + (turn if KEEPS else stage) * X_PLACE, offered, PIECES)
            begun = ()
            if FORM != 2:
                begun = gl.inline_asm_elementwise(
                    BEGIN_ASM[FORM],
                    BEGIN_OPERANDS,
                    given,
                    dtype=RESULTS,
                    is_pure=False,
                    pack=1,
                )
            added = ()
            for b in gl.static_range(BLOCKS):
                words = asm_fetch4(place + b * (PARTS * 512) + lane * 16)
                if PARTS == 2:
                    words = words + asm_fetch4(place + b * 1024 + 512 + lane * 16)
                each = asm_fetch_scales(place + CODES + b * 32 + lane // 4 * 4)
                added = added + (
                    gl.inline_asm_elementwise(
                        ASM[FORM],
                        OPERANDS[FORM],
                        words + (each,) + given + begun + sums[b],
                        dtype=RESULTS,
                        is_pure=False,
                        pack=1,
                    ),
                )
            sums = added
            free_stage = stage
            stage = gl.where(stage == STAGES - 1, 0, stage + 1)
        buffer = pass_ if AT_END else pass_ % 2
        for b in gl.static_range(BLOCKS):
            spot = left_at + buffer * LEFT + b * 64
            asm_put_if(spot, sums[b][0], one)
            asm_put_if(spot + LINE * 4, sums[b][1], two)
            asm_put_if(spot + 32, sums[b][2], one)
            asm_put_if(spot + LINE * 4 + 32, sums[b][3], two)
        if not AT_END:
            base = asm_block_sync(base)
            join(out, x_scales, base + JOIN_AT + buffer * LEFT, tid,
                 (first + pass_ * BLOCKS) * 16, rows, outputs, end, 1, BLOCKS, LINE, ROOM, NW,
                 FORM == 2)  # fmt: skip
    if AT_END:
        base = asm_block_sync(base)
        join(out, x_scales, base + JOIN_AT, tid, first * 16, rows, outputs, end, PASSES, BLOCKS,
             LINE, ROOM, NW, FORM == 2)  # fmt: skip
    room._keep_alive()
