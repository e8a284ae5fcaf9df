"""From lines to sentences: which blocks are running text, joined over columns and pages."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

from analyzers.document import Kind, Sentence, Token
from analyzers.reading.headings import is_bibliography
from analyzers.reading.layout import Line, Page, rows
from analyzers.reading.splitting import split_sentences

_CAPTION = re.compile(
    r"(?:fig(?:ure|\.)?|table|tab\.|algorithm|listing|alg\.)\s*(?:\d+|[A-Z]\.?\d*"
    r"|[IVX]+)\s*[.:|(—–]",
    re.I,
)
_NOTE = re.compile(r"(?:[∗*†‡§¶♠♣♦♥]|\d{1,2}\s?(?=[A-Z(]|https?:)|https?://)")
_FURNITURE = re.compile(
    r"permission to make digital|copyright held|©|\bisbn\b|acm reference format|licensed under"
    r"|doi\.org/10\.|this work is licensed|proceedings of the|arxiv:\d{4}\.\d{4,5}"
    r"|correspondence to:|equal contribution|usenix association",
    re.I,
)
_WORD = re.compile(r"[(\"“‘']?[a-z][a-z’'-]*[.,;:)\"”’]*")
_NUMBER = re.compile(r"[(+~≈<>-]?\d[\d.,]*(?:[%×xXkKMBG]|ms|GB)?[.,)]?|[-–—✓✗×]")
_TERMINAL = re.compile(r"[.?!:;][\"”’)\]]?\s*(?:\d{1,2})?$")
_HYPHENS = "-‐\u00ad"
_PREFIXES = frozenset(
    (
        *("low", "high", "post", "pre", "self", "cross", "multi", "non", "state", "end", "well"),
        *("long", "short", "fine", "real", "open", "large", "small", "full", "half", "single"),
        *("per", "key", "in", "on", "off", "out", "two", "three", "four", "one", "hand", "head"),
        *("mixed", "round", "group", "token", "layer", "channel", "batch", "memory", "compute"),
        *("hardware", "weight"),
    )
)


@dataclass(slots=True)
class _Passage:
    """Text being gathered: a paragraph or a caption, with its words' places."""

    kind: Kind
    section: str
    abstract: bool
    parts: list[str] = field(default_factory=list)
    tokens: list[Token] = field(default_factory=list)
    length: int = 0
    last: Line | None = None

    def add(self, line: Line, vocabulary: Counter[str]) -> None:
        words = line.words
        if self.parts and self.last is not None:
            glue = _glue(self.parts[-1], words[0][4], vocabulary)
            if glue is None:
                self.parts.append(" ")
                self.length += 1
            elif glue == "":
                self.parts[-1] = self.parts[-1][:-1]
                self.length -= 1
        parts, tokens, length = self.parts, self.tokens, self.length
        page, line_number = line.page, line.number
        for number, (x0, y0, x1, y1, text) in enumerate(words):
            if number:
                parts.append(" ")
                length += 1
            tokens.append(Token(length, page, line_number, (x0, y0, x1, y1)))
            parts.append(text)
            length += len(text)
        self.length = length
        self.last = line

    @property
    def ending(self) -> str:
        """The last few words."""
        return "".join(self.parts[-5:])


def compose(pages: list[Page], body_height: float) -> list[Sentence]:
    """Return the paper's sentences and captions, without the reference list.

    A paragraph goes on after a figure, a footnote or a page end where its text does.
    """
    vocabulary = Counter(
        word[4].strip(".,;:()[]\"'“”").lower()
        for page in pages
        for line in page.lines
        for word in line.words
    )
    done: list[_Passage] = []
    open_: _Passage | None = None
    section, in_references = "", False
    for page in pages:
        for block in _split_at_headings(page):
            first = block[0]
            if first.heading is not None:
                section = first.heading or section
                in_references = is_bibliography(section)
                open_ = None
                continue
            if in_references:
                continue
            role = _role(block, page, body_height, open_)
            if role == "junk":
                continue
            abstract = section.lower().strip(" .:") == "abstract"
            if role == "caption":
                done.append(_Passage(Kind.CAPTION, section, abstract))
            elif role == "note":
                done.append(_Passage(Kind.SENTENCE, "footnote", False))
            elif open_ is None or not _goes_on(open_, block):
                open_ = _Passage(Kind.SENTENCE, section, abstract)
                done.append(open_)
            target = open_ if role == "body" and open_ is not None else done[-1]
            for line in block:
                target.add(line, vocabulary)
    return [sentence for passage in done for sentence in _sentences(passage)]


