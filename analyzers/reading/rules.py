"""The straight lines of a page: what tables are ruled with.

MuPDF's text page collects them on the way (`TEXT_COLLECT_VECTORS`), at no cost that can be
measured; PyMuPDF's own list of drawings costs more than the text does, and its table finder ten
times as much.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

MOST_VECTORS = 30_000
"""Vectors of one page that are looked at; a page of plotted points can have a million."""

MOST_RULES = 2_000

_THIN = 2.6
_SHORTEST = 6.0
_SAME_HEIGHT = 1.2
_JOINT = 2.5


class Rule(NamedTuple):
    """A horizontal line at height `y` from `x0` to `x1`, in points."""

    y: float
    x0: float
    x1: float

    @property
    def width(self) -> float:
        """Its length in points."""
        return self.x1 - self.x0


class Bar(NamedTuple):
    """A vertical line at `x` from `y0` down to `y1`, in points."""

    x: float
    y0: float
    y1: float


@dataclass(frozen=True, slots=True)
class Ruling:
    """A page's horizontal and vertical lines, each in order from the top and from the left."""

    rules: tuple[Rule, ...] = ()
    bars: tuple[Bar, ...] = ()


def read_ruling(sheet: Any, flags: int) -> Ruling:
    """Return the lines of a PyMuPDF page; `flags` are those its text was read with."""
    import pymupdf

    # images too: dvips writes a rule as an image mask of one colour
    flags |= pymupdf.TEXT_COLLECT_VECTORS | pymupdf.TEXT_PRESERVE_IMAGES
    text_page = sheet.get_textpage(flags=flags)  # holds the blocks: must outlive the loop
    drawn = (pymupdf.mupdf.FZ_STEXT_BLOCK_VECTOR, pymupdf.mupdf.FZ_STEXT_BLOCK_IMAGE)
    rules: list[Rule] = []
    bars: list[Bar] = []
    block = text_page.this.m_internal.first_block
    for _ in range(MOST_VECTORS):
        if block is None:
            break
        if block.type in drawn:
            box = block.bbox
            x0, y0, x1, y1 = box.x0, box.y0, box.x1, box.y1
            if y1 - y0 <= _THIN:
                if x1 - x0 >= _SHORTEST and len(rules) < MOST_RULES:
                    rules.append(Rule((y0 + y1) / 2, x0, x1))
            elif x1 - x0 <= _THIN and y1 - y0 >= _SHORTEST:
                bars.append(Bar((x0 + x1) / 2, y0, y1))
        block = block.next
    return Ruling(tuple(_joined(rules)), tuple(sorted(bars)))


def _joined(rules: list[Rule]) -> list[Rule]:
    """Join pieces that lie end to end, and lines drawn twice."""
    result: list[Rule] = []
    for rule in sorted(rules):
        at = len(result) - 1
        while at >= 0 and rule.y - result[at].y <= _SAME_HEIGHT:
            old = result[at]
            if rule.x0 <= old.x1 + _JOINT and rule.x1 >= old.x0 - _JOINT:
                result[at] = Rule(old.y, min(old.x0, rule.x0), max(old.x1, rule.x1))
                break
            at -= 1
        else:
            result.append(rule)
    return result
