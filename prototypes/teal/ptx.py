"""PTX of the sparse 4-bit product: four rows' words of a lane to eight outputs, by matrix units."""

from __future__ import annotations

from prototypes.weights.ptx import constants, widen

OUTPUTS = 16
"""Sums of a lane for one word: four products of 16 outputs (two of them its own) by 8 columns."""
LOW_HALVES, HIGH_HALVES = "0x5410", "0x7632"


def mask_of_halves() -> str:
    """Return PTX: bits of 32 halves (16 words) whose size is above a float32 threshold, or NaN.

    The threshold is cut to a half: what is above the one is above the other.
    """
    lines = [
        ".reg .b32 t, w; .reg .b16 h; .reg .pred p, q;",
        "cvt.rz.f16.f32 h, $17; mov.b32 t, {h, h}; mov.b32 $0, 0;",
    ]
    for word in range(16):
        lines.append(f"and.b32 w, ${word + 1}, 0x7fff7fff; setp.gtu.f16x2 p|q, w, t;")
        lines.append(f"@p or.b32 $0, $0, {1 << (2 * word)}; @q or.b32 $0, $0, {2 << (2 * word)};")
    return "{ " + "\n".join(lines) + " }"


def nth_bit() -> str:
    """Return PTX: the place of the set bit of $1 before which there are $2 others."""
    lines = [
        ".reg .b32 m, n, c, w; .reg .pred p;",
        "mov.b32 m, $1; mov.b32 n, $2; mov.b32 $0, 0;",
    ]
    for width in (16, 8, 4, 2, 1):
        lines.append(f"and.b32 w, m, {(1 << width) - 1}; popc.b32 c, w; setp.ge.s32 p, n, c;")
        lines.append(f"@p sub.s32 n, n, c; @p shr.u32 m, m, {width}; @p add.s32 $0, $0, {width};")
    return "{ " + "\n".join(lines) + " }"


def word_step() -> tuple[str, str]:
    """Return PTX and constraints: eight outputs of a lane times 16 inputs, four of them its own.

    Operands: 16 sums out (f32); a word of each of four inputs; two words of factors (halves), of
    the first two inputs and of the other two; the sums in. The weights are the left operand: rows g
    and g + 8 of a product are two outputs of lane 4 g + t, its columns 2t, 2t + 1, 2t + 8, 2t + 9
    the lane's inputs. Column g of the right operand has the factors of the outputs of lanes 4 g to
    4 g + 3, so what a lane is after is in column g of its rows.
    """
    word, factor, before = OUTPUTS, OUTPUTS + 4, OUTPUTS + 6
    lines = [constants(), ".reg .b32 u, w, a<4>, b<4>;"]
    for half, halves in enumerate((LOW_HALVES, HIGH_HALVES)):
        lines.append(f"prmt.b32 u, ${word}, ${word + 1}, {halves};")
        lines.append(f"prmt.b32 w, ${word + 2}, ${word + 3}, {halves};")
        lines.append(widen("u", ("a0", "a1", "a2", "a3")))
        lines.append(widen("w", ("b0", "b1", "b2", "b3")))
        for pair in range(2):
            at = 8 * half + 4 * pair
            out = ", ".join(f"${at + i}" for i in range(4))
            sums = ", ".join(f"${before + at + i}" for i in range(4))
            x, y = 2 * pair, 2 * pair + 1
            lines.append(
                f"mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {{{out}}}, "
                f"{{a{x}, a{y}, b{x}, b{y}}}, {{${factor}, ${factor + 1}}}, {{{sums}}};"
            )
    constraints = ",".join(["=&f"] * OUTPUTS + ["r"] * 6 + ["f"] * OUTPUTS)
    return "{ " + "\n".join(lines) + " }", constraints