def _sentences(passage: _Passage) -> list[Sentence]:
    text = "".join(passage.parts)
    result: list[Sentence] = []
    at = 0
    for start, end in split_sentences(text):
        first = at
        while at < len(passage.tokens) and passage.tokens[at].start < end:
            at += 1
        if at == first:
            continue
        result.append(
            Sentence(
                text[start:end],
                passage.tokens[first].page,
                passage.section,
                passage.kind,
                passage.abstract,
                tuple(passage.tokens[first:at]),
                start,
            )
        )
    return result


def _split_at_headings(page: Page) -> list[list[Line]]:
    blocks: list[list[Line]] = []
    for block in page.blocks():
        group: list[Line] = []
        for line in block:
            if line.heading is not None:
                if group:
                    blocks.append(group)
                blocks.append([line])
                group = []
            else:
                if group and _CAPTION.match(line.text) and line.y0 > group[-1].y0:
                    blocks.append(group)
                    group = []
                group.append(line)
        if group:
            blocks.append(group)
    return blocks


def _role(block: list[Line], page: Page, body_height: float, open_: _Passage | None) -> str:
    text = " ".join(line.text for line in block)
    if _CAPTION.match(text):
        return "caption"
    words = text.split()
    if _FURNITURE.search(text) and (page.number == 1 or len(words) < 60):
        return "junk"
    height = block[0].height
    is_low = block[0].y0 > 0.6 * page.height
    if height < 0.95 * body_height and is_low and _NOTE.match(text):
        return "note" if len(words) >= 4 else "junk"
    lower = sum(bool(_WORD.fullmatch(word)) for word in words)
    numbers = sum(bool(_NUMBER.fullmatch(word)) for word in words)
    if numbers > 0.3 * len(words):
        return "junk"
    visual = rows(block)
    if len(visual) >= 2 and sum(row.cells() >= 3 for row in visual) > 0.4 * len(visual):
        return "junk"
    if lower < 0.4 * len(words):
        return "junk"
    if len(words) < 4 * len(visual) and len(visual) > 2:
        return "junk"
    if len(words) < 7:
        # the end of a paragraph ("of tokens."), never a figure's label
        tail = open_ is not None and not _TERMINAL.search(open_.ending)
        return "body" if tail and text[-1] in ".?!:" and height > 0.9 * body_height else "junk"
    return "body"


def _goes_on(passage: _Passage, block: list[Line]) -> bool:
    ending, first = passage.ending, block[0].words[0][4]
    if _TERMINAL.search(ending):
        return False
    if ending[-1:] in _HYPHENS or ending.endswith(",") or first[0].islower():
        return True
    last = passage.last
    jumped = last is not None and (block[0].page != last.page or block[0].y0 < last.y0)
    return jumped or first[0] in "([=" or first[0].isdigit()


def _glue(before: str, after: str, vocabulary: Counter[str]) -> str | None:
    """Return how two lines join: None a space, "-" as they stand, "" without the hyphen."""
    if len(before) < 2 or before[-1] not in _HYPHENS or not before[-2].isalnum():
        return None
    if before[-1] == "\u00ad":
        return ""
    head = before[:-1].strip("([\"'“").lower()
    tail = after.rstrip(".,;:)]\"'”").lower()
    if not after[0].isalpha() or (after[0].isupper() and not before[:-1].isupper()):
        return "-"
    together, apart = vocabulary[head + tail], vocabulary[f"{head}-{tail}"]
    if together or apart:
        return "" if together >= apart else "-"
    stem = head.rsplit("-", 1)[-1]
    known = vocabulary[stem] > 0 and vocabulary[tail] > 0 and len(stem) > 2 and len(tail) > 2
    return "-" if stem in _PREFIXES or known else ""
