"""The fast kernel: decode attention over codes of 8 channels and 8 bits, on Hopper.

Each thread is written by itself: every tensor here has one element a thread, and the lookups are
PTX (`ptx`). A program has one (sequence, kv head) and one split of its tokens; both tables are in
its shared memory; each warp keeps its own running maximum and sums, and writes its own partial.

Shared memory: values twice (128 KB), so that the eight rows of a matrix come from eight different
groups of banks; scores of the four query heads side by side (32 KB); the warps' weights.
"""

from __future__ import annotations

from triton.experimental import gluon
from triton.experimental.gluon import language as gl

from prototypes.coupled_quant import ptx

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
def asm_load4(pointer):
    """16 bytes of global memory."""
    return gl.inline_asm_elementwise(
        "ld.global.nc.v4.b32 {$0, $1, $2, $3}, [$4];",
        "=r,=r,=r,=r,l",
        [pointer],
        dtype=(gl.int32, gl.int32, gl.int32, gl.int32),
        is_pure=False,
        pack=1,
    )


@gluon.jit
def asm_load2(pointer):
    """8 bytes of global memory."""
    return gl.inline_asm_elementwise(
        "ld.global.nc.v2.b32 {$0, $1}, [$2];",
        "=r,=r,l",
        [pointer],
        dtype=(gl.int32, gl.int32),
        is_pure=False,
        pack=1,
    )


@gluon.jit
def asm_store4(address, a, b, c, d):
    """16 bytes to shared memory."""
    return gl.inline_asm_elementwise(
        "st.shared.v4.b32 [$1], {$2, $3, $4, $5}; mov.b32 $0, 0;",
        "=r,r,r,r,r,r",
        [address, a, b, c, d],
        dtype=gl.int32,
        is_pure=False,
        pack=1,
    )


@gluon.jit
def asm_store_scores(address, a, b, c, d):
    """Four floats, rounded to half precision, to shared memory."""
    return gl.inline_asm_elementwise(
        """{ .reg .b32 x, y;
        cvt.rn.f16x2.f32 x, $3, $2; cvt.rn.f16x2.f32 y, $5, $4;
        st.shared.v2.b32 [$1], {x, y}; mov.b32 $0, 0; }""",
        "=r,r,f,f,f,f",
        [address, a, b, c, d],
        dtype=gl.int32,
        is_pure=False,
        pack=1,
    )


@gluon.jit
def asm_store_weight(address, value):
    """One float as half precision to shared memory; gives back what it was rounded to."""
    return gl.inline_asm_elementwise(
        """{ .reg .b16 h; cvt.rn.f16.f32 h, $2; st.shared.b16 [$1], h; cvt.f32.f16 $0, h; }""",
        "=f,r,f",
        [address, value],
        dtype=gl.float32,
        is_pure=False,
        pack=1,
    )


@gluon.jit
def asm_load_weights(address, low, high):
    """A fragment: weights of 16 tokens, kept where the token's class is the row's."""
    return gl.inline_asm_elementwise(
        """{ .reg .b32 x, y;
        ld.shared.b32 x, [$4]; ld.shared.b32 y, [$4 + 16];
        and.b32 $0, x, $5; and.b32 $1, x, $6; and.b32 $2, y, $5; and.b32 $3, y, $6; }""",
        "=&r,=&r,=&r,=&r,r,r,r",
        [address, low, high],
        dtype=(gl.int32, gl.int32, gl.int32, gl.int32),
        is_pure=False,
        pack=1,
    )


@gluon.jit
def asm_warp_sync(x):
    """Barrier of the warp; ordered by what it passes through."""
    return gl.inline_asm_elementwise(
        "bar.warp.sync 0xffffffff; mov.b32 $0, $1;",
        "=r,r",
        [x],
        dtype=gl.int32,
        is_pure=False,
        pack=1,
    )


@gluon.jit
def asm_block_sync(x):
    """Barrier of the whole program."""
    return gl.inline_asm_elementwise(
        "bar.sync 0; mov.b32 $0, $1;", "=r,r", [x], dtype=gl.int32, is_pure=False, pack=1
    )


@gluon.jit
def asm_shared_base(x):
    """Address of the shared memory that was allocated."""
    return gl.inline_asm_elementwise(
        "mov.u32 $0, global_smem; add.u32 $0, $0, $1;",
        "=&r,r",
        [x],
        dtype=gl.int32,
        is_pure=True,
        pack=1,
    )


