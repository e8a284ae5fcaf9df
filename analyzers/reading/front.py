"""Title, authors, abstract and arXiv id off a PDF's first page.

Identity comes from the page itself: metadata is only believed where the page shows it too (a DOI or
a title in the metadata is often another paper's).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from analyzers.document import Document, Kind, Link, Read
from analyzers.reading.headings import squeeze
from analyzers.reading.layout import Line, Page

_STAMP = re.compile(
    r"arXiv:\s*(\d{4}\.\d{4,5}|[a-z-]+(?:\.[A-Z]{2})?/\d{7})(?:v(\d{1,3}))?\b", re.I
)
_AFFILIATION = re.compile(
    r"universit|institut|college|school of|department|\bdept\b|laborator|\blabs?\b|\binc\b|\bltd\b"
    r"|\bcorp|research|academy|google|microsoft|nvidia|meta ai|\bmeta\b|amazon|apple|ibm|intel\b"
    r"|alibaba|huawei|tencent|baidu|bytedance|deepmind|openai|team\b|center|centre|@|https?:|\.com"
    r"|\.edu|\bchina\b|\busa\b|germany|correspond|equal contribution|\bintern|\bwork done",
    re.I,
)
_NOT_TITLE = re.compile(
    r"arxiv:|published as|under review|preprint|proceedings|conference|workshop|journal|^\W*$", re.I
)
_NAME = re.compile(
    r"(?:[A-ZÀ-ÖØ-Þ][\w’'.-]*|(?:de|van|von|der|den|la|di|da|al|bin|le)\b)"
    r"(?:\s(?:[A-ZÀ-ÖØ-Þ][\w’'.-]*|(?:de|van|von|der|den|la|di|da|al|bin|le)\b)){1,4}"
)
# "UC Berkeley", "ETH Zurich": initials without dots are an institution's
_PLACE = re.compile(r"[A-Z]{2,5} [A-Z]|[^a-z]+$|Hugging ?Face\b")
_MARKS = re.compile(r"[\d∗*†‡§¶♠♣♦♥⋆★✉⊕⋄,\s]*[\d∗*†‡§¶♠♣♦♥⋆★✉⊕⋄][\d∗*†‡§¶♠♣♦♥⋆★✉⊕⋄\s]*")


MAX_LINKS = 2000
"""Links of one page that are looked at, citations included."""


@dataclass(frozen=True, slots=True)
class StyledLine:
    """A line of the first page with its font size in points and its top."""

    text: str
    size: float
    y0: float


def styled_lines(text_page: Any) -> list[StyledLine]:
    """Return the upright lines of the first page's text page with their font sizes."""
    result: list[StyledLine] = []
    try:
        blocks = text_page.extractDICT()["blocks"]
    except MemoryError:
        raise
    except Exception:
        return result
    for block in blocks[:400]:
        for line in block.get("lines", ()):
            spans = [span for span in line["spans"] if span["text"].strip()]
            if spans and abs(line["dir"][0]) > 0.9:
                text = " ".join("".join(span["text"] for span in line["spans"]).split())
                size = max(spans, key=lambda span: len(span["text"]))["size"]
                result.append(StyledLine(text, float(size), float(line["bbox"][1])))
    return result


def find_stamp(lines: Sequence[Line]) -> tuple[str, int | None] | None:
    """Return id and version from the arXiv stamp, which stands alone (mostly turned) on page 1."""
    for line in lines:
        if (match := _STAMP.match(line.text)) and len(line.words) <= 12:
            return match[1], int(match[2]) if match[2] else None
    return None


def links(sheet: Any, page: Page) -> list[Link]:
    """Return the web links of a page, each with the lines that it stands in.

    MuPDF's own chain is walked: PyMuPDF's list of links resolves every citation's target too, and
    takes fifty times as long.
    """
    from pymupdf import mupdf

    found: list[Link] = []
    try:
        link = mupdf.fz_load_links(sheet.this)
        for _ in range(MAX_LINKS):
            if not link.m_internal:
                break
            uri = link.m_internal.uri
            if uri and uri.startswith(("http://", "https://")):
                found.append(Link(uri[:500], page.number, _around(page, link.m_internal.rect)))
            link = link.next()
    except MemoryError:
        raise
    except Exception:
        return found
    return found


