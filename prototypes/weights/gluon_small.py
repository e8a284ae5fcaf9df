"""W4A16 for few rows, at the speed of memory: `mma.sync` with weights as the left operand.

Work is the flat list of (strip of outputs, slice of inputs); each program takes an equal share of
it, so no multiprocessor waits for another (stream-K). A warp has its own outputs and inputs: its
weights come from global memory into registers, 16 bytes a lane, one unit ahead, and become
fragments in place. Rows of x pass through a ring in shared memory. Strips that programs share are
joined in the order of the programs by the one that is done last.
"""

# Triton's own spelling: constants in capitals, arguments without Python types, tuples
# that are added up.
# ruff: noqa: N803, N806, RUF005, SIM108
# mypy: disable-error-code="no-untyped-def, untyped-decorator, assignment, var-annotated"

from __future__ import annotations

from triton.experimental import gluon
from triton.experimental.gluon import language as gl

from prototypes.coupled_quant.gluon_ptx import (
    asm_block_sync,
    asm_fetch,
    asm_fetch_word,
    asm_shared_base,
    asm_store_word,
    asm_ticket,
)
from prototypes.weights import ptx
from prototypes.weights.gluon_words import (
    asm_arrived,
    asm_commit,
    asm_copy16,
    asm_copy16_if,
    asm_fetch4,
    asm_load2_if,
    asm_load4_if,
    asm_matrices,
    asm_put,
)

_STEPS = {eights: ptx.group_step(eights) for eights in (1, 2, 4)}
ASM = gl.constexpr({n: step[0] for n, step in _STEPS.items()})
OPERANDS = gl.constexpr({n: step[1] for n, step in _STEPS.items()})
RESULTS = gl.constexpr({n: (gl.float32,) * (4 * n) for n in _STEPS})
GROUP = gl.constexpr(128)
TILE_WORDS = gl.constexpr(512)


@gluon.jit
def zeros(x, COUNT: gl.constexpr):
    """A tuple of zeros."""
    made = ()
    for _ in gl.static_range(COUNT):
        made = made + (x,)
    return made


@gluon.jit
def load_words(at, there, BLOCKS: gl.constexpr):
    """A lane's eight words of each block: 16 outputs by 128 inputs."""
    words = ()
    for b in gl.static_range(BLOCKS):
        first = asm_load4_if(at + b * 128, there)
        words = words + (first + asm_load4_if(at + TILE_WORDS + b * 128, there),)
    return words


@gluon.jit
def copy_words(address, at, there, BLOCKS: gl.constexpr):
    """The same into this warp's place of the ring: a lane's 16 bytes, block after block."""
    for b in gl.static_range(BLOCKS):
        asm_copy16_if(address + b * 1024, at + b * 128, there)
        asm_copy16_if(address + b * 1024 + 512, at + TILE_WORDS + b * 128, there)


@gluon.jit
def load_scales(place, there, BLOCKS: gl.constexpr):
    """Two scales in a word for each of a lane's blocks."""
    if BLOCKS == 4:
        each = asm_load4_if(place, there)
    else:
        each = asm_load2_if(place, there)
    return each


