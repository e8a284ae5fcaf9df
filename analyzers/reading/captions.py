"""The captions of a page's tables: where each begins and ends."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from analyzers.reading.layout import Line, Page, Row
from analyzers.reading.rules import Rule, Ruling
from analyzers.tables import Box

CAPTION = re.compile(
    r"(?:table|tab\.)\s*(\d{1,3}|[A-Z]\.?\d{1,3}|[IVXL]{1,6})\s*(?:[.:|(—–]|$)", re.I
)
ANY_CAPTION = re.compile(
    r"(?:fig(?:ure|\.)?|table|tab\.|algorithm|listing|alg\.)\s*(?:\d+|[A-Z]\.?\d*|[IVX]+)\s*"
    r"(?:[.:|(—–]|$)",
    re.I,
)
LOWER_WORD = re.compile(r"(?<!\S)[(\"“‘']?[a-z][a-z’'-]*+[.,;:)\"”’]*+(?!\S)")
_SENTENCE_END = re.compile(r"[.?!:;][\"”’)\]]*$")


MOST_CAPTIONS = 24
"""Captions of one page that are looked at."""


@dataclass(slots=True)
class Caption:
    """A table's caption: its number, its lines, and their box."""

    number: str
    lines: list[Line]
    text: str = ""
    box: Box = (0.0, 0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        """Set text and box from the lines."""
        self.text = " ".join(line.text for line in self.lines)
        self.box = (
            min(line.x0 for line in self.lines),
            min(line.y0 for line in self.lines),
            max(line.x1 for line in self.lines),
            max(line.y1 for line in self.lines),
        )


def find_captions(page: Page, ruling: Ruling) -> list[Caption]:
    """Return the captions of a page's tables."""
    captions: list[Caption] = []
    for place, line in enumerate(page.lines):
        match = CAPTION.match(line.text)
        before = page.lines[place - 1] if place else None
        if match and not _is_reference(line, match) and not runs_on(before, line):
            captions.append(Caption(match[1], _caption_lines(page.lines, place, ruling)))
        if len(captions) == MOST_CAPTIONS:
            break
    return captions


def _is_reference(line: Line, match: re.Match[str]) -> bool:
    """Tell "Table 2 shows …" from a number that stands alone in capitals, which is a caption."""
    return match[0].rstrip()[-1:] not in ".:|(—–" and not line.text.isupper()


def runs_on(before: Line | None, line: Line) -> bool:
    """Tell whether a line goes on with the sentence of the line above it, in one paragraph."""
    return (
        before is not None
        and before.block == line.block
        and -0.3 * line.height < line.y0 - before.y1 < 0.6 * line.height
        and abs(before.x0 - line.x0) < 30
        and not _SENTENCE_END.search(before.text)
        and len(LOWER_WORD.findall(before.text)) >= 4
    )


def _caption_lines(lines: Sequence[Line], place: int, ruling: Ruling) -> list[Line]:
    """Return the caption's lines: those that follow at the distance of lines, in its font."""
    first = lines[place]
    taken = [first]
    for line in lines[place + 1 : place + 40]:
        last = taken[-1]
        beside = abs(line.y0 - last.y0) < 0.5 * first.height
        if beside and line.x0 - last.x1 < 3 * first.height and line.x0 > last.x0:
            taken.append(line)
            continue
        left = min(other.x0 for other in taken)
        right = max(other.x1 for other in taken)
        if (
            (line.block != last.block and abs(line.height - first.height) > 0.06 * first.height)
            or not -0.5 * first.height < line.y0 - last.y1 < 0.7 * first.height
            or not (
                abs(line.x0 - left) < 1.5 * first.height
                or line.x0 < left
                or abs(line.x0 + line.x1 - left - right) < 1.5 * first.height
            )
            or line.x1 < left + 2
            or (line.block != last.block and line.x1 > right + 0.25 * (right - left))
            or _crossed(ruling.rules, last, line)
            or ANY_CAPTION.match(line.text)
            or Row([line]).cells() >= 3
        ):
            break
        taken.append(line)
    return taken


def _crossed(rules: Iterable[Rule], above: Line, below: Line) -> bool:
    top, bottom = (above.y0 + above.y1) / 2, (below.y0 + below.y1) / 2
    return any(
        top < rule.y < bottom and rule.x0 < below.x1 and rule.x1 > below.x0 and rule.width > 30
        for rule in rules
    )
