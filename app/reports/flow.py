"""The report as a flow of blocks, read from its HTML: what formats with pages are laid out from.

One set of templates says what the report says; Word and PDF only arrange it. Text is text here:
what was markup in a title was escaped in the HTML and comes back as its letters.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from app.reports.model import ReportModel
from app.reports.text import clean

if TYPE_CHECKING:
    from lxml.html import HtmlElement

GOOD = ("do_now", "high_value", "steady", "confirmed")
WARN = ("measure_first", "long_term", "partly", "unclear")
BAD = ("careful", "contradicted", "not_reproduced", "below_quality")
SKIPPED = ("nav", "style", "head", "svg")


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of text of one look; a line break is a span of `\\n`.

    `tone` is good, warn, bad or nothing; `target` a web address, or `#id` of a heading.
    """

    text: str
    bold: bool = False
    soft: bool = False
    tone: str = ""
    target: str = ""


Spans = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of a picture: what it counts, how many, and its length, 0 to 1."""

    name: str
    count: str
    share: float


@dataclass(frozen=True, slots=True)
class Block:
    """A block: `heading`, `text`, `item`, `table`, `facts` (a table without a head) or `bars`.

    `level` is a heading's, 1 to 3; `style` is decision, soft, quoted or nothing; `number` an
    ordered item's; `widths` weigh a table's columns.
    """

    kind: str
    spans: Spans = ()
    level: int = 0
    style: str = ""
    anchor: str = ""
    number: int = 0
    head: tuple[Spans, ...] = ()
    rows: tuple[tuple[Spans, ...], ...] = ()
    widths: tuple[float, ...] = ()
    bars: tuple[Bar, ...] = ()


def flow(model: ReportModel) -> list[Block]:
    """Return the report's blocks in their order."""
    from lxml import html

    from app.reports.formats.html import render

    page = html.document_fromstring(render(model).decode("utf-8"))
    return list(_Reader().blocks(next(page.iter("body"))))


@dataclass(slots=True)
class _Look:
    bold: bool = False
    soft: bool = False
    tone: str = ""
    target: str = ""


@dataclass(slots=True)
class _Reader:
    """Walks the page; knows the anchor that the next heading takes."""

    anchor: str = ""
    style: str = ""
    seen: set[str] = field(default_factory=set)

    def blocks(self, element: HtmlElement) -> Iterator[Block]:
        for child in element.iterchildren(tag="*"):
            yield from self.block(child)

    def block(self, element: HtmlElement) -> Iterator[Block]:
        tag, classes = str(element.tag), (element.get("class") or "").split()
        if element.get("id"):
            self.anchor = element.get("id") or ""
        if tag == "svg" and "bars" in classes:
            yield Block("bars", bars=_bars(element))
        elif tag in SKIPPED:
            return
        elif tag in ("h1", "h2", "h3"):
            anchor, self.anchor = self.anchor, ""
            yield Block("heading", _spans(element), level=int(tag[1]), anchor=anchor)
        elif tag == "p":
            style = "soft" if "soft" in classes else self.style
            spans = _spans(element)
            if spans:
                yield Block("text", spans, style=style)
        elif tag in ("ul", "ol"):
            for number, item in enumerate(element.iterchildren("li"), start=1):
                yield Block("item", _spans(item), number=number if tag == "ol" else 0)
        elif tag == "table":
            yield _table(element)
        elif tag == "dl":
            rows = zip(element.iterchildren("dt"), element.iterchildren("dd"), strict=True)
            pairs = tuple((_spans(name, bold=True), _spans(text)) for name, text in rows)
            yield Block("facts", rows=pairs, widths=(1.0, 5.0))
        elif "advice" in classes:
            cells = [_spans(child) for child in element.iterchildren()]
            pairs = tuple(zip(cells[::2], cells[1::2], strict=True))
            yield Block("facts", rows=pairs, widths=(1.0, 5.0), style="advice")
        else:
            outer = self.style
            self.style = "decision" if "decision" in classes else outer
            yield from self.blocks(element)
            self.style = outer