@gluon.jit
def asm_warp_max(a, b, c, d):
    """Highest of a warp of four floats, to half precision: a reference, not a result."""
    return gl.inline_asm_elementwise(
        """{ .reg .b32 x, y, u, v; .reg .b16 l, h;
        cvt.rn.f16x2.f32 x, $5, $4; cvt.rn.f16x2.f32 y, $7, $6;
        shfl.sync.bfly.b32 u, x, 16, 31, -1; max.f16x2 x, x, u;
        shfl.sync.bfly.b32 v, y, 16, 31, -1; max.f16x2 y, y, v;
        shfl.sync.bfly.b32 u, x, 8, 31, -1; max.f16x2 x, x, u;
        shfl.sync.bfly.b32 v, y, 8, 31, -1; max.f16x2 y, y, v;
        shfl.sync.bfly.b32 u, x, 4, 31, -1; max.f16x2 x, x, u;
        shfl.sync.bfly.b32 v, y, 4, 31, -1; max.f16x2 y, y, v;
        shfl.sync.bfly.b32 u, x, 2, 31, -1; max.f16x2 x, x, u;
        shfl.sync.bfly.b32 v, y, 2, 31, -1; max.f16x2 y, y, v;
        shfl.sync.bfly.b32 u, x, 1, 31, -1; max.f16x2 x, x, u;
        shfl.sync.bfly.b32 v, y, 1, 31, -1; max.f16x2 y, y, v;
        mov.b32 {l, h}, x; cvt.f32.f16 $0, l; cvt.f32.f16 $1, h;
        mov.b32 {l, h}, y; cvt.f32.f16 $2, l; cvt.f32.f16 $3, h; }""",
        "=&f,=&f,=&f,=&f,f,f,f,f",
        [a, b, c, d],
        dtype=(gl.float32, gl.float32, gl.float32, gl.float32),
        is_pure=False,
        pack=1,
    )


@gluon.jit
def asm_swap(x, DISTANCE: gl.constexpr):
    """The value of the lane whose number differs by this bit."""
    return gl.inline_asm_elementwise(
        "shfl.sync.bfly.b32 $0, $1, $2, 31, -1;",
        "=f,f,r",
        [x, DISTANCE],
        dtype=gl.float32,
        is_pure=False,
        pack=1,
    )


@gluon.jit
def warp_sum(x):
    """Sum over the lanes of a warp, in each of them."""
    x += asm_swap(x, 16)
    x += asm_swap(x, 8)
    x += asm_swap(x, 4)
    x += asm_swap(x, 2)
    return x + asm_swap(x, 1)


@gluon.jit
def zeros_like(x, COUNT: gl.constexpr):
    """A tuple of zeros."""
    made = ()
    for _ in gl.static_range(COUNT):
        made = made + (x,)
    return made


