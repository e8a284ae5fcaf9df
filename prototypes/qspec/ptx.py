"""PTX of the three steps, as text: 16 outputs by a group of 128 inputs, for up to 8 rows.

A pair of 2-bit codes that lies in bits 4, 6 or 8 of both halves of a word reads 64, 16 or 4 plus
the code under the right exponent, in steps of one; the middle of the code, in sixteenths, goes in
the same subtraction. 4-bit codes become bytes of 16 (code - 8) by one shift and one selection.
"""

from __future__ import annotations

from prototypes.weights import ptx

GROUP_WORDS = 4
"""Words of a plane that a lane has of a group."""
BASES = {4: 0x54005400, 6: 0x4C004C00, 8: 0x44004400}
"""64, 16 and 4 in both halves, by the place of the code."""
MIDDLES = {4: 0x541A541A, 6: 0x4C684C68, 8: 0x45A045A0}
"""The same plus 1.625."""
HIGH_NIBBLES, SIGNS = 0xF0F0F0F0, 0x80808080
SUMS = 4


def _places() -> list[tuple[str, int]]:
    """Return register and place of the eight pairs of a word: as it is, and moved twice."""
    return [("u", 4), ("u", 6), ("$w", 4), ("$w", 6), ("$w", 8), ("v", 4), ("v", 6), ("v", 8)]


def _mma(first: int, x: tuple[str, str], is_first: bool) -> str:
    before = "z, z, z, z" if is_first else "p0, p1, p2, p3"
    a = ", ".join(f"a{first + i}" for i in range(4))
    return (
        "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
        f"{{p0, p1, p2, p3}}, {{{a}}}, {{{x[0]}, {x[1]}}}, {{{before}}};"
    )


def _opening(scale: str) -> list[str]:
    return [
        ".reg .b32 u, v; .reg .b16 lo, hi; .reg .f32 slo, shi, z; .reg .f32 p<4>;",
        f"mov.b32 {{lo, hi}}, {scale}; cvt.f32.f16 slo, lo; cvt.f32.f16 shi, hi;",
        "mov.f32 z, 0f00000000;",
    ]


def _closing() -> list[str]:
    scales = ("slo", "slo", "shi", "shi")
    return [f"fma.rn.f32 ${i}, p{i}, {scales[i]}, ${i};" for i in range(SUMS)]


def _text(lines: list[str], inputs: int) -> tuple[str, str]:
    constraints = ["=&f"] * SUMS + ["r"] * inputs + [str(i) for i in range(SUMS)]
    return "{\n" + "\n".join(lines) + "\n}", ",".join(constraints)


def upper_step() -> tuple[str, str]:
    """Return PTX and constraints of the draft that reads the upper plane.

    Operands: 4 sums out (f32); 4 words; two scales in a word; 16 words of x, two a step of 16
    inputs; the sums in.
    """
    scale, x = SUMS + GROUP_WORDS, SUMS + GROUP_WORDS + 1
    lines = [*_opening(f"${scale}"), ".reg .b32 a<8>, b4, b6, b8, m4, m6, m8;"]
    for place in BASES:
        lines.append(f"mov.b32 b{place}, {BASES[place]}; mov.b32 m{place}, {MIDDLES[place]};")
    for word in range(GROUP_WORDS):
        name = f"${SUMS + word}"
        lines.append(f"shl.b32 u, {name}, 4; shr.u32 v, {name}, 6;")
        for pair, (register, place) in enumerate(_places()):
            source = name if register == "$w" else register
            mask = 3 << place | 3 << place + 16
            # Pair 2 j + s is register j of step s.
            to = f"a{pair // 2 + 4 * (pair % 2)}"
            lines.append(f"lop3.b32 {to}, {source}, {mask}, b{place}, 0xea;")
            lines.append(f"sub.f16x2 {to}, {to}, m{place};")
        for step in range(2):
            at = x + 2 * (2 * word + step)
            lines.append(_mma(4 * step, (f"${at}", f"${at + 1}"), word + step == 0))
    return _text([*lines, *_closing()], GROUP_WORDS + 1 + 16)


def joined_step() -> tuple[str, str]:
    """Return PTX and constraints of the verifier over both planes.

    Operands as in `upper_step`, with 4 words of the lower plane after those of the upper one.
    """
    scale, x = SUMS + 2 * GROUP_WORDS, SUMS + 2 * GROUP_WORDS + 1
    opening = [*_opening(f"${scale}"), ".reg .b32 a<4>, n<2>, ones;"]
    constants = ptx.constants().replace(".reg .b32 v, ", ".reg .b32 ")
    lines = [*opening, constants, f"mov.b32 ones, {0x33333333};"]
    for word in range(GROUP_WORDS):
        upper, lower = f"${SUMS + word}", f"${SUMS + GROUP_WORDS + word}"
        # (a & mask) | (b & ~mask) is 0xca with the mask first.
        lines += [
            f"shl.b32 u, {upper}, 2; shr.u32 v, {lower}, 2;",
            "lop3.b32 n0, ones, v, u, 0xca;",
            f"lop3.b32 n1, ones, {lower}, {upper}, 0xca;",
        ]
        for step in range(2):
            at = x + 2 * (2 * word + step)
            lines.append(ptx.widen(f"n{step}", ("a0", "a1", "a2", "a3")))
            lines.append(_mma(0, (f"${at}", f"${at + 1}"), word + step == 0))
    return _text([*lines, *_closing()], 2 * GROUP_WORDS + 1 + 16)


def bytes_step() -> tuple[str, str]:
    """Return PTX and constraints of the draft with 8-bit products: 4-bit codes by bytes of x.

    Operands: 4 sums out (f32), 16 times too large; 8 words as `packing` has them; two scales in a
    word; 8 words of x, one a step of 16 inputs; the sums in.
    """
    words = 2 * GROUP_WORDS
    scale, x = SUMS + words, SUMS + words + 1
    lines = [*_opening(f"${scale}"), ".reg .b32 a<4>, nibbles, signs; .reg .s32 i<4>, zero;"]
    lines.append(f"mov.b32 nibbles, {HIGH_NIBBLES}; mov.b32 signs, {SIGNS}; mov.s32 zero, 0;")
    for pair in range(words // 2):
        for half in range(2):
            word = f"${SUMS + 2 * pair + half}"
            lines.append(f"shl.b32 u, {word}, 4;")
            # (word & nibbles) ^ signs
            lines.append(f"lop3.b32 a{2 * half}, u, nibbles, signs, 0x6a;")
            lines.append(f"lop3.b32 a{2 * half + 1}, {word}, nibbles, signs, 0x6a;")
        before = "zero, zero, zero, zero" if pair == 0 else "i0, i1, i2, i3"
        lines.append(
            "mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {i0, i1, i2, i3}, "
            f"{{a0, a1, a2, a3}}, {{${x + 2 * pair}, ${x + 2 * pair + 1}}}, {{{before}}};"
        )
    lines += [f"cvt.rn.f32.s32 p{i}, i{i};" for i in range(SUMS)]
    return _text([*lines, *_closing()], words + 1 + words)
