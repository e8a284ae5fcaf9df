"""Captioned tables of a paper: caption, rules, rows by baseline, columns by gaps.

Papers on machine learning rule their tables with three horizontal lines (booktabs) and set columns
apart by space alone, which general table finders make nothing of.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from analyzers.reading.captions import CAPTION, find_captions
from analyzers.reading.grid import read_bands, read_grid
from analyzers.reading.layout import Line, Page, RawWord
from analyzers.reading.regions import Region, choose, propose
from analyzers.reading.rules import Ruling
from analyzers.tables import Table


def may_hold_table(lines: Sequence[Line]) -> bool:
    """Tell whether a page has a line that looks like a table's caption."""
    return any(line.text[:1] in "tT" and CAPTION.match(line.text) for line in lines)


@dataclass(slots=True)
class _Sheet:
    page: Page
    ruling: Ruling
    regions: list[Region]


def read_tables(
    pages: Sequence[Page], rulings: dict[int, Ruling], body_height: float
) -> list[Table]:
    """Return the tables of the pages whose ruling is given, and take their lines off the pages."""
    rulings = _without_furniture(pages, rulings)
    sheets = [
        _Sheet(page, ruling, propose(page, ruling, find_captions(page, ruling)))
        for page in pages
        if (ruling := rulings.get(page.number)) is not None
    ]
    plain = [region for sheet in sheets for region in choose(sheet.regions, None)]
    below = sum(region.is_below for region in plain)
    mostly = None if 2 * below == len(plain) else 2 * below > len(plain)
    return [
        table
        for sheet in sheets
        for region in choose(sheet.regions, mostly)
        if (table := _read(sheet, region, body_height)) is not None
    ]


def _without_furniture(pages: Sequence[Page], rulings: dict[int, Ruling]) -> dict[int, Ruling]:
    """Leave out the rules of running heads: those at the same place of several pages' margins."""
    seen = Counter(
        (round(rule.y), round(rule.x0), round(rule.x1))
        for ruling in rulings.values()
        for rule in ruling.rules
    )
    heights = {page.number: page.height for page in pages}
    return {
        number: Ruling(
            tuple(
                rule
                for rule in ruling.rules
                if 0.09 * heights[number] < rule.y < 0.91 * heights[number]
                or seen[round(rule.y), round(rule.x0), round(rule.x1)] < 2
            ),
            ruling.bars,
        )
        for number, ruling in rulings.items()
    }


def _read(sheet: _Sheet, region: Region, body_height: float) -> Table | None:
    x0, y0, x1, y1 = region.box
    inside: list[Line] = []
    words: list[RawWord] = []
    for line in sheet.page.lines:
        if line in region.caption.lines:
            continue
        held = [
            w
            for w in line.words
            if y0 < (w[1] + w[3]) / 2 < y1 and x0 - 3 < (w[0] + w[2]) / 2 < x1 + 3
        ]
        if held and 2 * len(held) > len(line.words):
            inside.append(line)
        words += held
    partial = [
        rule
        for rule in sheet.ruling.rules
        if y0 < rule.y < y1 and x0 - 3 <= rule.x0 and rule.x1 <= x1 + 3 and rule not in region.rules
    ]
    grid = read_grid(words, region.box, region.rules, partial, sheet.ruling.bars)
    grid = grid or read_bands(words, region.rules)
    if grid is None:
        return None
    gone = {id(line) for line in inside}
    sheet.page.lines = [line for line in sheet.page.lines if id(line) not in gone]
    edge = y1
    for line in sheet.page.lines:
        small = line.height < 0.97 * body_height and line not in region.caption.lines
        if small and x0 - 8 < line.x0 and line.x1 < x1 + 8 and -2 < line.y0 - edge < line.height:
            line.is_note = True
            edge = line.y1
    return Table(
        region.caption.number,
        region.caption.text,
        sheet.page.number,
        (x0, y0, x1, y1),
        grid.header_rows,
        grid.rows,
    )
