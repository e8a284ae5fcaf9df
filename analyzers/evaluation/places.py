"""Whether a claim's places can be seen: the quote on its page, the value inside its boxes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from analyzers.claims import MAX_QUOTE
from analyzers.evaluation.claims import places_of
from analyzers.evaluation.labels import number

_LIGATURES = str.maketrans({"ﬁ": "fi", "ﬂ": "fl", "ﬀ": "ff", "ﬃ": "ffi", "ﬄ": "ffl"})
Record = Mapping[str, Any]
Word = tuple[float, float, float, float, str, int, int, int]


def unsound_places(path: Path, claims: Sequence[Record]) -> tuple[int, list[tuple[Record, Record]]]:
    """Return the number of places of `claims`, and the (claim, place) pairs that don't hold.

    A place holds when the first 40 characters of its quote stand on its page (or run over to the
    next), the quote is no longer than a quote may be, and the words inside its boxes contain the
    value's digits. Opens the PDF with MuPDF in this process. Raises `OSError` or `RuntimeError`
    for a file that MuPDF can't open.
    """
    import pymupdf

    opened: Any = pymupdf.open  # partly untyped
    wrong = []
    count = 0
    with opened(path) as pdf:
        pages = _Pages(pdf)
        for claim in claims:
            for place in places_of(claim):
                count += 1
                if not _is_sound(pages, claim, place):
                    wrong.append((claim, place))
    return count, wrong


class _Pages:
    """The words of a PDF's pages, each page read once."""

    def __init__(self, pdf: Any) -> None:
        self._pdf = pdf
        self._read: dict[int, tuple[list[Word], str]] = {}

    def __len__(self) -> int:
        return len(self._pdf)

    def squeezed(self, index: int) -> str:
        """Return a page's text squeezed; nothing past the last page."""
        return self._page(index)[1] if index < len(self) else ""

    def inside(self, index: int, boxes: Sequence[Sequence[float]]) -> str:
        """Return the words that touch one of the boxes; raises `ValueError` for what is no box.

        MuPDF's own `get_textbox` looks at every character in Python: 0.1 s a place.
        """
        words, _ = self._page(index)
        found = []
        for left, top, right, bottom in boxes:
            found += [
                word
                for x0, y0, x1, y1, word, *_ in words
                if x0 < right + 1 and left - 1 < x1 and y0 < bottom + 1 and top - 1 < y1
            ]
        return " ".join(found)

    def _page(self, index: int) -> tuple[list[Word], str]:
        if index not in self._read:
            page = self._pdf[index]
            text_page = page.get_textpage()
            self._read[index] = text_page.extractWORDS(), _squeeze(text_page.extractText())
        return self._read[index]


def _is_sound(pages: _Pages, claim: Record, place: Record) -> bool:
    page, quote, boxes = place.get("page"), place.get("quote") or "", place.get("boxes")
    if not isinstance(page, int) or not 1 <= page <= len(pages):
        return False
    if not quote or len(quote) > MAX_QUOTE or not boxes:
        return False
    if _squeeze(quote)[:40] not in pages.squeezed(page - 1) + pages.squeezed(page):
        return False
    if not re.search(r"\d", quote):
        return True  # the value is written as a word ("twice")
    try:
        inside = pages.inside(page - 1, boxes)
    except (TypeError, ValueError):
        return False
    return any(digits in inside for digits in _forms(number(claim.get("value"))))


def _forms(value: float | None) -> list[str]:
    """Return how a value may be written: 2, 2.0 and 2.00."""
    if value is None:
        return []
    return [f"{value:g}", f"{value:.1f}", f"{value:.2f}"]


def _squeeze(text: str) -> str:
    """Return text without ligatures, white space and hyphens, in lower case."""
    return re.sub(r"[\s\-\u00ad‐]+", "", text.translate(_LIGATURES)).lower()
