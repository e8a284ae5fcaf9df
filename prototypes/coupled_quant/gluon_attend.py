"""The fast kernel: decode attention over codes of 8 channels and 8 bits, on Hopper.

Each thread is written by itself: every tensor here has one element a thread, and the lookups are
PTX (`ptx`). A program has one (sequence, kv head) and one split of its tokens; both tables are in
its shared memory; each warp keeps its own running maximum and sums until all are joined.

Shared memory: values twice (128 KB), so that the eight rows of a matrix come from eight different
groups of banks; scores of the four query heads side by side (32 KB); the warps' weights.
"""

# Triton's own spelling: constants in capitals, arguments without Python types, tuples
# that are added up.
# ruff: noqa: N803, N806, RUF005
# mypy: disable-error-code="no-untyped-def, untyped-decorator, assignment, var-annotated"

from __future__ import annotations

from triton.experimental import gluon
from triton.experimental.gluon import language as gl

from prototypes.coupled_quant import ptx
from prototypes.coupled_quant.gluon_join import join_programs, join_warps
from prototypes.coupled_quant.gluon_ptx import (
    asm_block_sync,
    asm_fetch_word,
    asm_load2,
    asm_load4,
    asm_load_weights,
    asm_shared_base,
    asm_store_weight,
    asm_warp_max,
    asm_warp_sync,
    warp_sum,
)
from prototypes.coupled_quant.gluon_tables import fill_tables, newest_codes

_SCORES = ptx.score_lookup()
_VALUES = ptx.value_step()
SCORE_ASM, SCORE_OPERANDS = gl.constexpr(_SCORES[0]), gl.constexpr(_SCORES[1])
VALUE_ASM, VALUE_OPERANDS = gl.constexpr(_VALUES[0]), gl.constexpr(_VALUES[1])
FOUR_FLOATS = gl.constexpr((gl.float32,) * 4)
SUMS = gl.constexpr((gl.float32,) * ptx.ACCUMULATORS)
TABLE_WORDS = gl.constexpr(32768)
SCORE_WORDS = gl.constexpr(8192)
SCORE_AT = gl.constexpr(131072)
WEIGHTS_AT = gl.constexpr(131072 + 32768)


@gluon.jit
def zeros_like(x, COUNT: gl.constexpr):
    """A tuple of zeros."""
    made = ()
    for _ in gl.static_range(COUNT):
        made = made + (x,)
    return made


