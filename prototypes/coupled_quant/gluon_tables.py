"""Fills the fast kernel's tables in shared memory, and codes the newest token on the way.

Every centroid passes through a register here anyway; its distance to the newest key or value is all
that coding needs.
"""

# Triton's own spelling: constants in capitals, arguments without Python types, tuples
# that are added up.
# ruff: noqa: N803, N806, RUF005
# mypy: disable-error-code="no-untyped-def, untyped-decorator, assignment, var-annotated"
# mypy: warn-unreachable=False

from __future__ import annotations

from triton.experimental import gluon
from triton.experimental.gluon import language as gl

from prototypes.coupled_quant.gluon_ptx import (
    asm_distance,
    asm_fetch,
    asm_fetch_word,
    asm_load4,
    asm_store4,
    asm_store_byte,
    asm_store_pair,
    asm_store_scores,
    asm_store_word,
    asm_swap,
    asm_swap_whole,
)

SCORE_AT = gl.constexpr(131072)
"""Where the scores of the key centroids begin; before them are the values, twice."""
WEIGHTS_AT = gl.constexpr(131072 + 32768)
"""Where the warps' weights begin; the candidates for the newest token's codes lie there first."""


@gluon.jit
def fill_tables(
    q,
    new_key,
    new_value,
    key_book,
    value_book,
    base,
    tid,
    scale,
    THREADS: gl.constexpr,
    NW: gl.constexpr,
):
    """Put scores and value centroids into shared memory; leave each warp's best codes there.

    `q` and the new vectors are those of one KV head. Of each warp, lanes 0 to 15 leave the nearest
    key centroids (distance, code) of the 16 groups that the warp saw, and then of the values.
    """
    wide: gl.constexpr = gl.BlockedLayout([1, 8], [32, 1], [NW, 1], [1, 0])
    flat: gl.constexpr = gl.BlockedLayout([1], [32], [NW], [0])
    row = gl.arange(0, THREADS, layout=gl.SliceLayout(1, wide))
    channel = gl.arange(0, 8, layout=gl.SliceLayout(0, wide))
    mine = (row % 16)[:, None] * 8 + channel[None, :]
    # Lanes 0-7 of a store of values: four column pairs, both copies.
    quarter = tid % 4
    part = (tid // 4) % 4
    flip = (part % 2) * 16
    group = quarter * 4 + part
    q0 = gl.load(q + mine).to(gl.float32) * scale
    q1 = gl.load(q + 128 + mine).to(gl.float32) * scale
    q2 = gl.load(q + 256 + mine).to(gl.float32) * scale
    q3 = gl.load(q + 384 + mine).to(gl.float32) * scale
    key = gl.load(new_key + mine).to(gl.float32)
    value = asm_load4(new_value + group * 8)
    key_distance = tid.to(gl.float32) * 0.0 + float("inf")
    value_distance = key_distance
    key_code = tid * 0
    value_code = key_code
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
            code = ((first + i) * THREADS + tid) // 16
            centroid = centroids[i].to(gl.float32)
            s0 = gl.convert_layout(gl.sum(q0 * centroid, 1), flat)
            s1 = gl.convert_layout(gl.sum(q1 * centroid, 1), flat)
            s2 = gl.convert_layout(gl.sum(q2 * centroid, 1), flat)
            s3 = gl.convert_layout(gl.sum(q3 * centroid, 1), flat)
            at = base + SCORE_AT + ((first + i) * THREADS + tid) * 8
            asm_store_scores(at, s0, s1, s2, s3)
            away = centroid - key
            distance = gl.convert_layout(gl.sum(away * away, 1), flat)
            key_code = gl.where(distance < key_distance, code, key_code)
            key_distance = gl.minimum(distance, key_distance)
        for i in gl.static_range(ROUND):
            code = ((first + i) * THREADS + tid) // 16
            v = values[i]
            at = base + part * 32768 + code * 128 + quarter * 32
            asm_store4(at + flip, v[0], v[1], v[2], v[3])
            asm_store4(at + (16 - flip), v[0], v[1], v[2], v[3])
            distance = asm_distance(v[0], v[1], v[2], v[3], value[0], value[1], value[2], value[3])
            value_code = gl.where(distance < value_distance, code, value_code)
            value_distance = gl.minimum(distance, value_distance)
    at = base + WEIGHTS_AT + (tid // 32) * 256
    leave_best(at + (tid % 16) * 8, key_distance, key_code, tid)
    leave_best(at + 128 + group * 8, value_distance, value_code, tid)


@gluon.jit
def leave_best(address, distance, code, tid):
    """Store the better of this lane's candidate and that of the lane 16 away."""
    other = asm_swap(distance, 16)
    other_code = asm_swap_whole(code, 16)
    better = (other < distance) | ((other == distance) & (other_code < code))
    distance = gl.where(better, other, distance)
    code = gl.where(better, other_code, code)
    writes = gl.where(tid % 32 < 16, 1, 0)
    asm_store_pair(address, distance, distance, writes)
    asm_store_word(address + 4, code, writes)


@gluon.jit
def newest_codes(base, address, tid, last, NW: gl.constexpr):
    """Put the newest token's 32 bytes, as they are stored, at `address`; return them a thread each.

    Threads 0 to 15 have the key's groups, 16 to 31 the value's: returns the code and its byte.
    """
    slot = tid % 32
    at = base + WEIGHTS_AT + slot * 8
    distance = asm_fetch(at)
    code = asm_fetch_word(at + 4)
    for warp in gl.static_range(1, NW):
        other = asm_fetch(at + warp * 256)
        other_code = asm_fetch_word(at + warp * 256 + 4)
        better = (other < distance) | ((other == distance) & (other_code < code))
        distance = gl.where(better, other, distance)
        code = gl.where(better, other_code, code)
    step = gl.where(slot < 16, last, 4 * (last % 4))
    byte = (slot % 16 + 16 - step % 16) % 16
    asm_store_byte(address + (slot // 16) * 16 + byte, code, gl.where(tid < 32, 1, 0))
    return code, byte