def _around(page: Page, box: Any) -> str:
    """Return the text of the lines that `box` touches, and of those next to them."""
    return " ".join(
        line.text
        for line in page.lines
        if line.y1 > box.y0 - 12
        and line.y0 < box.y1 + 12
        and line.x0 < box.x1 + 150
        and line.x1 > box.x0 - 150
    )[:600]


def fill(
    document: Document,
    page_one: Sequence[StyledLine],
    metadata: Mapping[str, str],
    pages: Sequence[Page],
) -> None:
    """Set title, authors and abstract of `document` from its first page."""
    document.title, below = _title(page_one, metadata)
    document.authors = _authors(page_one, below, metadata)
    document.abstract = find_abstract(document)
    if document.abstract is None and len(pages) <= 1 and document.words < 120:
        document.read = Read.PARTIAL


def _title(lines: Sequence[StyledLine], metadata: Mapping[str, str]) -> tuple[str | None, int]:
    top = [
        (index, line)
        for index, line in enumerate(lines)
        if line.y0 < 400
        and not _NOT_TITLE.search(line.text)
        and re.search(r"[A-Za-z]{2}", line.text)
    ]
    if not top:
        return None, 0
    # drop capitals and logos are large too: a title has more than one word or is followed by one
    size = max((line.size for _, line in top if len(line.text) > 3), default=0.0)
    run = [(index, line) for index, line in top if line.size >= 0.86 * size]
    start = run[0][0]
    parts: list[str] = []
    last = start
    for index, line in run:
        if index - last > 2:
            break
        parts.append(line.text)
        last = index
    title = tidy_title(" ".join(parts))
    given = " ".join(metadata.get("title", "").split())
    if (
        given
        and 12 <= len(given) <= 250
        and squeeze(given) in squeeze(" ".join(line.text for line in lines[:40]))
    ):
        title = given if squeeze(given) != squeeze(title) or not title.isupper() else title
    return (title if len(title) >= 6 else None), last + 1


def tidy_title(text: str) -> str:
    """Join words cut at line ends, drop footnote marks, take small capitals back to normal."""
    text = re.sub(r"(\w)- (?=[a-zA-Z])", r"\1", text) if text.isupper() else text
    text = re.sub(r"\s*[∗*†‡§]+\s*$", "", " ".join(text.split()))
    text = re.sub(r"([a-z])- (?=[a-z])", r"\1", text)
    return text[:300].strip()


def _authors(lines: Sequence[StyledLine], start: int, metadata: Mapping[str, str]) -> list[str]:
    shown = " ".join(line.text for line in lines[: start + 40])
    given = [
        name.strip()
        for name in re.split(r"\s*;\s*|\s*,\s*|\s+and\s+", metadata.get("author", ""))
        if name.strip()
    ]
    if given and all(squeeze(name) in squeeze(shown) for name in given[:3]) and len(given[0]) > 4:
        return given[:200]
    names: list[str] = []
    for line in lines[start : start + 60]:
        text = line.text
        if re.match(r"\W*(?:\d\.?\s*)?(?:abstract|introduction)\b", text, re.I):
            break
        if len(text.split()) > 9 and "," not in text:
            break
        if _AFFILIATION.search(text):
            continue
        for part in re.split(r",|;|\band\b|&|\s{3,}", _MARKS.sub(" , ", text)):
            name = re.sub(r"(?<=[a-z])[α-ω]+$", "", " ".join(part.split()).strip(" ."))
            if _NAME.fullmatch(name) and name not in names and not _PLACE.match(name):
                names.append(name)
    return names[:200]


def find_abstract(document: Document) -> str | None:
    """Return the abstract's text: what stands under that heading, else the first long paragraph."""
    marked = [s for s in document.sentences if s.in_abstract and s.kind is Kind.SENTENCE]
    if marked:
        return " ".join(sentence.text for sentence in marked)[:6000]
    head: list[int] = []
    for index, sentence in enumerate(document.sentences[:40]):
        if re.search(r"introduction", sentence.section, re.I):
            break
        if sentence.kind is Kind.SENTENCE and sentence.page in (1, None) and not sentence.section:
            head.append(index)
    head = [i for i in head if len(document.sentences[i].text.split()) >= 6]
    text = " ".join(document.sentences[i].text for i in head)
    if len(text.split()) < 50:
        return None
    from dataclasses import replace

    for index in head:
        document.sentences[index] = replace(document.sentences[index], in_abstract=True)
    return text[:6000]
