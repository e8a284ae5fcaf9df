"""PTX of the 4-bit linear layer, as text: codes of a word to halves, and products with them.

A word (`packing`) has eight codes. Under an OR with 0x6400 a code in a half's lowest four bits
reads 1024 + code; with 0x5400 one in the next four bits reads 64 + code: all steps have the
size of one, so one subtraction makes a pair of weights, exactly.
"""

from __future__ import annotations

LOW, HIGH = 0x000F000F, 0x00F000F0
LOW_BASE, HIGH_BASE = 0x64006400, 0x54005400
LOW_ZERO, HIGH_ZERO = 0x64086408, 0x54805480
"""1024 + 8 and 64 + 8, twice."""
STEPS = 8
"""Steps of 16 inputs in a group of 128."""


def constants() -> str:
    """Return declarations that `widen` wants."""
    return (
        ".reg .b32 v, lb, hb, lz, hz; "
        f"mov.b32 lb, {LOW_BASE}; mov.b32 hb, {HIGH_BASE}; "
        f"mov.b32 lz, {LOW_ZERO}; mov.b32 hz, {HIGH_ZERO};"
    )


def widen(word: str, out: tuple[str, str, str, str]) -> str:
    """Return PTX that makes a word's eight weights (code - 8): four pairs of halves."""
    a, b, c, d = out
    return (
        f"shr.u32 v, {word}, 8; "
        f"lop3.b32 {a}, {word}, {LOW}, lb, 0xea; lop3.b32 {b}, {word}, {HIGH}, hb, 0xea; "
        f"lop3.b32 {c}, v, {LOW}, lb, 0xea; lop3.b32 {d}, v, {HIGH}, hb, 0xea; "
        f"sub.f16x2 {a}, {a}, lz; sub.f16x2 {b}, {b}, hz; "
        f"sub.f16x2 {c}, {c}, lz; sub.f16x2 {d}, {d}, hz;"
    )


def group_step(eights: int) -> tuple[str, str]:
    """Return PTX and constraints: 16 outputs by a group of 128 inputs, times 8 * `eights` rows.

    Operands: 4 * eights sums out (f32); 8 words; two scales (halves in a word, of rows g and
    g + 8); 16 * eights words of x, two a step of 16 inputs and eight rows (step first); the sums
    in. Products of a group are added up by themselves and scaled once, in float32.
    """
    count = 4 * eights
    words, scale, x = count, count + STEPS, count + STEPS + 1
    lines = [
        constants(),
        ".reg .b32 a<4>; .reg .b16 lo, hi; .reg .f32 slo, shi, z;",
        f".reg .f32 p<{count}>;",
        f"mov.b32 {{lo, hi}}, ${scale}; cvt.f32.f16 slo, lo; cvt.f32.f16 shi, hi;",
        "mov.f32 z, 0f00000000;",
    ]
    for step in range(STEPS):
        lines.append(widen(f"${words + step}", ("a0", "a1", "a2", "a3")))
        for eight in range(eights):
            sums = ", ".join(f"p{4 * eight + i}" for i in range(4))
            before = "z, z, z, z" if step == 0 else sums
            at = x + 2 * (step * eights + eight)
            lines.append(
                "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
                f"{{{sums}}}, {{a0, a1, a2, a3}}, {{${at}, ${at + 1}}}, {{{before}}};"
            )
    for i in range(count):
        lines.append(f"fma.rn.f32 ${i}, p{i}, {'slo' if i % 4 < 2 else 'shi'}, ${i};")
    inputs = STEPS + 1 + 2 * STEPS * eights
    constraints = ["=&f"] * count + ["r"] * inputs + [str(i) for i in range(count)]
    return "{\n" + "\n".join(lines) + "\n}", ",".join(constraints)


def widen_scaled() -> tuple[str, str]:
    """Return PTX and constraints: a word's eight weights times their scales, in four words.

    Operands: 4 words out, of halves (row g, row g + 8, and both again 8 inputs on); the word of
    codes; the scales of rows g and g + 8 in a word.
    """
    lines = [
        constants(),
        ".reg .b32 a<4>, slo, shi;",
        "prmt.b32 slo, $5, $5, 0x1010; prmt.b32 shi, $5, $5, 0x3232;",
        widen("$4", ("a0", "a1", "a2", "a3")),
    ]
    for i in range(4):
        lines.append(f"mul.rn.f16x2 ${i}, a{i}, {'shi' if i % 2 else 'slo'};")
    return "{\n" + "\n".join(lines) + "\n}", "=&r,=&r,=&r,=&r,r,r"


def half_step(eights: int) -> tuple[str, str]:
    """Return PTX and constraints: 16 outputs by 64 inputs, times 8 * `eights` rows.

    Operands: 4 * eights sums out (f32); 4 words; two scales (halves in a word, of rows g and g +
    8); 8 * eights words of x, as in `group_step`; the sums in. Weights are scaled before the
    product, in float16: no sums of a group by themselves, which would take as many registers.
    """
    count, steps = 4 * eights, STEPS // 2
    words, scale, x = count, count + steps, count + steps + 1
    lines = [
        constants(),
        ".reg .b32 a<4>, slo, shi;",
        f"prmt.b32 slo, ${scale}, ${scale}, 0x1010; prmt.b32 shi, ${scale}, ${scale}, 0x3232;",
    ]
    for step in range(steps):
        lines.append(widen(f"${words + step}", ("a0", "a1", "a2", "a3")))
        for i in range(4):
            lines.append(f"mul.rn.f16x2 a{i}, a{i}, {'shi' if i % 2 else 'slo'};")
        for eight in range(eights):
            at, sums = x + 2 * (step * eights + eight), range(4 * eight, 4 * eight + 4)
            before = count + steps + 1 + 2 * steps * eights
            lines.append(
                "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
                f"{{{', '.join(f'${i}' for i in sums)}}}, {{a0, a1, a2, a3}}, "
                f"{{${at}, ${at + 1}}}, "
                f"{{{', '.join(f'${before + i if step == 0 else i}' for i in sums)}}};"
            )
    inputs = steps + 1 + 2 * steps * eights
    constraints = ["=&f"] * count + ["r"] * inputs + [str(i) for i in range(count)]
    return "{\n" + "\n".join(lines) + "\n}", ",".join(constraints)
