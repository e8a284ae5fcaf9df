"""Cells of tables that bear a claim out: a further place for it, never a claim of their own."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

from analyzers.claiming.claim import ExtractedClaim, Place
from analyzers.claiming.quantities import find_quantities, normalise
from analyzers.document import Kind
from analyzers.tables import Table

MAX_CELLS = 3
"""Places in tables that one claim gets."""
MAX_TABLES = 60

_WORD = re.compile(r"[a-z][a-z0-9.+-]{2,}")
_COMMON = frozenset(
    {"the", "and", "for", "with", "our", "ours", "table", "results", "result", "model", "models"}
    | {"method", "methods", "over", "than", "from", "are", "all", "different", "average", "avg"}
)


def add_cells(
    claims: Sequence[ExtractedClaim], tables: Sequence[Table], own: Iterable[str]
) -> None:
    """Add to each own claim the cells that hold its number, in its unit, under its words.

    The number must have a fraction (round ones meet by chance), its unit must stand in the cell or
    above it, and its row must be named by a word of the claim's sentence (`own`, the authors' names
    for their work, count for it); a row without a name goes by its column's.
    """
    wanted: dict[tuple[str, str], list[ExtractedClaim]] = defaultdict(list)
    for claim in claims:
        if claim.own and claim.value % 1 and claim.value_high is None:
            wanted[_digits(claim.value), claim.unit].append(claim)
    if not wanted:
        return
    ours = _words(" ".join(own))
    for table in tables[:MAX_TABLES]:
        for cell in table.cells:
            if "." not in cell.text or cell.row < table.header_rows:
                continue  # no fraction, so none that is looked for
            if (shown := _figure(cell.text)) is None:
                continue
            digits, unit = shown
            row, column = table.row_header(cell), table.column_header(cell)
            heads = f"{row} {column}".strip()
            named = _words(row) or _words(column)
            for claim in wanted.get((digits, unit or _unit_above(heads, table.caption)), ()):
                if named & (_words(claim.places[0].quote) | ours):
                    _add(claim, Place.of_cell(cell.text, heads, table.page, cell.box))


def _add(claim: ExtractedClaim, place: Place) -> None:
    count = sum(known.kind is Kind.TABLE for known in claim.places)
    if count < MAX_CELLS and all(known.boxes != place.boxes for known in claim.places):
        claim.places.append(place)


def _digits(value: float) -> str:
    return f"{value:g}"


def _figure(text: str) -> tuple[str, str | None] | None:
    """Return the digits and the unit of a cell that holds one number ("1.72×", "0.4")."""
    normal = normalise(text).strip()
    if bare := re.fullmatch(r"\(?[-+]?(\d+\.\d+)\)?", normal):
        return _digits(float(bare[1])), None
    quantities = find_quantities(normal) if len(normal) < 24 else []
    if len(quantities) == 1 and quantities[0].high is None:
        return _digits(quantities[0].value), quantities[0].shown_unit
    return None


def _unit_above(heads: str, caption: str) -> str:
    """Return the unit that a column's header or the caption gives a bare number."""
    if "%" in heads:
        return "%"
    if re.search(r"speed-?\s?up|\(x\)|\(×\)", heads, re.I):
        return "x"
    return "x" if re.search(r"speed-?\s?ups?\b", caption, re.I) and "%" not in caption else ""


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.lower())) - _COMMON
