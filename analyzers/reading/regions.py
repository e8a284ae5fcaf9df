"""Where a page's tables are: from each caption to the rules that belong to it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from analyzers.reading.captions import ANY_CAPTION, LOWER_WORD, Caption
from analyzers.reading.layout import Line, Page, Row
from analyzers.reading.rules import Rule, Ruling
from analyzers.tables import Box

FARTHEST = 60.0
"""Points between a caption and its table, at most."""

MOST_STACKS = 80
"""Different pairs of ends among a page's rules that are looked at: a plot can have thousands."""

_SLACK = 5.0
"""Points by which the rules of one table may differ in their ends."""


@dataclass(slots=True)
class Region:
    """A caption with the box of its table and the rules across it, from the top."""

    caption: Caption
    box: Box
    rules: list[Rule] = field(default_factory=list)
    is_below: bool = True
    """Whether the table stands below its caption."""
    cost: float = 0.0
    """How far the table is from its caption, in points, and more where that is in doubt."""


def propose(page: Page, ruling: Ruling, captions: Sequence[Caption]) -> list[Region]:
    """Return all regions that the captions of a page may belong to."""
    stops = [line for line in page.lines if ANY_CAPTION.match(line.text)]
    stacks = _stacks(ruling, page)
    regions: list[Region] = []
    for caption in captions:
        others = [line for line in stops if line not in caption.lines]
        for downward in (True, False):
            grown = [_grow(page, caption, stack, others, downward) for stack in stacks]
            if not any(grown):
                grown = [_unruled(page, caption, others, downward)]
            for region in filter(None, grown):
                region.cost = _distance(caption, region) + _BY_RULES[min(3, len(region.rules))]
                regions.append(_with_head(_widened(region, ruling), page, ruling))
    return regions


def choose(regions: Sequence[Region], below: bool | None) -> list[Region]:
    """Return one region for each caption, the nearest where several could be.

    `below` says where this paper's tables mostly stand, seen from their captions (None: unknown).
    """
    chosen: list[Region] = []
    for region in sorted(
        regions,
        key=lambda r: r.cost + _OTHER_SIDE * (below is not None and below is not r.is_below),
    ):
        if not any(
            region.caption is other.caption or _overlap(region.box, other.box) for other in chosen
        ):
            chosen.append(region)
    return sorted(chosen, key=lambda region: (region.caption.box[1], region.caption.box[0]))


_OTHER_SIDE = 22.0
"""Points added to the distance of a table on the side of its caption where the paper has few."""

_BY_RULES = (35.0, 12.0, 0.0, 0.0)
"""Points added to the distance of a table with no rule, with one, with more: a lone rule may be
a figure's axis, and rows without any may be its labels."""


def _stacks(ruling: Ruling, page: Page) -> list[list[Rule]]:
    """Group the rules that begin and end alike, each group from the top."""
    stacks: list[list[Rule]] = []
    for rule in ruling.rules:
        if rule.width < 40 or not 0.045 * page.height < rule.y < 0.965 * page.height:
            continue
        for stack in stacks:
            if abs(stack[0].x0 - rule.x0) < _SLACK and abs(stack[0].x1 - rule.x1) < _SLACK:
                stack.append(rule)
                break
        else:
            if len(stacks) < MOST_STACKS:
                stacks.append([rule])
    return stacks


