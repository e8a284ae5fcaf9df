"""PTX of the three steps, as text: 16 outputs by a group of 128 inputs, for up to 8 rows.

A pair of 2-bit codes that lies in bits 4, 6 or 8 of both halves of a word reads 64, 16 or 4 plus
the code under the right exponent, in steps of one. There it stays: what that is too much, with the
middle of the code, is the same for all outputs, a sum over x alone, and is taken off before the
first product of a group. That costs eight products for all blocks of a warp instead of a
subtraction a pair. 4-bit codes become bytes of 16 (code - 8) by one shift and one selection.
"""

from __future__ import annotations

from prototypes.weights.ptx import HIGH, HIGH_BASE, HIGH_ZERO, LOW, LOW_BASE, LOW_ZERO, STEPS

GROUP_WORDS = 4
"""Words of a plane that a lane has of a group."""
BASES = {4: 0x54005400, 6: 0x4C004C00, 8: 0x44004400}
"""64, 16 and 4 in both halves, by the place of the code."""
MIDDLES = {4: 0x541A541A, 6: 0x4C684C68, 8: 0x45A045A0}
"""The same plus 1.625."""
HIGH_NIBBLES, SIGNS = 0xF0F0F0F0, 0x80808080
SUMS = 4
X_WORDS = 2 * STEPS
MINUS = 0x80008000
"""The signs of two halves."""
PLACES = (("u", 4), ("u", 6), ("w", 4), ("w", 6), ("w", 8), ("v", 4), ("v", 6), ("v", 8))
"""Of a word of a plane: where its eight pairs lie; u is it moved 4 to the left, v 6 to the right.
Pair 2 j + s is register j of step s."""


def _product(sums: str, a: list[str], x: tuple[str, str], before: str) -> str:
    return (
        "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
        f"{{{sums}}}, {{{', '.join(a)}}}, {{{x[0]}, {x[1]}}}, {{{before}}};"
    )


def _listed(name: str) -> str:
    return ", ".join(f"{name}{i}" for i in range(4))


def _begin(fragments: tuple[tuple[int, int, int, int], tuple[int, int, int, int]]) -> str:
    """Return PTX: 4 sums of x times these pairs of halves, for steps that are even and odd."""
    lines = ["{", ".reg .b32 e<4>, o<4>; .reg .f32 p<4>, q<4>, z;", "mov.f32 z, 0f00000000;"]
    for name, fragment in zip("eo", fragments, strict=True):
        lines.append(" ".join(f"mov.b32 {name}{i}, {v};" for i, v in enumerate(fragment)))
    for step in range(STEPS):
        name, sums = ("e", "p") if step % 2 == 0 else ("o", "q")
        x = (f"${SUMS + 2 * step}", f"${SUMS + 2 * step + 1}")
        before = "z, z, z, z" if step < 2 else _listed(sums)
        lines.append(_product(_listed(sums), [f"{name}{i}" for i in range(4)], x, before))
    lines += [f"add.f32 ${i}, p{i}, q{i};" for i in range(SUMS)]
    return "\n".join([*lines, "}"])


def begin_upper() -> str:
    """Return what the upper plane's products begin with: operands 4 sums out, 16 words of x."""
    halves = [
        tuple(MIDDLES[PLACES[2 * register + step][1]] | MINUS for register in range(4))
        for step in range(2)
    ]
    return _begin((halves[0], halves[1]))  # type: ignore[arg-type]


def begin_joined() -> str:
    """Return what both planes' products begin with; low nibbles lose their excess themselves."""
    high = (0, HIGH_ZERO | MINUS, 0, HIGH_ZERO | MINUS)
    return _begin((high, high))


def begin_operands() -> str:
    """Return the constraints of both."""
    return ",".join(["=&f"] * SUMS + ["r"] * X_WORDS)


def _opening(scale: int) -> str:
    return (
        ".reg .b32 u, v; .reg .b16 lo, hi; .reg .f32 slo, shi, z; .reg .f32 p<4>, q<4>; "
        "mov.f32 z, 0f00000000; "
        f"mov.b32 {{lo, hi}}, ${scale}; cvt.f32.f16 slo, lo; cvt.f32.f16 shi, hi;"
    )


def _text(words: int, lines: list[str], x_words: int = X_WORDS) -> tuple[str, str]:
    scales = ("slo", "slo", "shi", "shi")
    closing = [
        f"add.f32 p{i}, p{i}, q{i}; fma.rn.f32 ${i}, p{i}, {scales[i]}, ${i};" for i in range(SUMS)
    ]
    begun = ["f"] * SUMS if x_words == X_WORDS else []
    inputs = ["r"] * (words + 1 + x_words) + begun + [str(i) for i in range(SUMS)]
    text = "{\n" + "\n".join([_opening(SUMS + words), *lines, *closing]) + "\n}"
    return text, ",".join(["=&f"] * SUMS + inputs)