@gluon.jit
def with_newest(values, keys, newest, first, lane, last, ROWS: gl.constexpr):
    """The same codes, those of the newest token in their place."""
    half = newest + 16 + (lane // 16) * 8
    low = asm_fetch_word(half)
    high = asm_fetch_word(half + 4)
    new_values = ()
    for r in gl.static_range(2 * ROWS):
        here = first + r * 16 + lane % 16 == last
        v = values[r]
        new_values = new_values + ((gl.where(here, low, v[0]), gl.where(here, high, v[1])),)
    a = asm_fetch_word(newest)
    b = asm_fetch_word(newest + 4)
    c = asm_fetch_word(newest + 8)
    d = asm_fetch_word(newest + 12)
    new_keys = ()
    for r in gl.static_range(ROWS):
        here = first + r * 32 + lane == last
        k = keys[r]
        new_keys = new_keys + (
            (
                gl.where(here, a, k[0]),
                gl.where(here, b, k[1]),
                gl.where(here, c, k[2]),
                gl.where(here, d, k[3]),
            ),
        )
    return new_values, new_keys


@gluon.jit
def load_codes(key_row, value_row, first, lane, tokens, ROWS: gl.constexpr):
    """A warp's codes of one turn: of values, in the order of `value_step`, and of keys."""
    values = ()
    for r in gl.static_range(2 * ROWS):
        token = gl.minimum(first + r * 16 + lane % 16, tokens - 1)
        values = values + (asm_load2(value_row + token * 16 + (lane // 16) * 8),)
    keys = ()
    for r in gl.static_range(ROWS):
        token = gl.minimum(first + r * 32 + lane, tokens - 1)
        keys = keys + (asm_load4(key_row + token * 16),)
    return values, keys


@gluon.jit(do_not_specialize=["tokens", "tokens_a_split"])
def attend(
    q,
    new_keys,
    new_values,
    key_codes,
    value_codes,
    key_books,
    value_books,
    partial,
    partial_max,
    partial_sum,
    tickets,
    output,
    tokens,
    tokens_a_split,
    scale,
    KV_HEADS: gl.constexpr,
    ROWS: gl.constexpr,
    NW: gl.constexpr,
):
    """Code the newest token, number tokens - 1, and attend, with four query heads a KV head.

    q (batch, 4 kv_heads, 128), new vectors (batch, kv_heads, 128) and output like q, half; codes
    (batch, kv_heads, tokens, 16) bytes; books (kv_heads, 256, 16, 8) half; partial and tickets as
    in `join_programs`. `scale` includes log2(e). ROWS tokens a lane and turn; grid (batch *
    kv_heads, splits).
    """
    THREADS: gl.constexpr = 32 * NW
    STRIDE: gl.constexpr = 64 * ROWS + 16
    flat: gl.constexpr = gl.BlockedLayout([1], [32], [NW], [0])
    reserve: gl.constexpr = gl.SwizzledSharedLayout(1, 1, 1, [0])
    room_values = gl.allocate_shared_memory(gl.int32, [TABLE_WORDS], reserve)
    room_scores = gl.allocate_shared_memory(gl.int32, [SCORE_WORDS], reserve)
    room_weights = gl.allocate_shared_memory(gl.int32, [512 * NW], reserve)
    # PTX names the memory by its symbol, which is declared only if Triton's own code uses it.
    room_weights.store(gl.full([512 * NW], 0, gl.int32, flat))

    head = gl.program_id(0)
    split = gl.program_id(1)
    splits = gl.num_programs(1)
    kv_head = head % KV_HEADS
    tid = gl.arange(0, THREADS, layout=flat)
    lane = tid % 32
    warp = tid // 32
    key_row = key_codes + head.to(gl.int64) * tokens * 16
    value_row = value_codes + head.to(gl.int64) * tokens * 16
    begin = split * tokens_a_split
    end = gl.minimum(begin + tokens_a_split, tokens)
    mine = warp * (32 * ROWS)
    values, keys = load_codes(key_row, value_row, begin + mine, lane, tokens, ROWS)
    base = asm_block_sync(asm_shared_base(tid * 0))
    fill_tables(
        q + head * 512,
        new_keys + head * 128,
        new_values + head * 128,
        key_books + kv_head * 32768,
        value_books + kv_head * 32768,
        base,
        tid,
        scale,
        THREADS,
        NW,
    )
    base = asm_block_sync(base)
    last = tokens - 1
    newest = base + (WEIGHTS_AT + 2048 * NW - 64)
    code, byte = newest_codes(base, newest, tid, last, NW)
    mine_to_store = (split == splits - 1) & (tid < 16)
    gl.store(key_row + last * 16 + byte, code.to(gl.uint8), mask=mine_to_store)
    mine_to_store = (split == splits - 1) & (tid >= 16) & (tid < 32)
    gl.store(value_row + last * 16 + byte, code.to(gl.uint8), mask=mine_to_store)
    base = asm_block_sync(base)

    score_table = base + SCORE_AT
    lane8 = lane * 8
    column = (lane % 4) + 2 * (lane // 16)
    copy = ((lane // 4) % 2) * 16
    table0 = base + (column % 4) * 32 + copy
    table1 = base + ((column + 1) % 4) * 32 + copy
    weights = base + WEIGHTS_AT + warp * (4 * STRIDE)
    my_head = (lane // 4) % 4
    fragment = weights + my_head * STRIDE + (lane % 4) * 4
    # Rows of the A fragment are (class, head); a token's class is its number modulo 4.
    keep = gl.where(lane // 16 == 0, 0xFFFF, -65536)
    low_mask = gl.where(lane % 2 == 0, keep, 0)
    high_mask = gl.where(lane % 2 == 1, keep, 0)

    none = tid.to(gl.float32) * 0.0
    m0 = none + float("-inf")
    m1 = m0
    m2 = m0
    m3 = m0
    l0 = none
    l1 = none
    l2 = none
    l3 = none
    sums = zeros_like(none, 64)
    for start in range(begin, end, THREADS * ROWS):
        first = start + mine
        # The next turn's codes are on their way while this one's are looked up.
        next_values, next_keys = load_codes(
            key_row, value_row, first + THREADS * ROWS, lane, tokens, ROWS
        )
        if start + THREADS * ROWS >= tokens:
            values, keys = with_newest(values, keys, newest, first, lane, last, ROWS)
        scores = ()
        h0 = m0
        h1 = m1
        h2 = m2
        h3 = m3
        for r in gl.static_range(ROWS):
            k = keys[r]
            s = gl.inline_asm_elementwise(
                SCORE_ASM,
                SCORE_OPERANDS,
                [k[0], k[1], k[2], k[3], score_table, lane8],
                dtype=FOUR_FLOATS,
                is_pure=False,
                pack=1,
            )
            inside = first + r * 32 + lane < end
            s0 = gl.where(inside, s[0], float("-inf"))
            s1 = gl.where(inside, s[1], float("-inf"))
            s2 = gl.where(inside, s[2], float("-inf"))
            s3 = gl.where(inside, s[3], float("-inf"))
            h0 = gl.maximum(h0, s0)
            h1 = gl.maximum(h1, s1)
            h2 = gl.maximum(h2, s2)
            h3 = gl.maximum(h3, s3)
            scores = scores + ((s0, s1, s2, s3),)
        h0, h1, h2, h3 = asm_warp_max(h0, h1, h2, h3)
        # A warp that has seen no token yet: any finite reference will do.
        h0 = gl.where(h0 == float("-inf"), 0.0, h0)
        h1 = gl.where(h1 == float("-inf"), 0.0, h1)
        h2 = gl.where(h2 == float("-inf"), 0.0, h2)
        h3 = gl.where(h3 == float("-inf"), 0.0, h3)
        a0 = gl.exp2(m0 - h0)
        a1 = gl.exp2(m1 - h1)
        a2 = gl.exp2(m2 - h2)
        a3 = gl.exp2(m3 - h3)
        m0 = h0
        m1 = h1
        m2 = h2
        m3 = h3
        l0 *= a0
        l1 *= a1
        l2 *= a2
        l3 *= a3
        decay = gl.where(
            my_head < 2, gl.where(my_head == 0, a0, a1), gl.where(my_head == 2, a2, a3)
        )
        decayed = ()
        for i in gl.static_range(64):
            decayed = decayed + (sums[i] * decay,)
        at = asm_warp_sync(weights + lane * 2)
        for r in gl.static_range(ROWS):
            s = scores[r]
            l0 += asm_store_weight(at + r * 64, gl.exp2(s[0] - m0))
            l1 += asm_store_weight(at + r * 64 + STRIDE, gl.exp2(s[1] - m1))
            l2 += asm_store_weight(at + r * 64 + 2 * STRIDE, gl.exp2(s[2] - m2))
            l3 += asm_store_weight(at + r * 64 + 3 * STRIDE, gl.exp2(s[3] - m3))
        fragment = asm_warp_sync(fragment)
        for r in gl.static_range(2 * ROWS):
            w = asm_load_weights(fragment + r * 32, low_mask, high_mask)
            v = values[r]
            decayed = gl.inline_asm_elementwise(
                VALUE_ASM,
                VALUE_OPERANDS,
                (v[0], v[1], table0, table1, w[0], w[1], w[2], w[3]) + decayed,
                dtype=SUMS,
                is_pure=False,
                pack=1,
            )
        sums = decayed
        values = next_values
        keys = next_keys

    l0 = warp_sum(l0)
    l1 = warp_sum(l1)
    l2 = warp_sum(l2)
    l3 = warp_sum(l3)
    low_half = my_head < 2
    highest = gl.where(low_half, gl.where(my_head == 0, m0, m1), gl.where(my_head == 2, m2, m3))
    total = gl.where(low_half, gl.where(my_head == 0, l0, l1), gl.where(my_head == 2, l2, l3))
    base = join_warps(sums, highest, total, base, tid, my_head, NW)
    join_programs(
        base,
        tid,
        partial,
        partial_max,
        partial_sum,
        tickets,
        output,
        head,
        split,
        splits,
        NW,
    )
    room_values._keep_alive()
    room_scores._keep_alive()
    room_weights._keep_alive()