def _grow(
    page: Page, caption: Caption, stack: list[Rule], stops: list[Line], downward: bool
) -> Region | None:
    """Go from the caption over the rules of a stack as far as a table's rows lie between them."""
    x0, y0, x1, y1 = caption.box
    left, right = stack[0].x0, stack[0].x1
    shared = min(x1, right) - max(x0, left)
    if shared < 0.5 * min(x1 - x0, right - left):
        return None
    if downward:
        rules = [rule for rule in stack if rule.y > y1 - 3]
    else:
        rules = [rule for rule in reversed(stack) if rule.y < y0 + 3]
    if not rules or abs(rules[0].y - (y1 if downward else y0)) > FARTHEST:
        return None
    lines = [line for line in page.lines if line.x1 > left and line.x0 < right]
    lines = [line for line in lines if line not in caption.lines]
    barriers = [(line.y0 + line.y1) / 2 for line in stops if line.x1 > left and line.x0 < right]
    edge = (y0 + y1) / 2
    taken: list[Rule] = []
    for rule in rules:
        top, bottom = sorted((edge, rule.y))
        if any(top < barrier < bottom for barrier in barriers):
            break
        between = [line for line in lines if top < (line.y0 + line.y1) / 2 < bottom]
        if taken and not between and bottom - top > 40:
            break
        # a box of long texts has many rules close together; two rules around a page's text don't
        is_boxed = len(rules) >= 4 and bottom - top < 70
        if not is_boxed and _is_prose(between, right - left):
            break
        taken.append(rule)
        edge = rule.y
    if not taken:
        return None
    taken.sort()
    box = _stretched((left, taken[0].y, right, taken[-1].y), lines, caption, barriers)
    near = box[1] - y1 if downward else y0 - box[3]
    if box[3] - box[1] < 12 or not -4 < near < FARTHEST or _words_between(lines, caption, box) > 12:
        return None
    across = [line for line in lines if box[1] < (line.y0 + line.y1) / 2 < box[3]]
    return Region(caption, box, taken, downward) if across else None


def _words_between(lines: Iterable[Line], caption: Caption, box: Box) -> int:
    top, bottom = sorted((caption.box, box), key=lambda b: b[1])
    return sum(
        len(line.words) for line in lines if top[3] - 1 < (line.y0 + line.y1) / 2 < bottom[1] + 1
    )


def _unruled(page: Page, caption: Caption, stops: list[Line], downward: bool) -> Region | None:
    """Take the rows next to a caption that wide gaps part into cells."""
    left, right = _column_of(page, caption)
    lines = [line for line in page.lines if line.x1 > left and line.x0 < right]
    lines = [line for line in lines if line not in caption.lines]
    barriers = [(line.y0 + line.y1) / 2 for line in stops if line.x1 > left and line.x0 < right]
    y = caption.box[3] if downward else caption.box[1]
    box = _stretched((left, y, right, y), lines, caption, barriers, first_gap=36.0)
    return Region(caption, box, [], downward) if box[3] - box[1] > 20 else None


def _column_of(page: Page, caption: Caption) -> tuple[float, float]:
    """Return the left and right end of what a caption's table may take: its column or the page."""
    middle, (x0, _, x1, _) = page.width / 2, caption.box
    sides = [line for line in page.lines if len(line.words) >= 4]
    single = sum(line.x0 < middle - 20 and line.x1 > middle + 20 for line in sides)
    if 2 * single < len(sides):
        if x1 < middle + 8:
            return 0.0, middle
        if x0 > middle - 8:
            return middle, page.width
    return 0.0, page.width


