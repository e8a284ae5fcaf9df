"""The fast product with 16-bit weights on Hopper: rows of active inputs, eight at a time.

Each thread is written by itself: a tensor has one element a thread. A warp takes 256 outputs, a
lane eight of them: 16 bytes of a row.
"""

# Triton's own spelling: constants in capitals, arguments without Python types, tuples
# that are added up.
# ruff: noqa: N803, N806, RUF005
# mypy: disable-error-code="no-untyped-def, untyped-decorator, assignment, var-annotated, misc"

from __future__ import annotations

from triton.experimental import gluon
from triton.experimental.gluon import language as gl

from prototypes.teal import ptx
from prototypes.teal.gluon_list import list_active
from prototypes.teal.gluon_parts import (
    asm_prefetch,
    asm_store4_if,
    asm_sync,
    asm_words,
    join_shares,
)
from prototypes.weights.gluon_words import asm_load4_if

ROW_ASM = gl.constexpr(ptx.row_step())
ROW_OPERANDS = gl.constexpr(",".join(["=&f"] * 8 + ["r"] * 5 + ["f"] * 8))
SUMS = gl.constexpr((gl.float32,) * 8)
INPUTS = gl.constexpr(8)
"""Active inputs of a step."""


@gluon.jit
def fetch_rows(weights, listed, first, count, outputs, column, lanes):
    """Start reading eight inputs' rows; what lies past the list's end isn't read."""
    rows = ()
    for j in gl.static_range(INPUTS):
        there = (first + j < count) & lanes
        index = (listed[j] >> 16) & 0xFFFF
        rows = rows + (asm_load4_if(weights + index * outputs + column, gl.where(there, 1, 0)),)
    return rows


@gluon.jit
def sparse_product(
    x,
    thresholds,
    weights,
    out,
    words,
    partial,
    tickets,
    room,
    inputs,
    outputs,
    PER_CHANNEL: gl.constexpr,
    SHARES: gl.constexpr,
    TURNS: gl.constexpr,
    NW: gl.constexpr,
):
    """x (inputs,), weights (inputs, outputs), out (outputs,), float16.

    A program takes 256 NW outputs and every SHARES-th active input; inputs a multiple of 8, at most
    1024 NW TURNS. Grid: stripes * SHARES.
    """
    THREADS: gl.constexpr = 32 * NW
    flat: gl.constexpr = gl.BlockedLayout([1], [32], [NW], [0])
    program = gl.program_id(0)
    stripe = program // SHARES
    share = program % SHARES
    tid = gl.arange(0, THREADS, layout=flat)
    own = words + program * room
    asm_prefetch(tickets + stripe + tid * 0)
    count = list_active(
        x, thresholds, own, inputs, share, tid, PER_CHANNEL, SHARES, THREADS, TURNS, INPUTS
    )
    begin = stripe * (256 * NW)
    column = begin + tid * 8
    lanes = column < outputs
    first = asm_sync(tid * 0)
    none = tid.to(gl.float32) * 0.0
    sums = (none, none, none, none, none, none, none, none)
    # The list is read two steps ahead, rows one: else each waits for the other.
    listed = asm_words(own + first) + asm_words(own + first + 4)
    later = asm_words(own + first + INPUTS) + asm_words(own + first + INPUTS + 4)
    rows = fetch_rows(weights, listed, first, count, outputs, column, lanes)
    for start in range(INPUTS, count + INPUTS, INPUTS):
        coming = fetch_rows(weights, later, first + start, count, outputs, column, lanes)
        ahead = own + first + start + INPUTS
        following = asm_words(ahead) + asm_words(ahead + 4)
        for j in gl.static_range(INPUTS):
            sums = gl.inline_asm_elementwise(
                ROW_ASM,
                ROW_OPERANDS,
                rows[j] + (listed[j],) + sums,
                dtype=SUMS,
                is_pure=True,
                pack=1,
            )
        rows = coming
        listed = later
        later = following
    writes = gl.where(lanes, 1, 0)
    at = partial + share * outputs + column
    done = asm_store4_if(at, sums[0], sums[1], sums[2], sums[3], writes)
    done += asm_store4_if(at + 4, sums[4], sums[5], sums[6], sums[7], writes)
    join_shares(out, partial, tickets, begin, stripe, tid, done, outputs, SHARES)
