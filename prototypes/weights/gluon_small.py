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
    asm_matrices,
    asm_put,
    asm_stream2,
    asm_stream4,
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
def load_weights(packed, scales, unit, part, way, lane, slices, tiles, columns,
                 BLOCKS: gl.constexpr, PARTS: gl.constexpr, WAYS: gl.constexpr):  # fmt: skip
    """This warp's words and scales of one unit: 16 * BLOCKS outputs by a group of inputs."""
    strip = unit // slices
    group = (unit % slices) * WAYS + way
    block = (strip * PARTS + part) * BLOCKS
    tile = gl.minimum(block // 4, tiles - 1)
    at = packed + (tile * columns + 2 * group) * TILE_WORDS + (block % 4) * 128 + lane * 4
    words = ()
    for b in gl.static_range(BLOCKS):
        words = words + (asm_stream4(at + b * 128) + asm_stream4(at + TILE_WORDS + b * 128),)
    place = scales + (group * tiles + tile) * 32 + (lane // 4) * 4 + block % 4
    if BLOCKS == 4:
        each = asm_stream4(place)
    else:
        each = asm_stream2(place)
    return words, each


@gluon.jit
def bring_rows(x, ring, unit, tid, slices, rows, inputs, TOKENS: gl.constexpr,
               WAYS: gl.constexpr, THREADS: gl.constexpr):  # fmt: skip
    """Start copying x of one unit: (way, token, 128 inputs), 16 bytes swizzled by the token."""
    first = (unit % slices) * (WAYS * GROUP)
    for i in gl.static_range(TOKENS * WAYS * 16 // THREADS):
        piece = i * THREADS + tid
        column = piece % (16 * WAYS)
        token = piece // (16 * WAYS)
        at = (column // 16) * (TOKENS * 256) + token * 256 + ((column % 16) ^ (token % 8)) * 16
        size = gl.where(token < rows, 16, 0)
        row = gl.minimum(token, rows - 1)
        asm_copy16(ring + at, x + row * inputs + first + column * 8, size)


@gluon.jit(
    do_not_specialize=["rows", "inputs", "outputs", "tiles", "slices", "units", "programs"]
)
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
):
    """out (rows, outputs) = x (rows, inputs) W^T, rows up to TOKENS.

    packed, scales: `packing`, as int32; partial (programs, 2, TOKENS, strip) float32; tickets
    (strips,) int32 zeros, zeros again afterwards. A strip is NW / WAYS * 16 * BLOCKS outputs, a
    unit one strip by WAYS groups of inputs; `slices` units a strip, `units` in all.
    """
    THREADS: gl.constexpr = 32 * NW
    PARTS: gl.constexpr = NW // WAYS
    STRIP: gl.constexpr = PARTS * 16 * BLOCKS
    EIGHTS: gl.constexpr = TOKENS // 8
    SUMS: gl.constexpr = 4 * EIGHTS
    STAGE: gl.constexpr = TOKENS * WAYS * 256
    LINE: gl.constexpr = 16 * BLOCKS + 4
    JOIN_AT: gl.constexpr = STAGES * STAGE
    PAGES: gl.constexpr = (JOIN_AT + NW * TOKENS * LINE * 4) // 1024
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
    words, each = load_weights(
        packed, scales, begin, part, way, lane, slices, tiles, columns, BLOCKS, PARTS, WAYS
    )
    base = asm_block_sync(asm_shared_base(tid * 0))
    for s in gl.static_range(STAGES - 1):
        unit = gl.minimum(begin + s, end - 1)
        bring_rows(x, base + s * STAGE, unit, tid, slices, rows, inputs, TOKENS, WAYS, THREADS)
        base = asm_commit(base)
    quarter = lane // 8
    offered = way * (TOKENS * 256) + (lane % 8) * 256 + ((quarter ^ (lane % 8)) * 16)
    put_at = base + JOIN_AT + warp * (TOKENS * LINE * 4)
    put_at += (lane % 4) * (2 * LINE * 4) + (lane // 4) * 4
    nothing = tid.to(gl.float32) * 0.0

    at = begin
    while at < end:
        strip = at // slices
        stop = gl.minimum(end, (strip + 1) * slices)
        sums = zeros(zeros(nothing, SUMS), BLOCKS)
        for unit in range(at, stop):
            base = asm_arrived(base, STAGES - 2)
            ahead = gl.minimum(unit + STAGES - 1, end - 1)
            fresh = base + ((unit - begin + STAGES - 1) % STAGES) * STAGE
            bring_rows(x, fresh, ahead, tid, slices, rows, inputs, TOKENS, WAYS, THREADS)
            base = asm_commit(base)
            ring = base + ((unit - begin) % STAGES) * STAGE + 0
            following, following_scales = load_weights(
                packed, scales, gl.minimum(unit + 1, end - 1), part, way, lane, slices, tiles,
                columns, BLOCKS, PARTS, WAYS,
            )  # fmt: skip
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
                added = added + (
                    gl.inline_asm_elementwise(
                        ASM[EIGHTS],
                        OPERANDS[EIGHTS],
                        words[b] + (each[b],) + given + sums[b],
                        dtype=RESULTS[EIGHTS],
                        is_pure=False,
                        pack=1,
                    ),
                )
            sums = added
            words = following
            each = following_scales
        for b in gl.static_range(BLOCKS):
            for e in gl.static_range(EIGHTS):
                there = put_at + e * (8 * LINE * 4) + b * 64
                asm_put(there, sums[b][4 * e])
                asm_put(there + LINE * 4, sums[b][4 * e + 1])
                asm_put(there + 32, sums[b][4 * e + 2])
                asm_put(there + LINE * 4 + 32, sums[b][4 * e + 3])
        base = asm_block_sync(base)
        whole = stop - at == slices
        earlier = strip * slices
        first = ((earlier + 1) * programs - 1) // units
        last = ((earlier + slices) * programs - 1) // units
        slot = gl.where(strip == begin // slices, 0, 1)
        mine = partial + (program * 2 + slot) * (TOKENS * STRIP)
        for i in gl.static_range(TOKENS * STRIP // THREADS):
            place = i * THREADS + tid
            output = place % STRIP
            token = place // STRIP
            from_ = base + JOIN_AT + token * (LINE * 4) + (output % (16 * BLOCKS)) * 4
            from_ += (output // (16 * BLOCKS)) * (WAYS * TOKENS * LINE * 4)
            value = asm_fetch(from_)
            for w in gl.static_range(1, WAYS):
                value += asm_fetch(from_ + w * (TOKENS * LINE * 4))
            output += strip * STRIP
            there = (token < rows) & (output < outputs)
            gl.store(out + token * outputs + output, value.to(gl.float16), mask=there & whole)
            gl.store(mine + place, value, mask=there & (stop - at != slices))
        if stop - at != slices:
            base = asm_block_sync(base)
            takes = gl.where(tid == 0, 1, 0)
            ticket = asm_ticket(tickets + strip + tid * 0, takes)
            asm_store_word(base + JOIN_AT, ticket, takes)
            base = asm_block_sync(base)
            is_last = asm_fetch_word(base + JOIN_AT) == last - first
            for i in gl.static_range(TOKENS * STRIP // THREADS):
                place = i * THREADS + tid
                output = strip * STRIP + place % STRIP
                token = place // STRIP
                there = is_last & (token < rows) & (output < outputs)
                value = nothing
                for other in range(first, last + 1):
                    theirs = other * 2 + gl.where(
                        strip == other * units // programs // slices, 0, 1
                    )
                    value += gl.load(
                        partial + theirs * (TOKENS * STRIP) + place,
                        mask=there,
                        other=0.0,
                        cache_modifier=".cg",
                    )
                gl.store(out + token * outputs + output, value.to(gl.float16), mask=there)
            gl.store(tickets + strip + tid * 0, tid * 0, mask=is_last & (tid == 0))
        at = stop
    room._keep_alive()
