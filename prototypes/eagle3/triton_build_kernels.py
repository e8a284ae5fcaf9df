"""Builds a dynamic tree level by level, and commits the accepted path: Triton.

16-bit logits and their place make one 32-bit number that sorts as they do, every one different: the
largest comes first, of equals the one of the smaller token. Scores of paths are in float32.
"""

# Triton's own spelling: constants in capitals, arguments without Python types.
# ruff: noqa: N803
# mypy: disable-error-code="no-untyped-def, untyped-decorator"

from __future__ import annotations

import triton
import triton.language as tl

LEAST = tl.constexpr(-(2**31))


# All levels are one code: what a number is compiled into, the GPU has to fetch anew.
@triton.jit(do_not_specialize=["level"])
def expand_kernel(
    logits,
    ids,
    root,
    scores,
    tokens,
    parents,
    frontier,
    above,
    keys,
    maxima,
    sums,
    places,
    tickets,
    out_tokens,
    out_parents,
    out_depths,
    out_masks,
    level,
    VOCABULARY: tl.constexpr,
    WIDTH: tl.constexpr,
    LEVELS: tl.constexpr,
    NODES: tl.constexpr,
    CHUNK: tl.constexpr,
    CHUNKS: tl.constexpr,
    ROOM: tl.constexpr,
    FRONT: tl.constexpr,
    WIDE: tl.constexpr,
    COPIES: tl.constexpr,
    EARLY: tl.constexpr,
):
    """Give the frontier's nodes their children, and choose the next frontier: one launch a level.

    logits (batch, WIDTH, VOCABULARY), row i for the frontier's node i (only row 0 at level 0); ids
    (VOCABULARY,) the target's number of each drafted token. scores, tokens, parents (batch, MADE):
    all nodes made, in order; frontier (batch, WIDTH) and above, its scores. A program finds the
    WIDTH likeliest of a CHUNK; the last to arrive joins them. After the last level it chooses the
    tree: out_* (batch, NODES + 1). WIDE, FRONT, ROOM: powers of two that hold WIDTH, its square and
    all nodes made; COPIES x FRONT: threads, at least.
    """
    if EARLY:
        tl.extra.cuda.gdc_launch_dependents()
        tl.extra.cuda.gdc_wait()
    rows = tl.where(level > 0, WIDTH, 1)
    made: tl.constexpr = WIDTH + (LEVELS - 1) * WIDTH * WIDTH
    batch = tl.program_id(1)
    row = tl.program_id(0) // CHUNKS
    chunk = tl.program_id(0) % CHUNKS
    slot = tl.arange(0, WIDE)
    frontier += batch * WIDTH
    above += batch * WIDTH
    inner = (slot < rows) & (level > 0)
    place = chunk * CHUNK + tl.arange(0, CHUNK)
    there = place < VOCABULARY
    source = logits + (batch * WIDTH + row).to(tl.int64) * VOCABULARY + place
    x = tl.load(source, mask=there, other=float("-inf"))
    # What the last to arrive will want to know is asked for now.
    parent = tl.load(frontier + slot, mask=inner, other=-1, cache_modifier=".cg")
    high = tl.load(above + slot, mask=inner, other=0.0, cache_modifier=".cg")
    # Not a number counts as impossible, and -0 as 0.
    x = tl.where(x == x, x, float("-inf"))
    x = tl.where(x == 0, 0.0, x)
    key = tl.where(there, ordered(x, place), LEAST)
    wide = x.to(tl.float32)
    largest = tl.max(key, axis=0)
    top = tl.where(largest == LEAST, float("-inf"), valued(largest, logits.dtype.element_ty))
    middle = tl.where(top == float("-inf"), 0.0, top)
    total = tl.sum(tl.exp(wide - middle), axis=0)
    best = tl.where(slot == 0, largest, LEAST)
    for number in range(1, WIDTH):
        key = tl.where(key == largest, LEAST, key)
        largest = tl.max(key, axis=0)
        best = tl.where(slot == number, largest, best)
    part = (batch * WIDTH + row) * CHUNKS + chunk
    tl.store(keys + part * WIDE + slot, best)
    tl.store(maxima + part, top)
    tl.store(sums + part, total)
    tl.debug_barrier()
    ticket = tl.atomic_add(tickets + batch, 1, sem="acq_rel")
    if ticket == rows * CHUNKS - 1:
        scores += batch * made
        tokens += batch * made
        parents += batch * made
        join_level(
            ids, scores, tokens, parents, parent, high, keys + batch * WIDTH * CHUNKS * WIDE,
            maxima + batch * WIDTH * CHUNKS, sums + batch * WIDTH * CHUNKS,
            rows, level, WIDTH, CHUNKS, WIDE, logits.dtype.element_ty,
        )  # fmt: skip
        tl.debug_barrier()
        if level == LEVELS - 1:
            base = batch * (NODES + 1)
            choose_tree(
                tl.load(root + batch), scores, tokens, parents, places + batch * made,
                out_tokens + base, out_parents + base, out_depths + base, out_masks + base,
                WIDTH, LEVELS, made, NODES, ROOM,
            )  # fmt: skip
        else:
            choose_frontier(scores, frontier, above, rows, level, WIDTH, FRONT, COPIES)
        tl.store(tickets + batch, 0)


