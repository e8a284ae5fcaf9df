"""Headings: the PDF's outline first, the look of a line for the rest."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from analyzers.document import Section
from analyzers.reading.layout import Line, Page

_NAMES = (
    r"abstract|introduction|background(?: and \w+(?: \w+)?)?|related works?|preliminar(?:y|ies)"
    r"|motivation|overview|methods?|methodology|approach|design|implementation|experiments?"
    r"|experimental (?:setup|results)|evaluation|results|discussion|limitations?|conclusions?"
    r"|conclusions? and \w+(?: \w+)?|acknowledge?ments?|references|bibliography|appendix"
    r"|supplementary materials?"
)
_NUMBER = r"(?:[1-9]\d?(?:\.\d{1,2}){0,3}\.?|[A-H](?:\.\d{1,2}){1,3}\.?|[A-H]\.|[IVX]{1,4}\.)"
_NAMED = re.compile(rf"(?:(?:{_NUMBER}|[A-H])\s+)?({_NAMES})\s*[.:]?", re.I)
_NUMBERED = re.compile(rf"{_NUMBER}\s+[A-Z][\w’'&,:/()-]*(?:\s[\w’'&,:/()+-]+){{0,10}}[?]?")
_FIRST = re.compile(rf"(?:{_NUMBER}|[A-H])(?:\s|$)|(?:{_NAMES})\b", re.I)
_LEAD_IN = re.compile(r"(abstract)\s*(?:[.:—–-]|$)\s*", re.I)
_LEADING_NUMBER = re.compile(rf"^\s*(?:appendix\s+)?(?:{_NUMBER}|[A-H])(?:\s+|$)", re.I)
_MAYBE_NUMBER = re.compile(r"appendix\s|[IVX]{2,4}[.\s]", re.I)
_BETWEEN = re.compile(r"[\W_]+")
_HAS_LETTER = re.compile(r"[^\W\d_]")
_BIBLIOGRAPHY = re.compile(r"(?:\W|\d)*(references|bibliography|literature cited)\W*", re.I)


@dataclass(slots=True)
class Outline:
    """The bookmarks of a PDF: squeezed titles, by page."""

    titles: dict[int, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))

    @classmethod
    def read(cls, pdf: Any) -> Outline:
        """Read the bookmarks; a broken outline reads as none."""
        outline = cls()
        try:
            entries = pdf.get_toc()
        except Exception:
            entries = []
        for _, title, page in entries:
            title = " ".join(str(title).split())
            if 2 < len(title) < 160:
                outline.titles[int(page)][squeeze(title)] = title
        return outline

    def near(self, page: int) -> Titles:
        """Return the titles that may stand on `page`: its own, and those said to be just before."""
        return Titles({**self.titles.get(page - 1, {}), **self.titles.get(page, {})})


class Titles:
    """The outline's titles near one page."""

    def __init__(self, known: dict[str, str]) -> None:
        self.known = known
        self.initials = frozenset(key[0] for key in known if key)
        self._heads = frozenset(key[:3] for key in known)

    def take(self, text: str) -> str | None:
        """Return the title that `text` is, with or without its number."""
        title = self.known.get(squeeze(text))
        return title or self.known.get(squeeze(_LEADING_NUMBER.sub("", text)) or "-")

    def may_begin(self, text: str) -> bool:
        """Tell whether a title could begin with `text`."""
        for form in (text, _LEADING_NUMBER.sub("", text)):
            head = squeeze(form[:8])[:3]
            if head and (len(head) < 3 or head in self._heads):
                key = squeeze(form)
                if any(title.startswith(key) for title in self.known):
                    return True
        return False


def squeeze(text: str) -> str:
    """Return letters and digits only, in lower case."""
    return _BETWEEN.sub("", text).lower()


def is_bibliography(title: str) -> bool:
    """Tell whether a heading opens the reference list."""
    return bool(_BIBLIOGRAPHY.fullmatch(title))