def _stretched(
    box: Box,
    lines: Sequence[Line],
    caption: Caption,
    barriers: Sequence[float],
    first_gap: float = 0.0,
) -> Box:
    """Stretch a box up and down over the rows of cells that follow on it."""
    left, top, right, bottom = box
    rows = _visual_rows([line for line in lines if line.x0 > left - 4 and line.x1 < right + 4])
    inner = sorted(row.cells for row in rows if top < row.middle < bottom)
    needed = max(2, inner[len(inner) // 2] // 2) if inner else 2
    for direction in (1, -1):
        gap = first_gap
        for row in rows if direction == 1 else reversed(rows):
            distance = row.y0 - bottom if direction == 1 else top - row.y1
            if (row.middle - (bottom if direction == 1 else top)) * direction <= 0:
                continue
            if distance > max(gap, 0.9 * row.height):
                break
            y0, y1 = sorted((row.middle, bottom if direction == 1 else top))
            cells = row.cells
            if cells < needed and row.words <= 3:
                continue  # a label half-way between two rows, or a heading over some columns
            if (
                cells < needed
                or (cells < 4 and row.lower > 6)
                or any(y0 - 1 < barrier < y1 + 1 for barrier in barriers)
                or y0 < (caption.box[1] + caption.box[3]) / 2 < y1
            ):
                break
            gap = 0.0
            if direction == 1:
                bottom = row.y1 + 0.5
            else:
                top = row.y0 - 0.5
    return left, top, right, bottom


class _VisualRow:
    """Lines side by side; what is in them is counted when it is asked for."""

    __slots__ = ("height", "lines", "y0", "y1")

    def __init__(self, line: Line) -> None:
        self.lines = [line]
        self.y0, self.y1, self.height = line.y0, line.y1, line.height

    def add(self, line: Line) -> None:
        self.lines.append(line)
        self.y0, self.y1 = min(self.y0, line.y0), max(self.y1, line.y1)

    @property
    def middle(self) -> float:
        return (self.y0 + self.y1) / 2

    @property
    def cells(self) -> int:
        return Row(self.lines).cells()

    @property
    def words(self) -> int:
        return sum(len(line.words) for line in self.lines)

    @property
    def lower(self) -> int:
        return sum(len(LOWER_WORD.findall(line.text)) for line in self.lines)


def _visual_rows(lines: Sequence[Line]) -> list[_VisualRow]:
    """Put lines side by side into rows, from the top."""
    rows: list[_VisualRow] = []
    middle = -1e9
    for line in sorted(lines, key=lambda line: line.y0 + line.y1):
        here = (line.y0 + line.y1) / 2
        if here - middle > 0.5 * line.height:
            rows.append(_VisualRow(line))
            middle = here
        else:
            rows[-1].add(line)
    return rows


def _widened(region: Region, ruling: Ruling) -> Region:
    """Take in the columns that another rule of the table covers."""
    left, top, right, bottom = region.box
    for rule in ruling.rules:
        shared = min(right, rule.x1) - max(left, rule.x0)
        if top - 3 < rule.y < bottom + 3 and shared > 0.7 * (right - left):
            left, right = min(left, rule.x0), max(right, rule.x1)
    region.box = (left, top, right, bottom)
    inside = [rule for rule in ruling.rules if top - 3 < rule.y < bottom + 3]
    region.rules = [rule for rule in inside if rule.x0 < left + _SLACK and rule.x1 > right - _SLACK]
    return region


def _with_head(region: Region, page: Page, ruling: Ruling) -> Region:
    """Take in the rows that vertical lines reach into, and a heading over a short rule on top."""
    left, top, right, bottom = region.box
    for bar in sorted(ruling.bars, key=lambda bar: -bar.y1):
        is_next = bar.y0 < top - 1 and bar.y1 > top - 2 and left < bar.x < right
        if is_next and top - bar.y0 < 30 and not bar.y0 < region.caption.box[3] < top:
            top = bar.y0
    region.box = (left, top, right, bottom)
    short = [
        rule
        for rule in ruling.rules
        if -8 < rule.y - top < 3 and left - 3 < rule.x0 and rule.x1 < right + 3
    ]
    if not short or max(rule.width for rule in short) > 0.9 * (right - left):
        return region
    over = [
        line
        for line in page.lines
        if line not in region.caption.lines
        and any(rule.x0 - 6 < line.x0 and line.x1 < rule.x1 + 6 for rule in short)
        and -2 < min(rule.y for rule in short) - line.y1 < 0.5 * line.height
    ]
    if over:
        region.box = (left, min(line.y0 for line in over) - 0.5, right, bottom)
    return region


def _is_prose(lines: list[Line], width: float) -> bool:
    """Tell running text, which ends a table, from long text in cells."""
    full = [
        line
        for line in lines
        if line.x1 - line.x0 > 0.8 * width and len(LOWER_WORD.findall(line.text)) >= 6
    ]
    return len(full) >= 3 and 2 * len(full) > len(lines)


def _distance(caption: Caption, region: Region) -> float:
    if region.is_below:
        return abs(region.box[1] - caption.box[3])
    return abs(caption.box[1] - region.box[3])


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] - 2 and b[0] < a[2] - 2 and a[1] < b[3] - 2 and b[1] < a[3] - 2
