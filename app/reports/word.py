"""Writes the report's blocks into a Word document with python-docx.

Tables are built as XML, a row after the other: python-docx finds a cell by walking the table, which
takes minutes for a long ranking. All text goes in as text nodes, so nothing in it can be markup.
"""

from __future__ import annotations

import io
import zipfile
from datetime import datetime
from typing import Any

from app.reports.flow import Block, Span, Spans

INK, PALE, ACCENT, LINE = "1D2530", "566274", "1F5FAE", "D5DBE3"
TONES = {"good": "17703D", "warn": "8A5A00", "bad": "A32A2A"}
LATIN, CHINESE = "Calibri", "Microsoft YaHei"
PAGE_MM = (210, 297)
MARGIN_MM = 16
TWIPS_A_MM = 1440 / 25.4
BAR_LETTERS = 40
ZIP_TIME = (1980, 1, 1, 0, 0, 0)
"""The first moment that a zip file can tell: the same for every report."""


class Writer:
    """A document in the making; `content` returns its bytes."""

    def __init__(self, *, title: str, moment: str, language: str) -> None:
        import docx
        from docx.shared import Mm

        self._document = docx.Document()
        self._language = "zh-CN" if language == "zh" else "en-US"
        self._bookmarks: dict[str, int] = {}
        section = self._document.sections[0]
        section.page_width, section.page_height = (Mm(side) for side in PAGE_MM)
        section.left_margin = section.right_margin = Mm(MARGIN_MM)
        section.top_margin = section.bottom_margin = Mm(MARGIN_MM + 2)
        self._styles()
        self._properties(title, moment)

    def _styles(self) -> None:
        from docx.oxml.ns import qn
        from docx.shared import Pt, RGBColor

        sizes = {"Normal": 10, "Title": 20, "Heading 1": 18, "Heading 2": 14, "Heading 3": 11}
        for name, size in sizes.items():
            style: Any = self._document.styles[name]
            style.font.name, style.font.size = LATIN, Pt(size)
            style.font.color.rgb = RGBColor.from_string(INK)
            fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
            for theme in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
                fonts.attrib.pop(qn(f"w:{theme}"), None)
            fonts.set(qn("w:eastAsia"), CHINESE)
        normal: Any = self._document.styles["Normal"]
        normal.paragraph_format.space_after = Pt(5)
        # Of Latin text always English: as Chinese it would break inside words.
        language = _element("w:lang", val="en-US", eastAsia="zh-CN")
        normal.element.get_or_add_rPr().append(language)

    def _properties(self, title: str, moment: str) -> None:
        when = datetime.strptime(moment, "%Y-%m-%d %H:%M UTC")
        properties = self._document.core_properties
        properties.title, properties.author, properties.comments = title, "Assay", ""
        properties.last_modified_by, properties.revision = "Assay", 1
        properties.created = properties.modified = when
        properties.language = self._language

    def add(self, block: Block) -> None:
        """Append a block."""
        match block.kind:
            case "heading":
                paragraph = self._document.add_heading(level=block.level)
                self._fill(paragraph._p, block.spans)
                self._bookmark(paragraph._p, block.anchor)
            case "text":
                paragraph = self._document.add_paragraph()
                self._fill(paragraph._p, block.spans, soft=block.style == "soft")
                if block.style == "decision":
                    _shade(paragraph._p, "E6EEF9")
            case "item":
                style = "List Number" if block.number else "List Bullet"
                paragraph = self._document.add_paragraph(style=style)
                self._fill(paragraph._p, block.spans)
            case "bars":
                rows = tuple(
                    (
                        (Span(bar.name),),
                        (Span("█" * max(1, round(BAR_LETTERS * bar.share)), target="bar"),),
                        (Span(bar.count),),
                    )
                    for bar in block.bars
                )
                self._table((), rows, (3.0, 8.0, 1.0), lines=False)
            case "facts":
                self._table((), block.rows, (1.0, 5.0), lines=False)
            case "table":
                self._table(block.head, block.rows, block.widths, lines=True)

    def content(self) -> bytes:
        """Return the document's bytes: the same blocks give the same ones."""
        written = io.BytesIO()
        self._document.save(written)
        fixed = io.BytesIO()
        with (
            zipfile.ZipFile(written) as source,
            zipfile.ZipFile(fixed, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as target,
        ):
            for name in source.namelist():
                entry = zipfile.ZipInfo(name, ZIP_TIME)
                entry.compress_type = zipfile.ZIP_DEFLATED
                target.writestr(entry, source.read(name))
        return fixed.getvalue()

    def _table(
        self,
        head: tuple[Spans, ...],
        rows: tuple[tuple[Spans, ...], ...],
        widths: tuple[float, ...],
        *,
        lines: bool,
    ) -> None:
        if not rows or not widths:
            return
        whole = (PAGE_MM[0] - 2 * MARGIN_MM) * TWIPS_A_MM
        twips = [str(round(whole * width / sum(widths))) for width in widths]
        table = _element("w:tbl")
        table.append(_table_properties(str(round(whole)), lines=lines))
        grid = _element("w:tblGrid")
        grid.extend(_element("w:gridCol", w=width) for width in twips)
        table.append(grid)
        if head:
            table.append(self._row(head, twips, is_head=True))
        for row in rows:
            table.append(self._row(row, twips, is_head=False))
        body = self._document.element.body
        body.insert(len(body) - 1, table)
        # Word joins tables that touch, and wants a paragraph after the last one.
        gap = self._document.add_paragraph()
        gap.paragraph_format.space_after = 0

    def _row(self, cells: tuple[Spans, ...], widths: list[str], *, is_head: bool) -> Any:
        row = _element("w:tr")
        properties = _element("w:trPr")
        properties.append(_element("w:cantSplit"))
        if is_head:
            properties.append(_element("w:tblHeader"))
        row.append(properties)
        for number, width in enumerate(widths):
            cell = _element("w:tc")
            about = _element("w:tcPr")
            about.append(_element("w:tcW", w=width, type="dxa"))
            cell.append(about)
            paragraph = _element("w:p")
            spacing = _element("w:pPr")
            spacing.append(_element("w:spacing", before="20", after="20"))
            paragraph.append(spacing)
            spans = cells[number] if number < len(cells) else ()
            self._fill(paragraph, spans, soft=is_head, half_points=17)
            cell.append(paragraph)
            row.append(cell)
        return row

    def _fill(
        self, paragraph: Any, spans: Spans, *, soft: bool = False, half_points: int = 0
    ) -> None:
        for span in spans:
            run = _run(span, soft=soft or span.soft, half_points=half_points)
            if span.target.startswith("http"):
                link = self._document.part.relate_to(
                    span.target,
                    "http://schemas.openxmlformats.org/officeDocument/2006/relationships/hyperlink",
                    is_external=True,
                )
                around = _element("w:hyperlink")
                around.set(_name("r:id"), link)
                around.append(run)
                paragraph.append(around)
            elif span.target.startswith("#"):
                around = _element("w:hyperlink", anchor=self._mark(span.target[1:]))
                around.append(run)
                paragraph.append(around)
            else:
                paragraph.append(run)

    def _bookmark(self, paragraph: Any, anchor: str) -> None:
        if not anchor:
            return
        name = self._mark(anchor)
        identity = name.removeprefix("a")
        paragraph.insert(1, _element("w:bookmarkStart", id=identity, name=name))
        paragraph.append(_element("w:bookmarkEnd", id=identity))

    def _mark(self, anchor: str) -> str:
        """Return the bookmark of an anchor; Word's have 40 letters at most, so they are counted."""
        return f"a{self._bookmarks.setdefault(anchor, len(self._bookmarks) + 1)}"


def _run(span: Span, *, soft: bool, half_points: int) -> Any:
    run = _element("w:r")
    look = _element("w:rPr")
    if span.bold:
        look.append(_element("w:b"))
    colour = TONES.get(span.tone, ACCENT if span.target else PALE if soft else "")
    if colour:
        look.append(_element("w:color", val=colour))
    size = half_points or (18 if soft else 0)
    if size:
        look.append(_element("w:sz", val=str(size)))
    run.append(look)
    if span.text == "\n":
        run.append(_element("w:br"))
        return run
    text = _element("w:t")
    text.set("{http://www.w3.org/XML/1998/namespace}space", "preserve")
    text.text = span.text
    run.append(text)
    return run


def _table_properties(width: str, *, lines: bool) -> Any:
    properties = _element("w:tblPr")
    properties.append(_element("w:tblW", w=width, type="dxa"))
    if lines:
        borders = _element("w:tblBorders")
        for side in ("bottom", "insideH"):
            borders.append(_element(f"w:{side}", val="single", sz="4", space="0", color=LINE))
        properties.append(borders)
    properties.append(_element("w:tblLayout", type="fixed"))
    margins = _element("w:tblCellMar")
    for side in ("left", "right"):
        margins.append(_element(f"w:{side}", w="60", type="dxa"))
    properties.append(margins)
    return properties


def _shade(paragraph: Any, colour: str) -> None:
    paragraph.get_or_add_pPr().append(_element("w:shd", val="clear", color="auto", fill=colour))


def _element(tag: str, **attributes: str) -> Any:
    from docx.oxml import OxmlElement

    element = OxmlElement(tag)
    for name, value in attributes.items():
        element.set(_name(f"w:{name}"), value)
    return element


def _name(tag: str) -> str:
    from docx.oxml.ns import qn

    return str(qn(tag))
