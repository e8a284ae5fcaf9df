"""From the words of a region to rows and columns: baselines for rows, gaps for columns."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from analyzers.reading.columns import WORD_GAP, TableRow, column_edges, column_of, extents_of
from analyzers.reading.headers import centred_over, header_by_content, reach_of, under
from analyzers.reading.layout import RawWord
from analyzers.reading.rules import Bar, Rule
from analyzers.tables import Box, Cell

MOST_COLUMNS = 40
FARTHEST = 10_000.0
"""Points from the page's corner, at most: a page's size is the file's to choose."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Rows of cells, and how many of them are the header's."""

    rows: tuple[tuple[Cell, ...], ...]
    header_rows: int


def read_grid(
    words: Sequence[RawWord],
    box: Box,
    full: Sequence[Rule],
    partial: Sequence[Rule],
    bars: Sequence[Bar],
) -> Grid | None:
    """Return the cells of the words in `box`; None where they form no table.

    `full` are the rules over the whole width, `partial` the shorter ones, `bars` the vertical ones.
    """
    if len(words) < 4 or not all(-FARTHEST < w[0] <= w[2] < FARTHEST for w in words):
        return None
    height = median(word[3] - word[1] for word in words)
    rows = _rows(words, height, [rule.y for rule in full])
    head = _header_by_rules(rows, full)
    edges = column_edges(rows, head, box, height, bars)
    if len(edges) > MOST_COLUMNS:
        return None
    rows, labels = _floating(rows, head, edges, height)
    if len(rows) < 2 or not edges:
        return None
    extents = extents_of(rows[head:] or rows, edges, height)

    def cells_of(head: int) -> list[list[Cell]]:
        return [
            _cells(row, number, head, edges, extents, partial, height)
            for number, row in enumerate(rows)
        ]

    if head == 0:
        head = header_by_content(cells_of(0))
    cells = cells_of(head)
    for label in labels:
        _attach(cells, rows, label, edges, full, partial)
    if sum(len(row) >= 2 for row in cells) < 2:
        return None
    return Grid(tuple(tuple(sorted(row, key=lambda c: c.column)) for row in cells), head)


def read_bands(words: Sequence[RawWord], full: Sequence[Rule]) -> Grid | None:
    """Return a table of one column: the words between each two rules are a cell."""
    cuts = [rule.y for rule in full]
    bands: list[list[RawWord]] = [[] for _ in range(len(cuts) + 1)]
    for word in words:
        bands[bisect_right(cuts, (word[1] + word[3]) / 2)].append(word)
    filled = [band for band in bands if band]
    rows = tuple((_cell(band, number, 0, 0),) for number, band in enumerate(filled))
    return Grid(rows, 1) if len(rows) >= 3 else None


def _rows(words: Sequence[RawWord], height: float, cuts: Sequence[float]) -> list[TableRow]:
    rows: list[TableRow] = []
    band = -1
    for word in sorted(words, key=lambda word: word[1] + word[3]):
        middle = (word[1] + word[3]) / 2
        at = bisect_right(cuts, middle)
        if not rows or at != band or middle - rows[-1].middle > 0.47 * height:
            rows.append(TableRow([], middle))
        row, band = rows[-1], at
        row.words.append(word)
        row.middle += (middle - row.middle) / len(row.words)
    return rows


def _header_by_rules(rows: Sequence[TableRow], full: Sequence[Rule]) -> int:
    """Count the rows above the first rule that has rows on both sides."""
    for rule in full:
        above = sum(row.middle < rule.y for row in rows)
        if 0 < above < len(rows):
            return above if above <= max(4, len(rows) // 3) else 0
    return 0


def _floating(
    rows: list[TableRow], head: int, edges: Sequence[float], height: float
) -> tuple[list[TableRow], list[list[RawWord]]]:
    """Part rows from labels between two baselines, which belong to a cell over several rows."""
    kept: list[TableRow] = []
    labels: list[list[RawWord]] = []
    pitches = [b.middle - a.middle for a, b in pairwise(rows)]
    pitch = median(pitches) if pitches else 0.0
    for number, row in enumerate(rows):
        groups = row.groups(WORD_GAP * height)
        before = row.middle - rows[number - 1].middle if number else 1e9
        after = rows[number + 1].middle - row.middle if number + 1 < len(rows) else 1e9
        close = max(before, after) < 0.8 * max(pitch, height) or (
            before + after < 1.45 * max(pitch, height)
        )
        # nearer than two lines of text can be: the second line of a name beside one line of figures
        close = close or min(before, after) < 0.75 * height
        if number >= head and close and len(groups) <= max(1, len(edges) // 3) and kept:
            labels += groups
        else:
            kept.append(row)
    return kept, labels


def _cells(
    row: TableRow,
    number: int,
    head: int,
    edges: Sequence[float],
    extents: Sequence[tuple[float, float]],
    partial: Sequence[Rule],
    height: float,
) -> list[Cell]:
    cells: list[tuple[int, int, list[RawWord]]] = []
    groups = row.groups(WORD_GAP * height)
    for group in groups:
        first, last = column_of(group[0], edges), column_of(group[-1], edges)
        if number < head:
            first, last = under(group, extents) or (first, last)
            others = [other for other in groups if other is not group]
            reach = reach_of(group, first, last, extents, partial, others, height)
            if reach is None and number < head - 1:
                reach = centred_over(group, first, last, extents, others, height)
            if reach is not None and not (cells and reach[0] <= cells[-1][1]):
                first, last = reach
        elif first == last:
            if under(group, extents) is None:  # one figure for two columns
                others = [other for other in groups if other is not group]
                first, last = centred_over(group, first, last, extents, others, 0.4 * height)
        elif 3 * len(groups) > len(edges) + 1:
            # a full row: words of two columns that stand close together
            for column in range(first, last + 1):
                part = [word for word in group if column_of(word, edges) == column]
                if part:
                    cells.append((column, column, part))
            continue
        cells.append((first, last, group))
    merged: list[tuple[int, int, list[RawWord]]] = []
    for first, last, group in cells:
        if merged and first <= merged[-1][1]:
            before = merged.pop()
            first, last, group = before[0], max(last, before[1]), before[2] + group
        merged.append((first, last, group))
    return [_cell(group, number, first, last) for first, last, group in merged]


def _cell(words: Sequence[RawWord], row: int, first: int, last: int, rows: int = 1) -> Cell:
    box = (
        min(word[0] for word in words),
        min(word[1] for word in words),
        max(word[2] for word in words),
        max(word[3] for word in words),
    )
    text = " ".join(word[4] for word in words)
    return Cell(text, row, first, box, rows, last - first + 1)


def _attach(
    cells: list[list[Cell]],
    rows: Sequence[TableRow],
    label: Sequence[RawWord],
    edges: Sequence[float],
    full: Sequence[Rule],
    partial: Sequence[Rule],
) -> None:
    """Put a label that is centred over several rows into the first of them."""
    column = column_of(label[0], edges)
    middle = sum(word[1] + word[3] for word in label) / (2 * len(label))
    ys = sorted(
        rule.y for rule in (*full, *partial) if rule.x0 <= label[-1][2] and rule.x1 >= label[0][0]
    )
    at = bisect_right(ys, middle)
    top = ys[at - 1] if at else float("-inf")
    bottom = ys[at] if at < len(ys) else float("inf")
    free = [
        number
        for number, row in enumerate(rows)
        if top < row.middle < bottom
        and not any(cell.covers(number, column) for cell in cells[number])
    ]
    above = [number for number in free if rows[number].middle < middle]
    below = [number for number in free if rows[number].middle > middle]
    reach = min(len(above), len(below))
    if reach:
        first, last = above[-reach], below[reach - 1]
    else:
        first = last = min(range(len(rows)), key=lambda number: abs(rows[number].middle - middle))
    if any(cell.covers(first, column) for cell in cells[first]):
        _append(cells[first], label, column)
        return
    cells[first].append(_cell(label, first, column, column, last - first + 1))


def _append(row: list[Cell], label: Sequence[RawWord], column: int) -> None:
    """Add the words to the cell that is there (the second line of a name)."""
    for place, cell in enumerate(row):
        if cell.column <= column < cell.column + cell.columns:
            more = _cell(label, cell.row, column, column)
            box = (
                min(cell.box[0], more.box[0]),
                min(cell.box[1], more.box[1]),
                max(cell.box[2], more.box[2]),
                max(cell.box[3], more.box[3]),
            )
            text = f"{cell.text} {more.text}"
            row[place] = Cell(text, cell.row, cell.column, box, cell.rows, cell.columns)
            return
