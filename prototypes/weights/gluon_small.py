"""W4A16 for few rows, at the speed of memory: `mma.sync` with weights as the left operand.

Work is the flat list of (strip of outputs, slice of inputs); each program takes an equal share of
it, so no multiprocessor waits for another (stream-K). A warp has its own outputs and inputs: its
weights come from global memory into registers, 16 bytes a lane, one unit ahead, and become
fragments in place. Rows of x pass through a ring in shared memory. Strips that programs share are
joined in the order of the programs by the one that is done last.
"""

# Triton's own spelling: constants in capitals, arguments without Python types, tuples
# that are added up.
# ruff: noqa: N803, N806, RUF005
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
)
from prototypes.weights.gluon_parts import (
    TILE_WORDS,
    add_group,
    add_half,
    bring_rows,
    fragments,
    load_scales,
    load_words,
    zeros,
)
from prototypes.weights.gluon_words import asm_arrived, asm_commit, asm_count, asm_put


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
    FOLD: gl.constexpr,
):
    """out (rows, outputs) = x (rows, inputs) W^T, rows up to TOKENS.

    packed, scales: `packing`, as int32; partial (programs, 2, TOKENS, strip) float32; tickets
    (strips,) int32 zeros, zeros again afterwards. A strip is NW / WAYS * 16 * BLOCKS outputs, a
    unit one strip by WAYS groups of inputs; `slices` units a strip, `units` in all. FOLD: weights
    are scaled before the product (`ptx.half_step`), else the sums of a group after it.
    """
    THREADS: gl.constexpr = 32 * NW
    PARTS: gl.constexpr = NW // WAYS
    STRIP: gl.constexpr = PARTS * 16 * BLOCKS
    EIGHTS: gl.constexpr = TOKENS // 8
    SUMS: gl.constexpr = 4 * EIGHTS
    STAGE: gl.constexpr = TOKENS * WAYS * 256 + (16 if TOKENS * WAYS < 2 * NW else 0)
    LINE: gl.constexpr = 16 * BLOCKS + 4
    SPOTS: gl.constexpr = TOKENS * STRIP // THREADS
    JOIN_AT: gl.constexpr = (STAGES * STAGE + 1023) // 1024 * 1024
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

    # The slice whose x is brought next.
    slice_ = begin % slices
    ahead = begin
    AHEAD: gl.constexpr = STAGES - 1
    for s in gl.static_range(AHEAD):
        there = ahead < end
        bring_rows(x, base + s * STAGE, slice_, tid, rows, inputs, there, TOKENS, WAYS, THREADS)
        base = asm_commit(base)
        ahead += 1
        slice_ += 1
        slice_ = gl.where(slice_ == slices, 0, slice_)
    first_row = gl.minimum(tile + begin // slices * (STRIP // 64), tiles - 1)
    yes = tid * 0 + 1
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
            base = asm_commit(base)
            ahead += 1
            slice_ += 1
            slice_ = gl.where(slice_ == slices, 0, slice_)
            next_slice += 1
            next_strip = gl.where(next_slice == slices, next_strip + 1, next_strip)
            next_slice = gl.where(next_slice == slices, 0, next_slice)
            more = tid * 0 + (unit + 1 < end).to(gl.int32)
            next_row = gl.minimum(tile + next_strip * (STRIP // 64), tiles - 1)
            near = my_words + next_row * (columns * TILE_WORDS)
            near += next_slice * (2 * WAYS * TILE_WORDS)
            following = load_words(near, more, BLOCKS)
            next_place = my_scales + next_row * 32 + next_slice * (WAYS * tiles * 32)
            following_scales = load_scales(next_place, more, BLOCKS)
            ring = base + stage * STAGE
            if FOLD:
                for half in gl.static_range(2):
                    given = fragments(ring, offered, 2 * half, 2, EIGHTS)
                    sums = add_half(words, each, given, sums, half, BLOCKS, EIGHTS)
            else:
                given = fragments(ring, offered, 0, 4, EIGHTS)
                sums = add_group(words, each, given, sums, BLOCKS, EIGHTS)
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
        slot = gl.where(mine == begin // slices, 0, 1)
        left = partial + (program * 2 + slot) * (TOKENS * STRIP)
        for i in gl.static_range(SPOTS):
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
        start = stop
    # Only now, when nothing is left to read, is it counted who is done with a shared strip.
    base = asm_block_sync(base)
    head = begin // slices
    tail = (end - 1) // slices
    head_shared = (begin % slices != 0) | (end < (head + 1) * slices)
    tail_shared = (tail != head) & (end % slices != 0)
    strip_of = gl.where(tid == 0, head, tail)
    takes = gl.where(((tid == 0) & head_shared) | ((tid == 1) & tail_shared), 1, 0)
    ticket = asm_count(tickets + strip_of, takes)
    asm_store_word(base + JOIN_AT + tid * 4, ticket, gl.where(tid < 2, 1, 0))
    base = asm_block_sync(base)
    for which in gl.static_range(2):
        mine = head if which == 0 else tail
        shared = head_shared if which == 0 else tail_shared
        earlier = mine * slices
        first = ((earlier + 1) * programs - 1) // units
        last = ((earlier + slices) * programs - 1) // units
        is_last = shared & (asm_fetch_word(base + JOIN_AT + which * 4 + tid * 0) == last - first)
        values = zeros(nothing, SPOTS)
        for other in range(first, gl.where(shared, last + 1, first)):
            theirs = other * 2 + gl.where(mine == other * units // programs // slices, 0, 1)
            loaded = ()
            for i in gl.static_range(SPOTS):
                spot = i * THREADS + tid
                inside = is_last & (spot // STRIP < rows)
                loaded = loaded + (
                    gl.load(
                        partial + theirs * (TOKENS * STRIP) + spot,
                        mask=inside,
                        other=0.0,
                        cache_modifier=".cg",
                    ),
                )
            summed = ()
            for i in gl.static_range(SPOTS):
                summed = summed + (values[i] + loaded[i],)
            values = summed
        for i in gl.static_range(SPOTS):
            spot = i * THREADS + tid
            output = mine * STRIP + spot % STRIP
            token = spot // STRIP
            inside = is_last & (token < rows) & (output < outputs)
            gl.store(out + token * outputs + output, values[i].to(gl.float16), mask=inside)
        gl.store(tickets + mine + tid * 0, tid * 0, mask=is_last & (tid == 0))
    room._keep_alive()