def _sums(words: int, word: int, step: int) -> tuple[str, str]:
    """Return what a product adds to and where that lies before: even and odd steps have sums of
    their own, since a product waits for the one whose sums it adds to."""
    first = SUMS + words + 1 + X_WORDS
    if word == 0:
        begun = ", ".join(f"${first + i}" for i in range(SUMS))
        return ("p", begun) if step == 0 else ("q", "z, z, z, z")
    return ("p", _listed("p")) if step == 0 else ("q", _listed("q"))


def upper_step() -> tuple[str, str]:
    """Return PTX and constraints of the draft that reads the upper plane.

    Operands: 4 sums out (f32); 4 words; two scales in a word; 16 words of x, two a step of 16
    inputs; what `begin_upper` gave; the sums in.
    """
    x = SUMS + GROUP_WORDS + 1
    lines = [".reg .b32 a<8>, b4, b6, b8;"]
    lines += [f"mov.b32 b{place}, {base};" for place, base in BASES.items()]
    for word in range(GROUP_WORDS):
        name = f"${SUMS + word}"
        lines.append(f"shl.b32 u, {name}, 4; shr.u32 v, {name}, 6;")
        for pair, (register, place) in enumerate(PLACES):
            source = name if register == "w" else register
            mask = 3 << place | 3 << place + 16
            to = f"a{pair // 2 + 4 * (pair % 2)}"
            lines.append(f"lop3.b32 {to}, {source}, {mask}, b{place}, 0xea;")
        for step in range(2):
            at = x + 2 * (2 * word + step)
            sums, before = _sums(GROUP_WORDS, word, step)
            a = [f"a{4 * step + i}" for i in range(4)]
            lines.append(_product(_listed(sums), a, (f"${at}", f"${at + 1}"), before))
    return _text(GROUP_WORDS, lines)


def joined_step() -> tuple[str, str]:
    """Return PTX and constraints of the verifier over both planes.

    Operands as in `upper_step`, with 4 words of the lower plane after those of the upper one, and
    what `begin_joined` gave.
    """
    words = 2 * GROUP_WORDS
    x = SUMS + words + 1
    lines = [".reg .b32 a<4>, n<2>, ones, lb, hb, lz;"]
    lines.append(f"mov.b32 ones, {0x33333333}; mov.b32 lb, {LOW_BASE}; mov.b32 hb, {HIGH_BASE};")
    lines.append(f"mov.b32 lz, {LOW_ZERO};")
    for word in range(GROUP_WORDS):
        upper, lower = f"${SUMS + word}", f"${SUMS + GROUP_WORDS + word}"
        # (a & mask) | (b & ~mask) is 0xca with the mask first.
        lines += [
            f"shl.b32 u, {upper}, 2; shr.u32 v, {lower}, 2;",
            "lop3.b32 n0, ones, v, u, 0xca;",
            f"lop3.b32 n1, ones, {lower}, {upper}, 0xca;",
        ]
        for step in range(2):
            lines.append(f"shr.u32 u, n{step}, 8;")
            for first, source in ((0, f"n{step}"), (2, "u")):
                lines.append(f"lop3.b32 a{first}, {source}, {LOW}, lb, 0xea;")
                lines.append(f"lop3.b32 a{first + 1}, {source}, {HIGH}, hb, 0xea;")
                lines.append(f"sub.f16x2 a{first}, a{first}, lz;")
            at = x + 2 * (2 * word + step)
            sums, before = _sums(words, word, step)
            a = [f"a{i}" for i in range(4)]
            lines.append(_product(_listed(sums), a, (f"${at}", f"${at + 1}"), before))
    return _text(words, lines)


def bytes_step() -> tuple[str, str]:
    """Return PTX and constraints of the draft with 8-bit products: 4-bit codes by bytes of x.

    Operands: 4 sums out (f32), 16 times too large; 8 words as `packing` has them; two scales in a
    word; 8 words of x, one a step of 16 inputs; the sums in.
    """
    words = 2 * GROUP_WORDS
    x = SUMS + words + 1
    lines = [".reg .b32 a<4>, nibbles, signs; .reg .s32 i<4>, j<4>, zero;"]
    lines.append(f"mov.b32 nibbles, {HIGH_NIBBLES}; mov.b32 signs, {SIGNS}; mov.s32 zero, 0;")
    for pair in range(words // 2):
        for half in range(2):
            word = f"${SUMS + 2 * pair + half}"
            lines.append(f"shl.b32 u, {word}, 4;")
            # (word & nibbles) ^ signs
            lines.append(f"lop3.b32 a{2 * half}, u, nibbles, signs, 0x6a;")
            lines.append(f"lop3.b32 a{2 * half + 1}, {word}, nibbles, signs, 0x6a;")
        sums = _listed("ij"[pair % 2])
        before = "zero, zero, zero, zero" if pair < 2 else sums
        lines.append(
            f"mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {{{sums}}}, "
            f"{{a0, a1, a2, a3}}, {{${x + 2 * pair}, ${x + 2 * pair + 1}}}, {{{before}}};"
        )
    lines += [f"add.s32 i{i}, i{i}, j{i}; cvt.rn.f32.s32 p{i}, i{i};" for i in range(SUMS)]
    lines += [f"mov.f32 q{i}, z;" for i in range(SUMS)]
    return _text(words, lines, words)