@triton.jit
def ordered(x, place):
    """Return 32-bit numbers that sort as the 16-bit floats x do, then by the smaller place."""
    bits = x.to(tl.int16, bitcast=True).to(tl.int32)
    bits = tl.where(bits < 0, bits ^ 0x7FFF, bits)
    return (bits << 16) | (0xFFFF - place)


@triton.jit
def valued(key, VALUE: tl.constexpr):
    """Return the 16-bit float that a number was made of."""
    bits = key >> 16
    bits = tl.where(bits < 0, bits ^ 0x7FFF, bits)
    return bits.to(tl.int16).to(VALUE, bitcast=True).to(tl.float32)


@triton.jit
def join_level(
    ids, scores, tokens, parents, parent, above, keys, maxima, sums,
    rows, level, WIDTH: tl.constexpr, CHUNKS: tl.constexpr, WIDE: tl.constexpr,
    VALUE: tl.constexpr,
):  # fmt: skip
    """Find each row's WIDTH likeliest among those of its chunks, and write them as new nodes."""
    row = tl.arange(0, WIDE)
    slot = tl.arange(0, WIDE)
    chunk = tl.arange(0, CHUNKS)
    # Other multiprocessors wrote them: not from this one's L1.
    part = row[:, None] * CHUNKS + chunk[None, :]
    mine = (row < rows)[:, None] & (chunk >= 0)[None, :]
    tops = tl.load(maxima + part, mask=mine, other=float("-inf"), cache_modifier=".cg")
    own = tl.load(sums + part, mask=mine, other=0.0, cache_modifier=".cg")
    every = tl.arange(0, CHUNKS * WIDE)
    found = tl.load(
        keys + row[:, None] * (CHUNKS * WIDE) + every[None, :],
        mask=(row < rows)[:, None] & (every >= 0)[None, :],
        other=LEAST,
        cache_modifier=".cg",
    )
    top = tl.max(tops, axis=1)
    middle = tl.where(top == float("-inf"), 0.0, top)
    total = tl.sum(own * tl.exp(tops - middle[:, None]), axis=1)
    less = tl.log(tl.where(total > 0, total, 1.0))
    best = tl.full([WIDE, WIDE], LEAST, tl.int32)
    for number in range(WIDTH):
        largest = tl.max(found, axis=1)
        best = tl.where(slot[None, :] == number, largest[:, None], best)
        found = tl.where(found == largest[:, None], LEAST, found)
    value = valued(best, VALUE)
    place = 0xFFFF - (best & 0xFFFF)
    begin = tl.where(level > 0, WIDTH + (level - 1) * WIDTH * WIDTH, 0)
    node = begin + row[:, None] * WIDTH + slot[None, :]
    real = (row < rows)[:, None] & (slot < WIDTH)[None, :]
    # In this order: logits may be in the hundreds, and their difference is what counts.
    told = (value - middle[:, None]) - less[:, None]
    tl.store(scores + node, above[:, None] + told, mask=real)
    tl.store(tokens + node, tl.load(ids + place, mask=real, other=0), mask=real)
    tl.store(parents + node, tl.broadcast_to(parent[:, None], [WIDE, WIDE]), mask=real)


@triton.jit
def sortable(score):
    """Return 32-bit numbers that sort as the float32 numbers do; -0 is 0."""
    bits = (score + 0.0).to(tl.int32, bitcast=True)
    return tl.where(bits < 0, bits ^ 0x7FFFFFFF, bits)


@triton.jit
def choose_frontier(
    scores, frontier, above, rows, level, WIDTH: tl.constexpr, FRONT: tl.constexpr,
    COPIES: tl.constexpr,
):  # fmt: skip
    """Choose the level's WIDTH likeliest new nodes, in the order in which they were made."""
    begin = tl.where(level > 0, WIDTH + (level - 1) * WIDTH * WIDTH, 0)
    own = tl.arange(0, FRONT)
    there = own < rows * WIDTH
    # As many loads as threads: of fewer the compiler makes one for each pair compared below.
    twin = tl.arange(0, COPIES)
    score = tl.load(
        (scores + begin + own)[:, None] + (twin * 0)[None, :],
        mask=there[:, None] & (twin >= 0)[None, :],
        other=float("-inf"),
        cache_modifier=".cg",
    )
    score = tl.max(score, axis=1)
    key = tl.where(there, sortable(score), LEAST).to(tl.int64) << 32
    key = key | (FRONT - own).to(tl.int64)
    rank = tl.sum((key[None, :] > key[:, None]).to(tl.int32), axis=1)
    chosen = there & (rank < WIDTH)
    spot = tl.cumsum(chosen.to(tl.int32), axis=0) - 1
    tl.store(frontier + spot, begin + own, mask=chosen)
    tl.store(above + spot, score, mask=chosen)


