"""Cells of tables that people open in a spreadsheet: none of them begins a formula."""

from __future__ import annotations

import re

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "＝", "＋", "－", "＠")
"""What a cell may not begin with: spreadsheets would run it. The wide forms count in some too."""

INVISIBLE = re.compile("^[ \u00a0\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff\x00-\x08]+")
"""Spaces and signs without a width, which some spreadsheets pass over at the start of a cell."""

NUMBER = re.compile(r"-?\d+(\.\d+)?(e[+-]?\d+)?")


def harmless(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula: an apostrophe goes before one.

    A plain number may begin with its minus.
    """
    if NUMBER.fullmatch(cell):
        return cell
    return f"'{cell}" if INVISIBLE.sub("", cell).startswith(FORMULA) else cell
