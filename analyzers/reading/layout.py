"""Lines, blocks and columns of a page, in reading order."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import pairwise

RawWord = tuple[float, float, float, float, str, *tuple[int, ...]]
"""As MuPDF gives it: x0, y0, x1, y1, text, and numbers that are not used."""

MARGIN = 0.09
"""Share of a page's height, at its top and foot, where running heads and page numbers stand."""


@dataclass(slots=True, eq=False)
class Line:
    """Words that MuPDF saw as one line; `block` is its paragraph-like group."""

    page: int
    block: int
    words: list[RawWord]
    number: int = 0
    x0: float = 0.0
    y0: float = 0.0
    x1: float = 0.0
    y1: float = 0.0
    text: str = ""
    heading: str | None = None
    is_note: bool = False
    """Whether it stands right below a table, in smaller print."""
    _height: float = 0.0

    def measure(self) -> None:
        """Set text and box from the words."""
        lefts, tops, rights, bottoms, texts = list(zip(*self.words, strict=True))[:5]
        self.x0, self.y0, self.x1, self.y1 = min(lefts), min(tops), max(rights), max(bottoms)
        self.text = " ".join(texts)

    @property
    def height(self) -> float:
        """The median word height in points: a stand-in for the font size."""
        if not self._height:
            heights = sorted([word[3] - word[1] for word in self.words])
            self._height = heights[len(heights) // 2]
        return self._height

    @property
    def is_upright(self) -> bool:
        """Whether the line runs from left to right (stamps and axis labels often don't)."""
        if self.x1 - self.x0 > 1.5 * (self.y1 - self.y0):
            return True
        long = [word for word in self.words if len(word[4]) >= 3]
        tall = sum(word[3] - word[1] > 1.5 * (word[2] - word[0]) for word in long)
        return not long or 2 * tall < len(long)


@dataclass(slots=True)
class Page:
    """A page's lines in reading order, and how many columns its text has."""

    number: int
    width: float
    height: float
    lines: list[Line]
    columns: int = 1

    def blocks(self) -> list[list[Line]]:
        """Group neighbouring lines of one block."""
        groups: list[list[Line]] = []
        for line in self.lines:
            if groups and groups[-1][-1].block == line.block:
                groups[-1].append(line)
            else:
                groups.append([line])
        return groups


@dataclass(slots=True)
class Row:
    """Lines of a block side by side on one height: a text line, or a table's row of cells."""

    lines: list[Line] = field(default_factory=list)

    def cells(self) -> int:
        """Count the groups of words that wide gaps set apart."""
        words = sorted([word[:4] for line in self.lines for word in line.words])
        heights = sorted([word[3] - word[1] for word in words])
        wide = 1.3 * heights[len(heights) // 2]
        return 1 + sum([after[0] - before[2] > wide for before, after in pairwise(words)])


def rows(lines: list[Line]) -> list[Row]:
    """Put the lines of a block that stand side by side into rows."""
    result: list[Row] = []
    bottom = top = 0.0
    for line in lines:
        overlap = min(bottom, line.y1) - max(top, line.y0)
        if result and overlap > 0.5 * min(bottom - top, line.y1 - line.y0):
            result[-1].lines.append(line)
            top, bottom = min(top, line.y0), max(bottom, line.y1)
        else:
            result.append(Row([line]))
            top, bottom = line.y0, line.y1
    return result


def common_height(pages: list[Page]) -> float:
    """Return the height of the words that running text is set in, in points."""
    heights: Counter[float] = Counter()
    for page in pages:
        for line in page.lines:
            if len(line.words) >= 6:
                heights[round(line.height, 1)] += len(line.words)
    return heights.most_common(1)[0][0] if heights else 10.0


def drop_running_heads(pages: list[Page]) -> None:
    """Take away rotated lines, page numbers, and margin lines that come again on other pages."""
    seen: defaultdict[str, set[int]] = defaultdict(set)
    for page in pages:
        page.lines = [line for line in page.lines if line.is_upright]
        for line in page.lines:
            if _in_margin(page, line):
                seen[_faceless(line.text)].add(page.number)
    enough = max(2, min(4, len(pages) // 4))
    for page in pages:
        page.lines = [
            line
            for line in page.lines
            if not (
                _in_margin(page, line)
                and (
                    re.fullmatch(r"[\divxlc\s.–-]{1,9}", line.text)
                    or len(seen[_faceless(line.text)]) >= enough
                )
            )
        ]


def arrange(page: Page) -> None:
    """Tell the page's columns; mend the order where the stream jumps between them.

    The content stream's own order is right on most pages (triage: at most one switch on 280 of 325
    two-column pages); sorting by height would weave the columns together.
    """
    middle = page.width / 2
    wide = [line for line in page.lines if len(line.words) >= 4]
    sides = [_side(line, middle) for line in wide]
    left, right = sides.count("L"), sides.count("R")
    if min(left, right) < 8 or (left + right) < 0.6 * len(wide):
        return
    page.columns = 2
    blocks = page.blocks()
    order = [side for block in blocks if (side := _block_side(block, middle)) != "W"]
    switches = sum(a != b for a, b in pairwise(order))
    if switches > 3:
        page.lines = [line for block in _by_column(blocks, middle) for line in block]


def _by_column(blocks: list[list[Line]], middle: float) -> list[list[Line]]:
    """Read band after band: wide blocks cut the page, within a band left comes before right."""
    ordered: list[list[Line]] = []
    band: list[list[Line]] = []
    for block in sorted(blocks, key=_top):
        if _block_side(block, middle) == "W":
            ordered += sorted(band, key=lambda b: (_block_side(b, middle) == "R", _top(b)))
            ordered.append(block)
            band = []
        else:
            band.append(block)
    return ordered + sorted(band, key=lambda b: (_block_side(b, middle) == "R", _top(b)))


def _top(block: list[Line]) -> float:
    return min(line.y0 for line in block)


def _block_side(block: list[Line], middle: float) -> str:
    x0, x1 = min(line.x0 for line in block), max(line.x1 for line in block)
    return _side_of(x0, x1, middle)


def _side(line: Line, middle: float) -> str:
    return _side_of(line.x0, line.x1, middle)


def _side_of(x0: float, x1: float, middle: float) -> str:
    if x1 <= middle + 6:
        return "L"
    return "R" if x0 >= middle - 6 else "W"


def _in_margin(page: Page, line: Line) -> bool:
    return line.y1 < MARGIN * page.height or line.y0 > (1 - MARGIN) * page.height


def _faceless(text: str) -> str:
    """Return the line without what changes from page to page."""
    return re.sub(r"[\d\W_]+", " ", text).strip().lower() or "#"