@gluon.jit
def fill_tables(
    q,
    key_book,
    value_book,
    base,
    tid,
    scale,
    CHANNELS: gl.constexpr,
    THREADS: gl.constexpr,
    NW: gl.constexpr,
):
    """Put the scores of all centroids, and all value centroids twice, into shared memory."""
    wide: gl.constexpr = gl.BlockedLayout([1, 8], [32, 1], [NW, 1], [1, 0])
    flat: gl.constexpr = gl.BlockedLayout([1], [32], [NW], [0])
    row = gl.arange(0, THREADS, layout=gl.SliceLayout(1, wide))
    channel = gl.arange(0, 8, layout=gl.SliceLayout(0, wide))
    mine = (row % 16)[:, None] * 8 + channel[None, :]
    q0 = gl.load(q + mine).to(gl.float32) * scale
    q1 = gl.load(q + CHANNELS + mine).to(gl.float32) * scale
    q2 = gl.load(q + 2 * CHANNELS + mine).to(gl.float32) * scale
    q3 = gl.load(q + 3 * CHANNELS + mine).to(gl.float32) * scale
    # Lanes 0-7 of a store of values: four column pairs, both copies.
    quarter = tid % 4
    part = (tid // 4) % 4
    flip = (part % 2) * 16
    group = quarter * 4 + part
    ROUND: gl.constexpr = 8
    for first in range(0, 4096 // THREADS, ROUND):
        # All loads of a round are on their way before the first is used.
        centroids = ()
        for i in gl.static_range(ROUND):
            index = (first + i) * THREADS + row
            centroids = centroids + (gl.load(key_book + index[:, None] * 8 + channel[None, :]),)
        values = ()
        for i in gl.static_range(ROUND):
            code = ((first + i) * THREADS + tid) // 16
            values = values + (asm_load4(value_book + (code * 16 + group) * 8),)
        for i in gl.static_range(ROUND):
            centroid = centroids[i].to(gl.float32)
            s0 = gl.convert_layout(gl.sum(q0 * centroid, 1), flat)
            s1 = gl.convert_layout(gl.sum(q1 * centroid, 1), flat)
            s2 = gl.convert_layout(gl.sum(q2 * centroid, 1), flat)
            s3 = gl.convert_layout(gl.sum(q3 * centroid, 1), flat)
            at = base + SCORE_AT + ((first + i) * THREADS + tid) * 8
            asm_store_scores(at, s0, s1, s2, s3)
        for i in gl.static_range(ROUND):
            code = ((first + i) * THREADS + tid) // 16
            v = values[i]
            at = base + part * 32768 + code * 128 + quarter * 32
            asm_store4(at + flip, v[0], v[1], v[2], v[3])
            asm_store4(at + (16 - flip), v[0], v[1], v[2], v[3])


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


@gluon.jit
def attend(
    q,
    key_codes,
    value_codes,
    key_books,
    value_books,
    partial,
    partial_max,
    partial_sum,
    tokens,
    tokens_a_split,
    scale,
    KV_HEADS: gl.constexpr,
    ROWS: gl.constexpr,
    NW: gl.constexpr,
):
    """Partial attention of four query heads over one split, a partial a warp.

    q (batch, 4 kv_heads, 128) half; codes (batch, kv_heads, tokens, 16) bytes; books (kv_heads,
    256, 16, 8) half; partial (batch, kv_heads, splits, NW, 4, 128), its max (log2) and sum
    (batch, kv_heads, splits, NW, 4), all float32. `scale` includes log2(e). ROWS tokens a lane
    and turn.
    """
    THREADS: gl.constexpr = 32 * NW
    CHANNELS: gl.constexpr = 128
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
        q + head * 4 * CHANNELS,
        key_books + kv_head * 32768,
        value_books + kv_head * 32768,
        base,
        tid,
        scale,
        CHANNELS,
        THREADS,
        NW,
    )
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

    # A group's sum is spread over four classes: two in this lane's registers, two in the lane
    # whose number differs by 16.
    out = partial + ((head * splits + split) * NW).to(gl.int64) * (4 * CHANNELS)
    out = out + warp * (4 * CHANNELS) + my_head * CHANNELS + (lane % 4) * 2
    writes = lane < 16
    for i in gl.static_range(16):
        x = sums[4 * ((i + 4) % 16)] + sums[4 * ((i + 12) % 16) + 2]
        y = sums[4 * ((i + 4) % 16) + 1] + sums[4 * ((i + 12) % 16) + 3]
        x += asm_swap(sums[4 * i] + sums[4 * ((i + 8) % 16) + 2], 16)
        y += asm_swap(sums[4 * i + 1] + sums[4 * ((i + 8) % 16) + 3], 16)
        gl.store(out + (i + 4) % 16 * 8, x, mask=writes)
        gl.store(out + (i + 4) % 16 * 8 + 1, y, mask=writes)
    l0 = warp_sum(l0)
    l1 = warp_sum(l1)
    l2 = warp_sum(l2)
    l3 = warp_sum(l3)
    at = ((head * splits + split) * NW + warp) * 4
    gl.store(partial_max + at, m0, mask=lane == 0)
    gl.store(partial_max + at + 1, m1, mask=lane == 0)
    gl.store(partial_max + at + 2, m2, mask=lane == 0)
    gl.store(partial_max + at + 3, m3, mask=lane == 0)
    gl.store(partial_sum + at, l0, mask=lane == 0)
    gl.store(partial_sum + at + 1, l1, mask=lane == 0)
    gl.store(partial_sum + at + 2, l2, mask=lane == 0)
    gl.store(partial_sum + at + 3, l3, mask=lane == 0)
    room_values._keep_alive()
    room_scores._keep_alive()
    room_weights._keep_alive()
