"""A paper as Assay reads it: sentences, each with its place, whatever the file's format.

Pages count from 1; boxes are (x0, y0, x1, y1) in PDF points from the top left. Texts without
pages (Markdown, HTML, plain text) have `page` None and no boxes.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from analyzers.tables import Box, Table

__all__ = ["Box", "Document", "Kind", "Link", "Read", "Section", "Sentence", "Table", "Token"]


class Kind(StrEnum):
    """What a passage is on the page."""

    SENTENCE = "sentence"
    CAPTION = "caption"
    TABLE = "table"


class Read(StrEnum):
    """How much of a paper was read."""

    FULL = "full"
    PARTIAL = "partial"
    ABSTRACT = "abstract"
    RECORD = "record"


class Token(NamedTuple):
    """A word of a passage: where it begins in the passage's text, and where it stands."""

    start: int
    page: int
    line: int
    box: Box


class Link(NamedTuple):
    """A web address in the paper, its page, and the words around it."""

    url: str
    page: int | None
    context: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and the page it stands on."""

    title: str
    page: int | None


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence (or a caption's) with what is needed to find it again.

    `base` is where the sentence begins in its passage: tokens count from the passage's start.
    """

    text: str
    page: int | None
    section: str = ""
    kind: Kind = Kind.SENTENCE
    in_abstract: bool = False
    tokens: Sequence[Token] = ()
    base: int = 0

    def page_at(self, offset: int) -> int | None:
        """Return the page of the character at `offset` (a sentence may run over a page end)."""
        if not self.tokens:
            return self.page
        return self.tokens[max(0, self._index(offset) - 1)].page

    def span_on_page(self, page: int | None) -> tuple[int, int]:
        """Return the part (start, end) of the text that stands on `page`."""
        if not self.tokens or page is None:
            return 0, len(self.text)
        here = [i for i, token in enumerate(self.tokens) if token.page == page]
        after = here[-1] + 1
        end = self.tokens[after].start - self.base if after < len(self.tokens) else len(self.text)
        return max(0, self.tokens[here[0]].start - self.base), end

    def boxes(self, start: int = 0, end: int | None = None) -> list[Box]:
        """Return one box a line for the characters from `start` to `end`."""
        end = len(self.text) if end is None else end
        first = max(0, self._index(start) - 1)
        last = bisect_left(self.tokens, end + self.base, key=lambda token: token.start)
        lines: dict[tuple[int, int], Box] = {}
        for token in self.tokens[first:last]:
            key, box = (token.page, token.line), token.box
            old = lines.get(key)
            lines[key] = box if old is None else _union(old, box)
        return list(lines.values())

    def _index(self, offset: int) -> int:
        return bisect_right(self.tokens, offset + self.base, key=lambda token: token.start)


@dataclass(slots=True)
class Document:
    """A paper's text in reading order, without running heads and reference list."""

    kind: str
    sentences: list[Sentence]
    sections: list[Section] = field(default_factory=list)
    title: str | None = None
    authors: list[str] = field(default_factory=list)
    abstract: str | None = None
    arxiv_id: str | None = None
    arxiv_version: int | None = None
    pages: int | None = None
    words: int = 0
    columns: int | None = None
    links: list[Link] = field(default_factory=list)
    read: Read = Read.FULL
    left_out: list[str] = field(default_factory=list)
    tables: tuple[Table, ...] = ()
    """Captioned tables; empty where they weren't asked for (see `read_document`)."""

    @property
    def text(self) -> str:
        """The sentences, one a line."""
        return "\n".join(sentence.text for sentence in self.sentences)

    @property
    def front(self) -> str:
        """Title and abstract: what the authors say that the paper is about."""
        return "\n".join(part for part in (self.title, self.abstract) if part)


def read_document(path: Path, *, tables: bool = True) -> Document:
    """Read the PDF, Markdown, HTML or text file at `path`.

    `tables` asks for a PDF's captioned tables too, which costs about a sixth of the time.

    Raises `ReadError` for whatever is no readable paper. Call it in a child process for files that
    you don't trust (`analyzers.isolation`): a PDF can take all memory or end the process.
    """
    from analyzers.reading.sniff import FileKind, sniff

    kind = sniff(path)
    if kind is FileKind.PDF:
        from analyzers.reading.pdf import read_pdf

        return read_pdf(path, tables=tables)
    from analyzers.reading.markup import read_markup

    return read_markup(path, kind)


def _union(a: Box, b: Box) -> Box:
    return min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])
