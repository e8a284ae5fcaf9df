"""A PDF's pages as lines of words, one text page each, and from there a `Document`.

MuPDF parses hostile input in C: run this in a child process (`analyzers.isolation`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from analyzers.document import Document, Link, Read
from analyzers.errors import ErrorKind, ReadError
from analyzers.message import message
from analyzers.reading import front
from analyzers.reading.headings import Outline, find_headings
from analyzers.reading.layout import (
    Line,
    Page,
    RawWord,
    arrange,
    common_height,
    drop_running_heads,
)
from analyzers.reading.prose import Vocabulary, compose
from analyzers.reading.rules import Ruling, read_ruling
from analyzers.reading.tabulating import may_hold_table, read_tables

MAX_PAGES = 400
MAX_WORDS_PER_PAGE = 20_000
MAX_WORDS = 1_500_000
PAGES_WITH_LINKS = 4
"""The authors name their code on the first pages."""


def read_pdf(path: Path, *, tables: bool = True) -> Document:
    """Read the PDF at `path`, with or without its tables.

    Raises `ReadError`: encrypted, empty (no pages), too_many_pages, no_text (a scan), unreadable.
    """
    pymupdf: Any = import_module("pymupdf")  # untyped, and heavy: 0.2 s
    pymupdf.TOOLS.mupdf_display_errors(False)
    pymupdf.TOOLS.mupdf_display_warnings(False)
    try:
        pdf = pymupdf.open(path, filetype="pdf")
        count = 0 if pdf.needs_pass else pdf.page_count  # raises for a count that can't be
    except MemoryError:
        raise
    except Exception as error:
        _pass_on_memory(error)
        raise ReadError(
            ErrorKind.UNREADABLE, message("The PDF is damaged beyond repair. Fetch it again.")
        ) from error
    with pdf:
        _check(pdf, count)
        # MuPDF's own quads will do: recomputing each from its font doubles the cost of the words
        pymupdf.TOOLS.unset_quad_corrections(True)
        try:
            sheets = _sheets(pdf, tables)
        finally:
            pymupdf.TOOLS.unset_quad_corrections(False)
        pages, left_out = sheets.pages, sheets.left_out
        if not any(page.lines for page in pages):
            raise ReadError(
                ErrorKind.NO_TEXT,
                message("No page holds text (a scan, or text as drawings). Give a PDF with text."),
            )
        words = sum(len(line.words) for page in pages for line in page.lines)
        stamp = front.find_stamp(pages[0].lines)
        outline = Outline.read(pdf)
        metadata = {k: str(v) for k, v in (pdf.metadata or {}).items() if v}
    body_height = common_height(pages)
    vocabulary = Vocabulary(pages)
    found = read_tables(pages, sheets.rulings, body_height)
    drop_running_heads(pages)
    for page in pages:
        arrange(page)
    sections = find_headings(pages, outline, body_height)
    sentences = compose(pages, body_height, vocabulary)
    document = Document(
        kind="pdf",
        sentences=sentences,
        sections=sections,
        pages=len(pages),
        words=words,
        columns=_columns(pages),
        links=sheets.links,
        read=Read.PARTIAL if left_out else Read.FULL,
        left_out=left_out,
        tables=tuple(found),
    )
    if stamp:
        document.arxiv_id, document.arxiv_version = stamp
    front.fill(document, sheets.page_one, metadata, pages)
    return document


def _check(pdf: Any, count: int) -> None:
    if pdf.needs_pass:
        raise ReadError(
            ErrorKind.ENCRYPTED,
            message("The PDF is locked with a password. Save a copy without one."),
        )
    if count == 0:
        raise ReadError(ErrorKind.EMPTY, message("The PDF has no pages. Fetch it again."))
    if count > MAX_PAGES:
        raise ReadError(
            ErrorKind.TOO_MANY_PAGES,
            message(
                "The PDF has {pages} pages; the limit is {limit}. Give the paper alone.",
                pages=count,
                limit=MAX_PAGES,
            ),
        )


def _pass_on_memory(error: Exception) -> None:
    """Raise `MemoryError` for what MuPDF says when an allocation fails."""
    if "alloc" in str(error).lower() or "out of memory" in str(error).lower():
        raise MemoryError from error


@dataclass(slots=True)
class _Sheets:
    """What is read off the pages while the PDF is open."""

    pages: list[Page] = field(default_factory=list)
    page_one: list[front.StyledLine] = field(default_factory=list)
    rulings: dict[int, Ruling] = field(default_factory=dict)
    links: list[Link] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def _sheets(pdf: Any, tables: bool) -> _Sheets:
    import pymupdf

    # no ligatures (a search for "efficient" must find it), no images, no dehyphenation by MuPDF:
    # it joins real compounds ("low-rank") as well
    flags = pymupdf.TEXT_PRESERVE_WHITESPACE | pymupdf.TEXT_MEDIABOX_CLIP
    sheets = _Sheets()
    pages, left_out = sheets.pages, sheets.left_out
    total = 0
    for number in range(1, pdf.page_count + 1):
        try:
            sheet = pdf[number - 1]
            text_page = sheet.get_textpage(flags=flags)
            words = text_page.extractWORDS()
            if number == 1:
                sheets.page_one = front.styled_lines(text_page)
            x0, y0, x1, y1 = sheet.rect
        except MemoryError:
            raise
        except Exception as error:
            _pass_on_memory(error)
            left_out.append(f"page {number}: damaged")
            pages.append(Page(number, 612.0, 792.0, []))
            continue
        if len(words) > MAX_WORDS_PER_PAGE or total + len(words) > MAX_WORDS:
            left_out.append(f"page {number}: too many words")
            words = []
        total += len(words)
        lines = _lines(words, number)
        pages.append(Page(number, x1 - x0, y1 - y0, lines))
        if number <= PAGES_WITH_LINKS:
            sheets.links += front.links(sheet, pages[-1])
        if tables and may_hold_table(lines):
            try:
                sheets.rulings[number] = read_ruling(sheet, flags)
            except MemoryError:
                raise
            except Exception as error:
                _pass_on_memory(error)
                left_out.append(f"page {number}: its tables")
    return sheets


def _lines(words: list[tuple[Any, ...]], page: int) -> list[Line]:
    lines: list[Line] = []
    block = row = -1
    for word in words:
        if word[4].isspace() or not word[4]:
            continue
        if word[6] != row or word[5] != block:
            block, row = word[5], word[6]
            current: list[RawWord] = []
            lines.append(Line(page, block, current, len(lines)))
        current.append(word)
    for line in lines:
        line.measure()
    return lines


def _columns(pages: list[Page]) -> int:
    full = [page.columns for page in pages if len(page.lines) >= 16]
    return 2 if 2 * full.count(2) > len(full) else 1
