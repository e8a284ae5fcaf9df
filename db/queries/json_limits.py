"""What a record from elsewhere may hold, so that whoever reads it later can count and draw it."""

from __future__ import annotations

import math
from typing import Any, Literal

DEEPEST = 24
"""Records of `python -m prototypes run` are six deep; readers of JSON give up near a thousand."""
LARGEST = 2**63
"""A whole number beyond it has no place in a database, and beyond 1e308 none in a float."""


Trouble = Literal["not finite", "too large", "too deep"]


def trouble(value: Any) -> Trouble | None:
    """Return what is wrong with a value read from JSON; None where all of it can be used.

    Numbers are finite and whole ones fit in 64 bits; nothing is nested deeper than `DEEPEST`.
    """
    level: list[Any] = [value]
    for _ in range(DEEPEST):
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                below += item.values()
            elif isinstance(item, list):
                below += item
            elif isinstance(item, float) and not math.isfinite(item):
                return "not finite"
            elif isinstance(item, int) and not -LARGEST <= item < LARGEST:
                return "too large"
        if not below:
            return None
        level = below
    return "too deep"


def is_number(value: Any) -> bool:
    """Whether a value is a finite number that a float can hold; true and false are none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number of more than 308 digits
        return False
