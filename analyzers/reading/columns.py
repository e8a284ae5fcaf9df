"""A table's columns: the gaps that no row fills, and how far each column's words reach."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from analyzers.reading.layout import RawWord
from analyzers.reading.rules import Bar
from analyzers.tables import Box

WORD_GAP = 0.45
"""Share of a word's height that sets columns apart; a space between words takes up to 0.33."""


@dataclass(slots=True)
class TableRow:
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


def column_edges(
    rows: Sequence[TableRow], head: int, box: Box, height: float, bars: Sequence[Bar]
) -> list[float]:
    """Return the x between neighbouring columns, from the left."""
    body = rows[head:] or rows
    counts = [len(row.groups(WORD_GAP * height)) for row in body]
    most = max(counts)
    voting = [row for row, count in zip(body, counts, strict=True) if 2 * count > most or most < 3]
    scale = 2.0
    # wide margins, so that the first and the last gap are those outside of the table
    left = min(word[0] for row in rows for word in row.words) - 2 * height
    width = max(word[2] for row in rows for word in row.words) + 2 * height - left
    size = int(width * scale) + 2
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
    gaps: Sequence[tuple[float, float]], rows: Sequence[TableRow], height: float
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


def extents_of(
    rows: Sequence[TableRow], edges: Sequence[float], height: float
) -> list[tuple[float, float]]:
    """Return from where to where each column's words reach, titles over columns aside."""
    found: list[list[RawWord]] = [[] for _ in range(len(edges) + 1)]
    for row in rows:
        for group in row.groups(WORD_GAP * height):
            first, last = column_of(group[0], edges), column_of(group[-1], edges)
            if first == last:
                found[first] += group
    bounds = [float("-inf"), *edges, float("inf")]
    return [
        (min(w[0] for w in words), max(w[2] for w in words))
        if words
        else (bounds[i], bounds[i + 1])
        for i, words in enumerate(found)
    ]


def column_of(word: RawWord, edges: Sequence[float]) -> int:
    """Return the column that a word's middle lies in."""
    return bisect_right(edges, (word[0] + word[2]) / 2)
