"""Parts of the kernel for few rows (`gluon_small`): loads, fragments of x, products of a unit."""

# Triton's own spelling: constants in capitals, arguments without Python types, tuples
# that are added up.
# ruff: noqa: N803, N806, RUF005, SIM108
# mypy: disable-error-code="no-untyped-def, untyped-decorator, assignment, var-annotated"

from __future__ import annotations

from triton.experimental import gluon
from triton.experimental.gluon import language as gl

from prototypes.weights import ptx
from prototypes.weights.gluon_words import (
    asm_copy16,
    asm_load2_if,
    asm_load4_if,
    asm_matrices,
)

_STEPS = {eights: ptx.group_step(eights) for eights in (1, 2, 4)}
ASM = gl.constexpr({n: step[0] for n, step in _STEPS.items()})
OPERANDS = gl.constexpr({n: step[1] for n, step in _STEPS.items()})
_HALVES = {eights: ptx.half_step(eights) for eights in (1, 2, 4)}
HALF_ASM = gl.constexpr({n: step[0] for n, step in _HALVES.items()})
HALF_OPERANDS = gl.constexpr({n: step[1] for n, step in _HALVES.items()})
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
def fragments(ring, offered, FIRST: gl.constexpr, COUNT: gl.constexpr, EIGHTS: gl.constexpr):
    """The right operand's words for steps of 16 inputs, two steps for each of COUNT matrices."""
    given = ()
    for h in gl.static_range(FIRST, FIRST + COUNT):
        pairs = ()
        for e in gl.static_range(EIGHTS):
            pairs = pairs + (asm_matrices(ring + e * 2048 + (offered ^ (64 * h))),)
        for half in gl.static_range(2):
            for e in gl.static_range(EIGHTS):
                given = given + (pairs[e][2 * half], pairs[e][2 * half + 1])
    return given


@gluon.jit
def add_group(words, each, given, sums, BLOCKS: gl.constexpr, EIGHTS: gl.constexpr):
    """Add a group of 128 inputs to the sums of all blocks."""
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
    return added


@gluon.jit
def add_half(
    words, each, given, sums, HALF: gl.constexpr, BLOCKS: gl.constexpr, EIGHTS: gl.constexpr
):
    """Add 64 inputs to the sums of all blocks."""
    added = ()
    for b in gl.static_range(BLOCKS):
        codes = ()
        for i in gl.static_range(4):
            codes = codes + (words[b][4 * HALF + i],)
        added = added + (
            gl.inline_asm_elementwise(
                HALF_ASM[EIGHTS],
                HALF_OPERANDS[EIGHTS],
                codes + (each[b],) + given + sums[b],
                dtype=RESULTS[EIGHTS],
                is_pure=False,
                pack=1,
            ),
        )
    return added


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
