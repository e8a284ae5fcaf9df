"""From the words of a region to rows and columns: baselines for rows, gaps for columns."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from statistics import median

from analyzers.reading.headers import centred_over, header_by_content, reach_of, under
from analyzers.reading.layout import RawWord
from analyzers.reading.rules import Bar, Rule
from analyzers.tables import Box, Cell

WORD_GAP = 0.45
"""Share of a word's height that sets columns apart; a space between words takes up to 0.33."""

MOST_COLUMNS = 40


@dataclass(slots=True)
class _Row:
    """Words on one baseline."""

    words: list[RawWord] = field(default_factory=list)
    middle: float = 0.0

    def groups(self, gap: float) -> list[list[RawWord]]:
        """Return the words from the left, parted where more than `gap` points lie between."""
        words = sorted(self.words)
        groups = [[words[0]]]
        right = words[0][2]
        for word in words[1:]:
            if word[0] - right > gap:
                groups.append([])
            groups[-1].append(word)
            right = max(right, word[2])
        return groups


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
    if len(words) < 4:
        return None
    height = median(word[3] - word[1] for word in words)
    rows = _rows(words, height, [rule.y for rule in full])
    head = _header_by_rules(rows, full)
    edges = _column_edges(rows, head, box, height, bars)
    if len(edges) > MOST_COLUMNS:
        return None
    rows, labels = _floating(rows, head, edges, height)
    if len(rows) < 2 or not edges:
        return None
    extents = _extents(rows[head:] or rows, edges, height)

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


def _rows(words: Sequence[RawWord], height: float, cuts: Sequence[float]) -> list[_Row]:
    rows: list[_Row] = []
    band = -1
    for word in sorted(words, key=lambda word: word[1] + word[3]):
        middle = (word[1] + word[3]) / 2
        at = bisect_right(cuts, middle)
        if not rows or at != band or middle - rows[-1].middle > 0.47 * height:
            rows.append(_Row([], middle))
        row, band = rows[-1], at
        row.words.append(word)
        row.middle += (middle - row.middle) / len(row.words)
    return rows


def _header_by_rules(rows: Sequence[_Row], full: Sequence[Rule]) -> int:
    """Count the rows above the first rule that has rows on both sides."""
    for rule in full:
        above = sum(row.middle < rule.y for row in rows)
        if 0 < above < len(rows):
            return above if above <= max(4, len(rows) // 3) else 0
    return 0


def _column_edges(
    rows: Sequence[_Row], head: int, box: Box, height: float, bars: Sequence[Bar]
) -> list[float]:
    """Return the x between neighbouring columns, from the left."""
    body = rows[head:] or rows
    counts = [len(row.groups(WORD_GAP * height)) for row in body]
    most = max(counts)
    voting = [row for row, count in zip(body, counts, strict=True) if 2 * count > most or most < 3]
    scale = 2.0
    # wide margins, so that the first and the last gap are those outside of the table
    left = min(word[0] for row in rows for word in row.words) - 2 * height
    size = int((max(word[2] for row in rows for word in row.words) + 2 * height - left) * scale) + 2
    steps = [0] * (size + 1)
    for row in voting:
        for group in row.groups(0.0):
            # half a point off each side: boxes of neighbours may touch
            steps[int((group[0][0] - left) * scale)] += 1
            steps[min(size, int((max(w[2] for w in group) - left) * scale) + 1)] -= 1
    cover = list(accumulate(steps))
    tolerated = max(len(voting) // 10, int(len(voting) >= 5))
    needed = (WORD_GAP if len(voting) >= 3 else 0.8) * height * scale
    gaps: list[tuple[float, float]] = []
    start = 0
    for at, count in enumerate([*cover, tolerated + 1]):
        if count > tolerated:
            if at - start >= needed:
                gaps.append((left + start / scale, left + at / scale))
            start = at + 1
    edges = _edges_in(gaps, body, height)
    tall = [
        bar.x
        for bar in bars
        if box[0] + 4 < bar.x < box[2] - 4
        and min(bar.y1, box[3]) - max(bar.y0, box[1]) > 0.5 * (box[3] - box[1])
    ]
    words = [word for row in voting for word in row.words]
    for x in tall:
        apart = all(any(min(x, e) < (w[0] + w[2]) / 2 < max(x, e) for w in words) for e in edges)
        crossed = sum(w[0] < x - 1 and w[2] > x + 1 for w in words)
        if apart and crossed <= tolerated:
            edges.append(x)
    return sorted(edges)


def _edges_in(
    gaps: Sequence[tuple[float, float]], rows: Sequence[_Row], height: float
) -> list[float]:
    """Return the edges that the gaps hold: one each, two where a sparse column stands in one.

    The first and the last gap lie outside of the table's well-filled columns.
    """
    groups = [
        (group[0][0], max(word[2] for word in group))
        for row in rows
        for group in row.groups(WORD_GAP * height)
    ]
    edges: list[float] = []
    for number, (x0, x1) in enumerate(gaps):
        inner = [g for g in groups if g[0] > x0 - 1 and g[1] < x1 + 1]
        first, last = number == 0, number == len(gaps) - 1
        least = WORD_GAP * height
        if inner:
            u0, u1 = min(g[0] for g in inner), max(g[1] for g in inner)
            if (first or u0 - x0 > least) and (last or x1 - u1 > least):
                edges += ([] if first else [(x0 + u0) / 2]) + ([] if last else [(x1 + u1) / 2])
                continue
        if not (first or last):
            edges.append(_middle(x0, x1, groups))
    return edges


def _middle(x0: float, x1: float, groups: Sequence[tuple[float, float]]) -> float:
    """Return a place in a gap that the fewest groups lie across."""
    places = [x0 + (x1 - x0) * step / 8 for step in range(1, 8)]
    return min(
        places,
        key=lambda x: (sum(g[0] < x < g[1] for g in groups), abs(x - (x0 + x1) / 2)),
    )


def _extents(
    rows: Sequence[_Row], edges: Sequence[float], height: float
) -> list[tuple[float, float]]:
    """Return from where to where each column's words reach, titles over columns aside."""
    found: list[list[RawWord]] = [[] for _ in range(len(edges) + 1)]
    for row in rows:
        for group in row.groups(WORD_GAP * height):
            first, last = _column(group[0], edges), _column(group[-1], edges)
            if first == last:
                found[first] += group
    bounds = [float("-inf"), *edges, float("inf")]
    return [
        (min(w[0] for w in words), max(w[2] for w in words))
        if words
        else (bounds[i], bounds[i + 1])
        for i, words in enumerate(found)
    ]


def _column(word: RawWord, edges: Sequence[float]) -> int:
    return bisect_right(edges, (word[0] + word[2]) / 2)


def _floating(
    rows: list[_Row], head: int, edges: Sequence[float], height: float
) -> tuple[list[_Row], list[list[RawWord]]]:
    """Part rows from labels between two baselines, which belong to a cell over several rows."""
    kept: list[_Row] = []
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
    row: _Row,
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
        first, last = _column(group[0], edges), _column(group[-1], edges)
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
                part = [word for word in group if _column(word, edges) == column]
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
    rows: Sequence[_Row],
    label: Sequence[RawWord],
    edges: Sequence[float],
    full: Sequence[Rule],
    partial: Sequence[Rule],
) -> None:
    """Put a label that is centred over several rows into the first of them."""
    column = _column(label[0], edges)
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
