"""A table's header: which rows it takes, and which columns each of its cells stands over."""

from __future__ import annotations

from collections.abc import Sequence

from analyzers.reading.layout import RawWord
from analyzers.reading.rules import Rule
from analyzers.tables import Cell, is_number

Extents = Sequence[tuple[float, float]]
"""From where to where each column's words reach, in points."""


def reach_of(
    group: Sequence[RawWord],
    first: int,
    last: int,
    extents: Extents,
    partial: Sequence[Rule],
    others: Sequence[Sequence[RawWord]],
    height: float,
) -> tuple[int, int] | None:
    """Return the columns of the short rule below a header's words, if there is one."""
    middle = (group[0][0] + group[-1][2]) / 2
    bottom = max(word[3] for word in group)
    for rule in partial:
        if (
            bottom - 2 <= rule.y < bottom + 0.9 * height
            and rule.x0 - 3 <= middle <= rule.x1 + 3
            and not any(rule.x0 < (other[0][0] + other[-1][2]) / 2 < rule.x1 for other in others)
        ):
            under = [
                column
                for column, (left, right) in enumerate(extents)
                if rule.x0 - 4 <= (left + right) / 2 <= rule.x1 + 4
            ]
            if under:
                return min(first, under[0]), max(last, under[-1])
    return None


def under(group: Sequence[RawWord], extents: Extents) -> tuple[int, int] | None:
    """Return the columns whose middle lies under a header's words."""
    x0, x1 = group[0][0] - 1, group[-1][2] + 1
    under = [c for c, (left, right) in enumerate(extents) if x0 < (left + right) / 2 < x1]
    return (under[0], under[-1]) if under else None


def centred_over(
    group: Sequence[RawWord],
    first: int,
    last: int,
    extents: Extents,
    others: Sequence[Sequence[RawWord]],
    height: float,
) -> tuple[int, int]:
    """Widen a header's columns where it is centred over more than its own, left and right alike."""
    middle = (group[0][0] + group[-1][2]) / 2
    own = (extents[first][0] + extents[last][1]) / 2
    if first == 0 or abs(own - middle) < 0.6 * height:
        return first, last
    best = (first, last)
    for start in range(first, 0, -1):
        for end in range(last, len(extents)):
            left, right = extents[start][0], extents[end][1]
            if any(left < other[-1][2] and other[0][0] < right for other in others):
                continue
            is_centred = abs((left + right) / 2 - middle) < 0.6 * height
            if is_centred and end - start > best[1] - best[0]:
                best = (start, end)
    return best


def header_by_content(cells: Sequence[Sequence[Cell]]) -> int:
    """Count the leading rows without figures (at least one row is a header)."""
    for number, row in enumerate(cells):
        figures = sum(_is_figure(cell.text) for cell in row[1:])
        if 2 * figures >= max(1, len(row) - 1):
            return max(1, number) if number <= 4 else 1
    return 1


def _is_figure(text: str) -> bool:
    """Tell a number ("1.72×", "(64)", "-") from a name with digits in it ("W4A16", "7B")."""
    first = next((character for character in text if character.isalnum()), "-")
    return not first.isalpha() and is_number(text)
