"""Carries out the integer and half-precision lines of a step's PTX, for one lane, in Python.

Enough to see what the products get: the left operand's registers at each `mma`.
"""

from __future__ import annotations

import re

import numpy as np

WORD = 0xFFFFFFFF


def operands(text: str, first: int, words: list[int]) -> list[list[int]]:
    """Return the left operand's four words at each product; words are operands from `first` on."""
    known = {f"${first + place}": word & WORD for place, word in enumerate(words)}

    def value(name: str) -> int:
        name = name.strip()
        return known[name] if name in known else int(name, 0) & WORD

    seen = []
    for line in re.split(r";\s*", text):
        parts = line.strip().split(None, 1)
        if len(parts) < 2:
            continue
        name, rest = parts
        arguments = [a.strip() for a in rest.split(",")]
        if name.startswith("mma"):
            left = re.findall(r"\{([^}]*)\}", rest)[1]
            seen.append([known[a.strip()] for a in left.split(",")])
        elif name == "mov.b32" and not arguments[0].startswith("{"):
            known[arguments[0]] = value(arguments[1])
        elif name == "shl.b32":
            known[arguments[0]] = value(arguments[1]) << value(arguments[2]) & WORD
        elif name == "shr.u32":
            known[arguments[0]] = value(arguments[1]) >> value(arguments[2])
        elif name == "lop3.b32":
            a, b, c = (value(x) for x in arguments[1:4])
            known[arguments[0]] = _chosen(a, b, c, int(arguments[4], 0))
        elif name == "sub.f16x2":
            known[arguments[0]] = _less(value(arguments[1]), value(arguments[2]))
    return seen


def halves(word: int) -> tuple[float, float]:
    """Return the two halves of a word, the lower one first."""
    low, high = np.array([word & 0xFFFF, word >> 16], dtype=np.uint16).view(np.float16)
    return float(low), float(high)


def signed_bytes(word: int) -> list[int]:
    """Return the four bytes of a word as signed numbers, the lowest first."""
    return [(word >> 8 * i & 255) - 256 * (word >> 8 * i + 7 & 1) for i in range(4)]


def _chosen(a: int, b: int, c: int, table: int) -> int:
    result = 0
    for bits in range(8):
        if table >> bits & 1:
            result |= (
                (a if bits & 4 else ~a) & (b if bits & 2 else ~b) & (c if bits & 1 else ~c) & WORD
            )
    return result


def _less(a: int, b: int) -> int:
    pair = np.array([a & 0xFFFF, a >> 16], dtype=np.uint16).view(np.float16)
    other = np.array([b & 0xFFFF, b >> 16], dtype=np.uint16).view(np.float16)
    low, high = (pair - other).view(np.uint16)
    return int(low) | int(high) << 16