@gluon.jit
def bring_rows(x, ring, slice_, tid, rows, inputs, there, TOKENS: gl.constexpr,
               WAYS: gl.constexpr, THREADS: gl.constexpr):  # fmt: skip
    """Start copying x of one unit: (way, token, 128 inputs), 16 bytes swizzled by the token."""
    PIECES: gl.constexpr = TOKENS * WAYS * 16
    first = slice_ * (WAYS * GROUP)
    for i in gl.static_range((PIECES + THREADS - 1) // THREADS):
        piece = i * THREADS + tid
        column = piece % (16 * WAYS)
        token = piece // (16 * WAYS)
        at = (column // 16) * (TOKENS * 256) + token * 256 + ((column % 16) ^ (token % 8)) * 16
        size = gl.where((token < rows) & there, 16, 0)
        if PIECES < THREADS:
            # Lanes beyond the last piece put their zeros where the last one belongs: nowhere.
            at = gl.where(piece < PIECES, at, PIECES * 16)
        row = gl.minimum(token, rows - 1)
        asm_copy16(ring + at, x + row * inputs + first + column * 8, size)


@gluon.jit(do_not_specialize=["rows", "inputs", "outputs", "tiles", "slices", "units", "programs"])
def small(
    x,
    packed,
    scales,
    out,
    partial,
    tickets,
    rows,
    inputs,
    outputs,
    tiles,
    slices,
    units,
    programs,
    TOKENS: gl.constexpr,
    BLOCKS: gl.constexpr,
    WAYS: gl.constexpr,
    STAGES: gl.constexpr,
    NW: gl.constexpr,
    SHARED: gl.constexpr,
):
    """out (rows, outputs) = x (rows, inputs) W^T, rows up to TOKENS.

    packed, scales: `packing`, as int32; partial (programs, 2, TOKENS, strip) float32; tickets
    (strips,) int32 zeros, zeros again afterwards. A strip is NW / WAYS * 16 * BLOCKS outputs, a
    unit one strip by WAYS groups of inputs; `slices` units a strip, `units` in all. SHARED: codes
    pass through a ring of STAGES places like x's; else they go into registers one unit ahead.
    """
    THREADS: gl.constexpr = 32 * NW
    PARTS: gl.constexpr = NW // WAYS
    STRIP: gl.constexpr = PARTS * 16 * BLOCKS
    EIGHTS: gl.constexpr = TOKENS // 8
    SUMS: gl.constexpr = 4 * EIGHTS
    STAGE: gl.constexpr = TOKENS * WAYS * 256 + (16 if TOKENS * WAYS < 2 * NW else 0)
    LINE: gl.constexpr = 16 * BLOCKS + 4
    OWN: gl.constexpr = BLOCKS * 1024
    WORDS_AT: gl.constexpr = (STAGES * STAGE + 1023) // 1024 * 1024
    JOIN_AT: gl.constexpr = WORDS_AT + (STAGES * NW * OWN if SHARED else 0)
    PAGES: gl.constexpr = (JOIN_AT + NW * TOKENS * LINE * 4 + 1023) // 1024
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
    columns = inputs // 64
    tile = part * BLOCKS // 4
    block = part * BLOCKS % 4
    my_words = packed + way * (2 * TILE_WORDS) + block * 128 + lane * 4
    my_scales = scales + way * tiles * 32 + (lane // 4) * 4 + block
    base = asm_block_sync(asm_shared_base(tid * 0))
    own = base + WORDS_AT + warp * OWN + lane * 16

    # What is fetched next: a strip and a slice of it.
    strip = begin // slices
    slice_ = begin % slices
    ahead = begin
    AHEAD: gl.constexpr = STAGES - 1
    words = zeros(zeros(tid * 0, 8), BLOCKS)
    for s in gl.static_range(AHEAD):
        there = ahead < end
        bring_rows(x, base + s * STAGE, slice_, tid, rows, inputs, there, TOKENS, WAYS, THREADS)
        row_of = gl.minimum(tile + strip * (STRIP // 64), tiles - 1)
        if SHARED:
            at = my_words + row_of * (columns * TILE_WORDS) + slice_ * (2 * WAYS * TILE_WORDS)
            copy_words(own + s * (NW * OWN), at, tid * 0 + there.to(gl.int32), BLOCKS)
        base = asm_commit(base)
        ahead += 1
        slice_ += 1
        strip += slice_ // slices
        slice_ = gl.where(slice_ == slices, 0, slice_)
    first_row = gl.minimum(tile + begin // slices * (STRIP // 64), tiles - 1)
    yes = tid * 0 + 1
    if not SHARED:
        at = my_words + first_row * (columns * TILE_WORDS)
        words = load_words(at + begin % slices * (2 * WAYS * TILE_WORDS), yes, BLOCKS)
    place = my_scales + first_row * 32 + begin % slices * (WAYS * tiles * 32)
    each = load_scales(place, yes, BLOCKS)
    next_strip = begin // slices
    next_slice = begin % slices
    quarter = lane // 8
    offered = way * (TOKENS * 256) + (lane % 8) * 256 + ((quarter ^ (lane % 8)) * 16)
    put_at = base + JOIN_AT + warp * (TOKENS * LINE * 4)
    put_at += (lane % 4) * (2 * LINE * 4) + (lane // 4) * 4
    nothing = tid.to(gl.float32) * 0.0
    stage = begin * 0
    free_stage = stage + AHEAD

    start = begin
    while start < end:
        mine = start // slices
        stop = gl.minimum(end, (mine + 1) * slices)
        sums = zeros(zeros(nothing, SUMS), BLOCKS)
        for unit in range(start, stop):
            base = asm_arrived(base, AHEAD - 1)
            there = ahead < end
            fresh = base + free_stage * STAGE
            bring_rows(x, fresh, slice_, tid, rows, inputs, there, TOKENS, WAYS, THREADS)
            if SHARED:
                row_of = gl.minimum(tile + strip * (STRIP // 64), tiles - 1)
                far = my_words + row_of * (columns * TILE_WORDS)
                far += slice_ * (2 * WAYS * TILE_WORDS)
                fresh_words = own + free_stage * (NW * OWN)
                copy_words(fresh_words, far, tid * 0 + there.to(gl.int32), BLOCKS)
            base = asm_commit(base)
            ahead += 1
            slice_ += 1
            strip += slice_ // slices
            slice_ = gl.where(slice_ == slices, 0, slice_)
            next_slice += 1
            next_strip += next_slice // slices
            next_slice = gl.where(next_slice == slices, 0, next_slice)
            more = tid * 0 + (unit + 1 < end).to(gl.int32)
            next_row = gl.minimum(tile + next_strip * (STRIP // 64), tiles - 1)
            following = words
            if not SHARED:
                near = my_words + next_row * (columns * TILE_WORDS)
                near += next_slice * (2 * WAYS * TILE_WORDS)
                following = load_words(near, more, BLOCKS)
            next_place = my_scales + next_row * 32 + next_slice * (WAYS * tiles * 32)
            following_scales = load_scales(next_place, more, BLOCKS)
            ring = base + stage * STAGE
            given = ()
            for h in gl.static_range(4):
                pairs = ()
                for e in gl.static_range(EIGHTS):
                    pairs = pairs + (asm_matrices(ring + e * 2048 + (offered ^ (64 * h))),)
                for half in gl.static_range(2):
                    for e in gl.static_range(EIGHTS):
                        given = given + (pairs[e][2 * half], pairs[e][2 * half + 1])
            added = ()
            for b in gl.static_range(BLOCKS):
                if SHARED:
                    here = own + stage * (NW * OWN) + b * 1024
                    codes = asm_fetch4(here) + asm_fetch4(here + 512)
                else:
                    codes = words[b]
                added = added + (
                    gl.inline_asm_elementwise(
                        ASM[EIGHTS],
                        OPERANDS[EIGHTS],
                        codes + (each[b],) + given + sums[b],
                        dtype=RESULTS[EIGHTS],
                        is_pure=False,
                        pack=1,
                    ),
                )
            sums = added
            words = following
            each = following_scales
            free_stage = stage
            stage = gl.where(stage == STAGES - 1, 0, stage + 1)
        for b in gl.static_range(BLOCKS):
            for e in gl.static_range(EIGHTS):
                spot = put_at + e * (8 * LINE * 4) + b * 64
                asm_put(spot, sums[b][4 * e])
                asm_put(spot + LINE * 4, sums[b][4 * e + 1])
                asm_put(spot + 32, sums[b][4 * e + 2])
                asm_put(spot + LINE * 4 + 32, sums[b][4 * e + 3])
        base = asm_block_sync(base)
        whole = stop - start == slices
        earlier = mine * slices
        first = ((earlier + 1) * programs - 1) // units
        last = ((earlier + slices) * programs - 1) // units
        slot = gl.where(mine == begin // slices, 0, 1)
        left = partial + (program * 2 + slot) * (TOKENS * STRIP)
        for i in gl.static_range(TOKENS * STRIP // THREADS):
            spot = i * THREADS + tid
            output = spot % STRIP
            token = spot // STRIP
            from_ = base + JOIN_AT + token * (LINE * 4) + (output % (16 * BLOCKS)) * 4
            from_ += (output // (16 * BLOCKS)) * (WAYS * TOKENS * LINE * 4)
            value = asm_fetch(from_)
            for w in gl.static_range(1, WAYS):
                value += asm_fetch(from_ + w * (TOKENS * LINE * 4))
            output += mine * STRIP
            inside = (token < rows) & (output < outputs)
            gl.store(out + token * outputs + output, value.to(gl.float16), mask=inside & whole)
            gl.store(left + spot, value, mask=inside & (stop - start != slices))
        if stop - start != slices:
            base = asm_block_sync(base)
            takes = gl.where(tid == 0, 1, 0)
            ticket = asm_ticket(tickets + mine + tid * 0, takes)
            asm_store_word(base + JOIN_AT, ticket, takes)
            base = asm_block_sync(base)
            is_last = asm_fetch_word(base + JOIN_AT) == last - first
            for i in gl.static_range(TOKENS * STRIP // THREADS):
                spot = i * THREADS + tid
                output = mine * STRIP + spot % STRIP
                token = spot // STRIP
                inside = is_last & (token < rows) & (output < outputs)
                value = nothing
                for other in range(first, last + 1):
                    theirs = other * 2 + gl.where(mine == other * units // programs // slices, 0, 1)
                    value += gl.load(
                        partial + theirs * (TOKENS * STRIP) + spot,
                        mask=inside,
                        other=0.0,
                        cache_modifier=".cg",
                    )
                gl.store(out + token * outputs + output, value.to(gl.float16), mask=inside)
            gl.store(tickets + mine + tid * 0, tid * 0, mask=is_last & (tid == 0))
        start = stop
    room._keep_alive()