def find_headings(pages: list[Page], outline: Outline, body_height: float) -> list[Section]:
    """Mark heading lines (`Line.heading`; "" on the further lines of one) and list the sections."""
    sections: list[Section] = []
    has_outline = sum(len(titles) for titles in outline.titles.values()) >= 4
    for page in pages:
        index = 0
        titles = outline.near(page.number)
        while index < len(page.lines):
            text = page.lines[index].text
            if text[0].islower() and text[0] not in titles.initials:
                index += 1
                continue
            title, count = _heading(page, index, titles, has_outline, body_height)
            if title:
                page.lines[index].heading = title
                for line in page.lines[index + 1 : index + count]:
                    line.heading = ""
                sections.append(Section(title, page.number))
            index += count
    return sections


def _heading(
    page: Page, index: int, titles: Titles, has_outline: bool, body_height: float
) -> tuple[str | None, int]:
    first = page.lines[index]
    listed, formed = _may_open(page.lines, index, titles)
    text = ""
    for count in (1, 2, 3) if listed or formed else ():
        lines = page.lines[index : index + count]
        if len(lines) < count or len(text) > 120:
            break
        text = " ".join([line.text for line in lines])
        listed = listed and (count == 1 or titles.may_begin(text))
        if listed and (title := titles.take(text)):
            return title, count
        if formed and count <= 2 and _looks_like_one(lines, text, has_outline, body_height):
            return " ".join(text.split()).rstrip(".:"), count
    if page.number <= 2 and (lead := _LEAD_IN.match(first.text)) and lead.end() < len(first.text):
        # "Abstract. We present …" or "Abstract—The …": the heading shares the line with the text
        page.lines.insert(index, _copy(first, "Abstract"))
        _cut(first, lead.end())
        return "Abstract", 1
    return None, 1


def _may_open(lines: list[Line], index: int, titles: Titles) -> tuple[bool, bool]:
    """Tell whether a line may open a title of the outline, and whether it is formed like one."""
    text = lines[index].text
    first = text[0]
    if first.isdigit() and not _HAS_LETTER.search(text):
        # a number alone opens a title only where the title's first line follows; others are figures
        after = lines[index + 1].text if index + 1 < len(lines) else ""
        known = len(after) <= 120 and titles.may_begin(f"{text} {after}")
        if len(text) > 9 or not (after[:1].isupper() or known):
            return False, False
        return known, True
    listed = (
        len(text) <= 120
        # with a number before it, a title's own first letter comes later
        and (
            first.lower() in titles.initials or not text[:2].isalpha() or _MAYBE_NUMBER.match(text)
        )
        and titles.may_begin(text)
    )
    return bool(listed), not first.islower() and len(text) <= 90 and bool(_FIRST.match(text))


def _looks_like_one(lines: list[Line], text: str, has_outline: bool, body_height: float) -> bool:
    if any(line.y0 > lines[0].y1 + body_height for line in lines[1:]):
        return False
    if _NAMED.fullmatch(text):
        return True
    if has_outline or len(text) > 90 or text.count(",") > 2:
        return False
    if not _NUMBERED.fullmatch(text) or lines[0].height < 0.92 * body_height:
        return False
    words = text.split()[1:]
    # a numbered list item is a sentence: mostly lower case, and long
    capitals = sum(word[0].isupper() for word in words if len(word) > 3)
    long = sum(len(word) > 3 for word in words)
    return len(words) <= 4 or 2 * capitals >= long or lines[0].height > 1.1 * body_height


def _cut(line: Line, count: int) -> None:
    """Take the first `count` characters from a line that is longer."""
    while count > 0 and len(line.words) > 1 and len(line.words[0][4]) <= count:
        count -= len(line.words[0][4]) + 1
        del line.words[0]
    box = line.words[0]
    line.words[0] = (*box[:4], box[4][max(0, count) :] or box[4], *box[5:])
    line.measure()


def _copy(line: Line, text: str) -> Line:
    box = line.words[0]
    copy = Line(line.page, line.block, [(*box[:4], text)], line.number)
    copy.measure()
    return copy