@triton.jit
def choose_tree(
    root, scores, tokens, parents, places, out_tokens, out_parents, out_depths, out_masks,
    WIDTH: tl.constexpr, LEVELS: tl.constexpr, MADE: tl.constexpr, NODES: tl.constexpr,
    ROOM: tl.constexpr,
):  # fmt: skip
    """Keep the NODES likeliest of all nodes made, and write the tree with its masks.

    The last one's score is found by halving; of equals those made first stay.
    """
    made = tl.arange(0, ROOM)
    there = made < MADE
    score = tl.load(scores + made, mask=there, other=float("-inf"))
    key = tl.where(there, sortable(score), LEAST)
    token = tl.load(tokens + made, mask=there, other=0)
    parent = tl.load(parents + made, mask=there, other=-1)
    low = tl.min(tl.where(there, key, 0x7FFFFFFF), axis=0).to(tl.int64)
    high = tl.max(key, axis=0).to(tl.int64)
    while low < high:
        middle = low + (high - low + 1) // 2
        count = tl.sum((key >= middle).to(tl.int32), axis=0)
        low = tl.where(count >= NODES, middle, low)
        high = tl.where(count > NODES, high, tl.where(count == NODES, middle, middle - 1))
    above = tl.sum((key > low).to(tl.int32), axis=0)
    equal = there & (key == low)
    first = tl.cumsum(equal.to(tl.int32), axis=0) <= NODES - above
    chosen = (there & (key > low)) | (equal & first)
    spot = tl.cumsum(chosen.to(tl.int32), axis=0)
    tl.store(places + made, spot, mask=chosen)
    tl.debug_barrier()
    held = tl.load(places + parent, mask=chosen & (parent >= 0), other=0)
    tl.store(out_tokens + spot, token, mask=chosen)
    tl.store(out_parents + spot, held, mask=chosen)
    depth = tl.where(made < WIDTH, 1, 2 + (made - WIDTH) // (WIDTH * WIDTH))
    tl.store(out_depths + spot, depth, mask=chosen)
    tl.store(out_tokens, root)
    tl.store(out_parents, -1)
    tl.store(out_depths, 0)
    tl.debug_barrier()
    node = tl.arange(0, 64)
    jump = tl.load(out_parents + node, mask=(node > 0) & (node <= NODES), other=0)
    word = tl.full([64], 1, tl.int64) << node.to(tl.int64)
    # After a step a node knows twice as many of its ancestors.
    reach: tl.constexpr = LEVELS
    for step in tl.static_range(6):
        if (1 << step) <= reach:
            word = word | tl.gather(word, jump, 0)
            jump = tl.gather(jump, jump, 0)
    tl.store(out_masks + node, word, mask=node <= NODES)


@triton.jit
def compact_kernel(
    cache, path, counts, lengths, new_lengths, capacity, heads, batch,
    MOST: tl.constexpr, ROWS: tl.constexpr, HEAD_DIM: tl.constexpr,
):  # fmt: skip
    """Move the accepted path's rows of the cache to where the prefix ends, in place.

    cache (layers x 2, batch, heads, capacity, HEAD_DIM); path (batch, MOST): nodes, the root first;
    counts (batch,): accepted nodes besides it. A program moves the rows of one head.
    """
    program = tl.program_id(0)
    sequence = program // heads % batch
    length = tl.load(lengths + sequence)
    count = tl.load(counts + sequence)
    step = tl.arange(0, ROWS)
    wide = tl.arange(0, HEAD_DIM)
    node = tl.load(path + sequence * MOST + step, mask=(step < MOST) & (step <= count), other=0)
    moves = (step < MOST) & (step <= count) & (node != step)
    base = cache + program.to(tl.int64) * capacity * HEAD_DIM
    source = base + (length + node)[:, None].to(tl.int64) * HEAD_DIM + wide[None, :]
    rows = tl.load(source, mask=moves[:, None], other=0.0)
    # All rows are read before one is written: a path's nodes lie where others go.
    tl.debug_barrier()
    sink = base + (length + step)[:, None].to(tl.int64) * HEAD_DIM + wide[None, :]
    tl.store(sink, rows, mask=moves[:, None])
    if program < batch * heads:
        tl.store(new_lengths + sequence, length + count + 1)
