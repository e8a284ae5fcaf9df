"""From lines to sentences: which blocks are running text, joined over columns and pages."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise

from analyzers.document import Kind, Sentence
from analyzers.reading.captions import runs_on
from analyzers.reading.headings import is_bibliography
from analyzers.reading.layout import Line, Page, rows
from analyzers.reading.passages import Passage

_CAPTION = re.compile(
    r"(?:fig(?:ure|\.)?|table|tab\.|algorithm|listing|alg\.)\s*(?:\d+|[A-Z]\.?\d*"
    r"|[IVX]+)\s*[.:|(—–]",
    re.I,
)
_NOTE = re.compile(r"(?:[∗*†‡§¶♠♣♦♥]|\d{1,2}\s?(?=[A-Z(]|https?:)|https?://)")
_FURNITURE = (
    *("permission to make digital", "copyright held", "©", "isbn", "acm reference format"),
    *("licensed under", "doi.org/10.", "this work is licensed", "proceedings of the"),
    *("correspondence to:", "equal contribution", "usenix association"),
)
_STAMP = re.compile(r"arxiv:\d{4}\.\d{4,5}")
# counted over a block's text at once, which is several times faster than word by word
_WORDS = re.compile(r"(?<!\S)[(\"“‘']?[a-z][a-z’'-]*+[.,;:)\"”’]*+(?!\S)")
_NUMBERS = re.compile(r"(?<!\S)(?:[(+~≈<>-]?\d[\d.,]*(?:[%×xXkKMBG]|ms|GB)?[.,)]?|[-–—✓✗×])(?!\S)")
_KEYWORDS = re.compile(r"(?:ccs concepts|key\s?words|index terms)\b", re.I)
_PART = re.compile(r"\([a-h]\)\s")
_STEP = re.compile(r"\d{1,2}:\s")
_ITEM = re.compile(r"[•▪●■◦➢–]|\(?\d{1,2}[.)]\s")
_TERMINAL = re.compile(r"[.?!:;][\"”’)\]]?\s*(?:\d{1,2})?$")
_DIGIT = re.compile(r"\d")
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


# words of their own that are syllables more often: "in-" goes on as "creased"
_SYLLABLES = frozenset(("in", "on", "out", "pre"))
_WHOLE = re.compile(
    r"(?:out-perform|over-head|over-all|how-ever|where-as|through-put|base-line|down-stream|up-stream"
    r"|frame-work|band-width|work-load|net-work|with-out|with-in|run-time|life-time|hard-ware|soft-ware"
    r"|other-wise|back-ground|bottle-neck|bench-mark|foot-print|wide-spread|break-down|time-line"
    r"|for-ward|back-ward|to-ward|thresh-old|feed-back|check-point)(?:s|ed|ing|es)?"
    r"|multi-pl[iy]\w*|per-(?:form|son|sist|spect|cent|haps|mit|turb|plex)\w*"
)
"""Words that look like two, where the paper has them nowhere in one piece."""
# what compounds end with, where the paper has the word nowhere else
_SECONDS = frozenset(
    (
        *("agnostic", "aiding", "art", "aware", "based", "bound", "but", "centric", "consuming"),
        *("dependent", "driven", "efficient", "end", "free", "friendly", "grained", "hungry"),
        *("independent", "intensive", "law", "level", "like", "limited", "only", "optimal"),
        *("oriented", "related", "resident", "scale", "sensitive", "side", "solving", "source"),
        *("specific", "stage", "standard", "state", "tailed", "time", "tuned", "wise"),
    )
)


def compose(pages: list[Page], body_height: float, vocabulary: Vocabulary) -> list[Sentence]:
    """Return the paper's sentences and captions, without the reference list.

    A paragraph goes on after a figure, a footnote or a page end where its text does.
    """
    done: list[Passage] = []
    open_: Passage | None = None
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
            if page.number <= 2 and _KEYWORDS.match(first.text):
                section, open_ = "", None  # nothing behind them is of the abstract
                continue
            if done and done[-1].kind is Kind.CAPTION and _goes_on_in_caption(done[-1], block):
                role = "more"
            else:
                role = _role(block, page, body_height, open_)
            if role == "junk":
                continue
            abstract = section.lower().strip(" .:") == "abstract"
            if role == "caption":
                done.append(Passage(Kind.CAPTION, section, abstract))
            elif role == "note":
                done.append(Passage(Kind.SENTENCE, "footnote", False))
            elif role == "body" and (open_ is None or not _goes_on(open_, block)):
                open_ = Passage(Kind.SENTENCE, section, abstract)
                done.append(open_)
            target = open_ if role == "body" and open_ is not None else done[-1]
            for line in block:
                last = target.last_word if target.lines else ""
                glue = _glue(last, line.words[0][4], vocabulary) if last[-1:] in _HYPHENS else None
                target.add(line, glue)
    return [sentence for passage in done for sentence in passage.sentences()]


class Vocabulary:
    """How often the paper uses each word: what tells a broken word from a compound."""

    def __init__(self, pages: list[Page]) -> None:
        text = " ".join([line.text for page in pages for line in page.lines])
        raw = Counter(text.lower().split())
        for page in pages:
            for line, after in pairwise(page.lines):
                if line.text[-1] in _HYPHENS:  # the rest of a broken word is no word
                    raw[after.words[0][4].lower()] -= 1
        self._counts: Counter[str] = Counter()
        for word, count in raw.items():
            self._counts[word if word.isalpha() else word.strip(".,;:()[]\"'“”")] += count

    def __getitem__(self, word: str) -> int:
        return self._counts[word]


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
                is_caption = _CAPTION.match(line.text) and group and not runs_on(group[-1], line)
                if is_caption and line.y0 > group[-1].y0:
                    blocks.append(group)
                    group = []
                group.append(line)
        if group:
            blocks.append(group)
    return blocks


def _role(block: list[Line], page: Page, body_height: float, open_: Passage | None) -> str:
    text = " ".join([line.text for line in block])
    if _CAPTION.match(text):
        return "caption"
    words = text.split()
    if _PART.match(text) and _is_part_of_figure(block, page):
        return "caption" if any(len(word) > 3 for word in words) else "junk"
    if block[0].is_note:
        return "note" if len(words) >= 4 else "junk"
    if (page.number == 1 or len(words) < 60) and _is_furniture(text.lower()):
        return "junk"
    if sum(_STEP.match(line.text) is not None for line in block) >= 2:
        return "junk"  # an algorithm's numbered steps
    height = max(block, key=lambda line: len(line.words)).height
    if height < 0.7 * body_height:
        return "junk"  # text in a figure, or code
    is_low = block[0].y0 > 0.6 * page.height
    if height < 0.95 * body_height and is_low and _NOTE.match(text):
        return "note" if len(words) >= 4 else "junk"
    if len(words) >= 4 and sum(len(word) == 1 for word in words) > 0.6 * len(words):
        return "junk"  # an axis' label, letter by letter
    lower = len(_WORDS.findall(text))
    if lower < 0.4 * len(words) or len(_NUMBERS.findall(text)) > 0.3 * len(words):
        return "junk"
    if 5 * lower > 3 * len(words) > 24 * len(block):
        return "body"  # long lines of words: no need to look for columns
    visual = rows(block)
    if len(visual) >= 2 and sum([row.cells() >= 3 for row in visual]) > 0.4 * len(visual):
        return "junk"
    if len(words) < 4 * len(visual) and len(visual) > 2:
        return "junk"
    if len(words) < 7:
        # the end of a paragraph ("of tokens."), never a figure's label
        tail = open_ is not None and not _TERMINAL.search(open_.ending)
        return "body" if tail and text[-1] in ".?!:" and height > 0.9 * body_height else "junk"
    return "body"


def _is_furniture(text: str) -> bool:
    return any(mark in text for mark in _FURNITURE) or (
        "arxiv:" in text and _STAMP.search(text) is not None
    )


def _goes_on(passage: Passage, block: list[Line]) -> bool:
    ending, first = passage.ending, block[0].words[0][4]
    if _TERMINAL.search(ending):
        return False
    if ending[-1:] in _HYPHENS or ending.endswith(",") or first[0].islower():
        return True
    last = passage.last
    if last is None or _ITEM.match(block[0].text):
        return False
    jumped = block[0].page != last.page or block[0].y0 < last.y0
    return jumped or first[0] in "([=" or first[0].isdigit() or _is_next_line(last, block[0])


def _goes_on_in_caption(caption: Passage, block: list[Line]) -> bool:
    """Tell the rest of a caption, which MuPDF took for a block of its own."""
    last, first = caption.last, block[0]
    return (
        last is not None
        and _is_next_line(last, first)
        and abs(last.height - first.height) < 0.06 * last.height
        and not _CAPTION.match(first.text)
        and (first.text[0].islower() or not _TERMINAL.search(caption.ending))
        and all(row.cells() < 3 for row in rows(block))
    )


def _is_next_line(last: Line, line: Line) -> bool:
    """Tell whether a line stands right below another, as lines of one paragraph do."""
    height = min(last.height, line.height)
    return (
        line.page == last.page
        and -0.5 * height < line.y0 - last.y1 < 0.7 * height
        and abs(line.x0 - last.x0) < 3 * height
    )


def _is_part_of_figure(block: list[Line], page: Page) -> bool:
    """Tell "(a) Prefill." below a part of a figure from a sentence that begins with a letter."""
    bottom = max(line.y1 for line in block)
    words = sum(len(line.words) for line in block)
    parts = sum(_PART.match(line.text) is not None for line in block)
    reach = page.height if words <= 12 else 150
    return (parts >= 2 or words <= 8 * len(block)) and any(
        -5 < line.y0 - bottom < reach and _CAPTION.match(line.text) for line in page.lines
    )


def _glue(before: str, after: str, vocabulary: Vocabulary) -> str | None:
    """Return how two lines join: None a space, "-" as they stand, "" without the hyphen."""
    if len(before) < 2 or before[-1] not in _HYPHENS or not before[-2].isalnum():
        return None
    if before[-1] == "\u00ad":
        return ""
    head = before[:-1].strip("([\"'“").lower()
    tail = after.rstrip(".,;:)]\"'”").lower()
    if not before[-2].isalpha() or not after[0].isalpha():
        return "-"
    if after[0].isupper() and not (before[:-1].isupper() and not _DIGIT.search(head + tail)):
        return "-"
    together, apart = vocabulary[head + tail], vocabulary[f"{head}-{tail}"]
    if together or apart:
        return "" if together >= apart else "-"
    stem = head.rsplit("-", 1)[-1]
    is_word = vocabulary[tail] > 0 or tail in _SECONDS or "-" in tail
    if _WHOLE.fullmatch(f"{stem}-{tail}") or (stem in _SYLLABLES and not is_word):
        return ""
    if stem in _PREFIXES:
        return "-"
    return "-" if is_word and vocabulary[stem] > 0 and len(stem) > 2 and len(tail) > 2 else ""