def _table(element: HtmlElement) -> Block:
    head = tuple(_spans(cell, bold=True) for cell in element.xpath("./thead/tr/th"))
    rows = tuple(
        tuple(_spans(cell, bold=cell.tag == "th") for cell in row.iterchildren("td", "th"))
        for row in element.xpath("./tbody/tr")
    )
    return Block("table", head=head, rows=rows, widths=_widths(head, rows))


def _bars(element: HtmlElement) -> tuple[Bar, ...]:
    found = []
    for group in element.iter("g"):
        name, count = (text.text_content() for text in group.iter("text"))
        width = float(next(iter(group.iter("rect"))).get("width") or 0)
        found.append((clean(name), clean(count), width))
    most = max((width for *_, width in found), default=0.0) or 1.0
    return tuple(Bar(name, count, width / most) for name, count, width in found)


def _spans(element: HtmlElement, *, bold: bool = False) -> Spans:
    """Return an element's text, white space collapsed as a browser does it."""
    raw: list[Span] = []
    _collect(element, _Look(bold=bold), raw)
    spans: list[Span] = []
    blank = True
    for span in raw:
        if span.text == "\n":
            if spans and spans[-1].text != "\n":
                spans.append(span)
            blank = True
            continue
        text = _collapse(span.text)
        if blank:
            text = text.lstrip(" ")
        if text:
            blank = text.endswith(" ")
            spans.append(Span(text, span.bold, span.soft, span.tone, span.target))
    while spans and not spans[-1].text.strip():
        spans.pop()
    return tuple(spans)


def _collapse(text: str) -> str:
    core = clean(text)
    if not core:
        return " " if text else ""
    head = " " if text[0].isspace() else ""
    return head + core + (" " if text[-1].isspace() else "")


def _collect(element: HtmlElement, look: _Look, spans: list[Span]) -> None:
    classes = (element.get("class") or "").split()
    tag = str(element.tag)
    inner = _Look(
        bold=look.bold or tag in ("strong", "b") or "pill" in classes or "rank" in classes,
        soft=look.soft or tag == "small" or "evidence" in classes,
        tone=_tone(classes) or look.tone,
        target=(element.get("href") or "") if tag == "a" else look.target,
    )
    _add(element.text, inner, spans)
    for child in element.iterchildren(tag="*"):
        name = str(child.tag)
        if name == "br":
            spans.append(Span("\n"))
        elif name == "li":
            spans.append(Span("\n"))
            _add("• ", inner, spans)
            _collect(child, inner, spans)
        elif name not in SKIPPED:
            _collect(child, inner, spans)
        if "badge" in (child.get("class") or "").split():
            _add(". ", inner, spans)
        _add(child.tail, inner, spans)


def _add(text: str | None, look: _Look, spans: list[Span]) -> None:
    if text:
        spans.append(Span(text, look.bold, look.soft, look.tone, look.target))


def _tone(classes: list[str]) -> str:
    for tone, codes in (("good", (*GOOD, "up")), ("warn", WARN), ("bad", (*BAD, "down"))):
        if any(code in classes for code in codes):
            return tone
    return ""


def plain(spans: Spans) -> str:
    """Return the text of spans."""
    return "".join(span.text for span in spans)


def _widths(head: tuple[Spans, ...], rows: tuple[tuple[Spans, ...], ...]) -> tuple[float, ...]:
    """Weigh columns by their text, none narrower than its longest word up to a limit."""
    columns = max([len(head), *(len(row) for row in rows)], default=0)
    weights = []
    for column in range(columns):
        cells = [plain(row[column]) for row in rows if column < len(row)]
        title = plain(head[column]) if column < len(head) else ""
        lengths = [_length(cell) for cell in cells] or [1]
        words = [_length(word) for cell in (*cells, title) for word in _words(cell)]
        mean = sum(lengths) / len(lengths)
        weights.append(max(min(mean, 160.0) ** 0.62, min(max(words, default=1), 11) * 1.0, 3.0))
    return tuple(round(weight, 2) for weight in weights)


def _words(text: str) -> list[str]:
    # Chinese breaks anywhere: a run of it is no long word.
    return [word for word in text.split() if not any(ord(mark) > 0x2E80 for mark in word)]


def _length(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(mark) in "WF" else 1 for mark in text)
