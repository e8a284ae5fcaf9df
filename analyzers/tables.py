"""Tables as data: rows of cells, each with its place, so that a number in one can be evidence.

Rows and columns count from 0 and include the header's; pages count from 1; boxes are
(x0, y0, x1, y1) in PDF points from the top left.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell: its words, where it stands, and how many rows and columns it covers."""

    text: str
    row: int
    column: int
    box: Box
    rows: int = 1
    columns: int = 1

    def covers(self, row: int, column: int) -> bool:
        """Tell whether the cell reaches over that row and column."""
        return 0 <= row - self.row < self.rows and 0 <= column - self.column < self.columns


class CellEvidence(NamedTuple):
    """A cell with what it means: the headers of its row and its column, page and box."""

    text: str
    row_header: str
    column_header: str
    page: int
    box: Box


@dataclass(frozen=True, slots=True)
class Table:
    """A captioned table: `number` as printed ("3", "A.2", "IV"); the first rows are its header."""

    number: str
    caption: str
    page: int
    box: Box
    header_rows: int
    rows: tuple[tuple[Cell, ...], ...]
    _headers: dict[tuple[int, int, int], str] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @property
    def columns(self) -> int:
        """How many columns the table has."""
        return max(cell.column + cell.columns for row in self.rows for cell in row)

    @property
    def cells(self) -> list[Cell]:
        """All cells, row by row."""
        return [cell for row in self.rows for cell in row]

    def at(self, row: int, column: int) -> Cell | None:
        """Return the cell that covers a row and a column, if there is one."""
        for cells in reversed(self.rows[: row + 1]):
            for cell in cells:
                if cell.covers(row, column):
                    return cell
        return None

    def to_json(self) -> dict[str, Any]:
        """Return what and where the table is, without its cells."""
        return {
            "number": self.number,
            "caption": self.caption,
            "page": self.page,
            "box": [round(side, 2) for side in self.box],
            "rows": len(self.rows),
            "columns": self.columns,
        }

    def column_header(self, cell: Cell) -> str:
        """Return what the header says above a cell, from the top down."""
        key = (min(cell.row, self.header_rows), cell.column, cell.columns)
        if key not in self._headers or cell.row < self.header_rows:
            self._headers[key] = self._column_header(cell)
        return self._headers[key]

    def _column_header(self, cell: Cell) -> str:
        above = [head for row in self.rows[: self.header_rows] for head in row]
        reach = range(cell.column, cell.column + cell.columns)
        return " ".join(
            head.text
            for head in above
            if head is not cell
            and any(head.column <= c < head.column + head.columns for c in reach)
        )

    def row_header(self, cell: Cell) -> str:
        """Return what names a cell's row: the group it stands in, and the words left of it."""
        key = (-1 - cell.row, cell.column, 0)
        if key not in self._headers:
            self._headers[key] = self._row_header(cell)
        return self._headers[key]

    def _row_header(self, cell: Cell) -> str:
        words = [self._group(cell.row)] if cell.row >= self.header_rows else []
        for column in range(cell.column):
            left = self.at(cell.row, column)
            if left is not None and left.text not in words and not is_number(left.text):
                words.append(left.text)
        return " ".join(word for word in words if word)

    def evidence(self, cell: Cell) -> CellEvidence:
        """Return a cell with all that is needed to quote and to mark it."""
        return CellEvidence(
            cell.text, self.row_header(cell), self.column_header(cell), self.page, cell.box
        )

    def _group(self, row: int) -> str:
        """Return the text of the nearest row above that is a title over all columns."""
        for cells in reversed(self.rows[self.header_rows : row]):
            if len(cells) == 1 and cells[0].columns > 1:
                return cells[0].text
        return ""


def is_number(text: str) -> bool:
    """Tell whether a cell holds a figure ("1.72×", "85%", "12 ms", "-") and not a name."""
    if text.isalpha():
        return False
    letters = sum([character.isalpha() for character in text])
    digits = sum([character.isdigit() for character in text])
    return digits > letters or not (letters or digits)
