"""The ranking as a table for a spreadsheet: a row a paper, safe from formulas."""

from __future__ import annotations

import re

from app.reports.formats import Format
from app.reports.model import ReportModel

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "＝", "＋", "－", "＠")
"""What a cell may not begin with: spreadsheets would run it. The wide forms count in some too."""

INVISIBLE = re.compile("^[ \u00a0\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff\x00-\x08]+")
"""Spaces and signs without a width, which some spreadsheets pass over at the start of a cell."""

NUMBER = re.compile(r"-?\d+(\.\d+)?(e[+-]?\d+)?")


def render(model: ReportModel) -> bytes:
    """Return UTF-8 CSV with a byte order mark, without which Excel garbles Chinese."""
    import csv
    import io

    from app.reports.tabular import header, rows

    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n", quoting=csv.QUOTE_MINIMAL)
    writer.writerow([harmless(title) for title in header(model.language)])
    for row in rows(model):
        writer.writerow([harmless(cell) for cell in row])
    return text.getvalue().encode("utf-8-sig")


def harmless(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula: an apostrophe goes before one.

    A plain number may begin with its minus.
    """
    if NUMBER.fullmatch(cell):
        return cell
    return f"'{cell}" if INVISIBLE.sub("", cell).startswith(FORMULA) else cell


FORMAT = Format("CSV", ".csv", "text/csv; charset=utf-8", render)
