"""PTX of the fast decode kernel's inner steps, as text: lookups, gathers into fragments.

One thread's work each; the kernel (`gluon_attend`) calls them with one register an operand. A
lookup there must be one 8-byte read of shared memory at an address that the code gives, or one row
of an `ldmatrix`, which feeds eight values straight into a tensor core: Triton has no word for
either.
"""

from __future__ import annotations

GROUPS = 16
"""Codes a token and head: 16 groups of 8 channels, one byte each."""
ACCUMULATORS = 64
"""Registers that hold a warp's sums: 16 fragments of 4."""


def score_lookup() -> tuple[str, str]:
    """Return PTX and constraints: scores of one token for four query heads.

    Operands: 4 sums out (f32); 4 words of codes, the table's address, 8 times the lane. Byte j of
    token n is the code of group (j + n) % 16, and the table has the entries of code c at 128 c, so
    that 16 lanes read 16 different pairs of banks in each step.
    """
    lines = [".reg .b32 c<16>, o<16>, x<16>, y<16>; .reg .b16 lo, hi; .reg .f32 f;"]
    for s in range(GROUPS):
        lines.append(f"bfe.u32 c{s}, ${4 + s // 4}, {8 * (s % 4)}, 8;")
        lines.append(f"add.u32 o{s}, $9, {8 * s};")
        lines.append(f"and.b32 o{s}, o{s}, 127;")
        lines.append(f"add.u32 o{s}, o{s}, $8;")
        lines.append(f"mad.lo.u32 c{s}, c{s}, 128, o{s};")
    for s in range(GROUPS):
        lines.append(f"ld.shared.v2.b32 {{x{s}, y{s}}}, [c{s}];")
    for quad in range(0, GROUPS, 4):
        for v in "xy":
            lines.append(f"add.rn.f16x2 {v}{quad}, {v}{quad}, {v}{quad + 1};")
            lines.append(f"add.rn.f16x2 {v}{quad + 2}, {v}{quad + 2}, {v}{quad + 3};")
            lines.append(f"add.rn.f16x2 {v}{quad}, {v}{quad}, {v}{quad + 2};")
        for head, v in enumerate("xxyy"):
            half = "hi" if head % 2 else "lo"
            if head % 2 == 0:
                lines.append(f"mov.b32 {{lo, hi}}, {v}{quad};")
            if quad == 0:
                lines.append(f"cvt.f32.f16 ${head}, {half};")
            else:
                lines.append(f"cvt.f32.f16 f, {half}; add.rn.f32 ${head}, ${head}, f;")
    constraints = ",".join(["=&f"] * 4 + ["r"] * 6)
    return "{\n" + "\n".join(lines) + "\n}", constraints


def value_step() -> tuple[str, str]:
    """Return PTX and constraints: 16 tokens' weighted values, all 16 groups, four heads.

    Operands: 64 sums (f32) out; 2 words of codes, 2 addresses of this lane's columns of the table
    (for steps 0 to 3 and 4 to 7), 4 registers of weights (the A fragment), then the 64 sums in.
    In step s, lane i offers the row of token i % 16 for group (s + 8 (i / 16) + 4 (i % 4)) % 16:
    four 8 x 8 matrices, transposed on the way, are the B fragments of two products.
    """
    lines = [".reg .b32 c, b<4>;"]
    first = ACCUMULATORS
    a = ", ".join(f"${first + 4 + i}" for i in range(4))
    for step in range(8):
        lines.append(f"bfe.u32 c, ${first + step // 4}, {8 * (step % 4)}, 8;")
        lines.append(f"mad.lo.u32 c, c, 128, ${first + 2 + step // 4};")
        offset = (step % 4) * 32768
        # All groups of a step share g % 4; what they don't share is in the lane's address.
        lines.append(
            f"ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {{b0, b1, b2, b3}}, [c + {offset}];"
        )
        for half in range(2):
            d = ", ".join(f"${4 * (step + 8 * half) + i}" for i in range(4))
            lines.append(
                "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
                f"{{{d}}}, {{{a}}}, {{b{2 * half}, b{2 * half + 1}}}, {{{d}}};"
            )
    constraints = ["=&f"] * first + ["r"] * 8 + [str(i) for i in range(first)]
    return "{\n" + "\n".join(lines) + "\n}", ",".join(constraints)


def distance() -> str:
    """Return PTX: the squared distance of two vectors of eight halves, four words each."""
    lines = [".reg .b16 p; .reg .f32 x, y, s; mov.f32 s, 0f00000000;"]
    for word in range(4):
        for pair in ("{p, _}", "{_, p}"):
            lines.append(f"mov.b32 {pair}, ${1 + word}; cvt.f32.f16 x, p;")
            lines.append(f"mov.b32 {pair}, ${5 + word}; cvt.f32.f16 y, p;")
            lines.append("sub.f32 x, x, y; fma.rn.f32 s, x, x, s;")
    return "{\n" + "\n".join(lines) + "\nmov.f32 $0, s;\n}"
