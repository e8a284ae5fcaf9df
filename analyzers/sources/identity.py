"""Whose PDF it is: the id or the title on its first page against what was asked for.

Files travel under other papers' names; what is on the page decides.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analyzers.errors import ErrorKind, ReadError
from analyzers.message import message
from analyzers.sources.arxiv_id import ArxivId, parse_arxiv_id

TIMEOUT_S = 20.0
_ENOUGH = 0.75
"""Of a title's words so many must stand near the top of the page: titles are set in small capitals,
with formulas, broken over lines."""
_STAMP = re.compile(r"^\s*(arXiv:\s?\S+?)(?:\s+\[[\w.-]+\].*)?\s*$", re.I | re.M)
_HEAD = 3000


@dataclass(frozen=True, slots=True)
class FrontPage:
    """The text of a PDF's first page, as it comes; empty for a scan."""

    text: str

    @property
    def stamp(self) -> ArxivId | None:
        """The id in arXiv's own stamp, which stands on a line of its own."""
        for match in _STAMP.finditer(self.text):
            found = parse_arxiv_id(match[1])
            if found is not None:
                return found
        return None

    @property
    def name(self) -> str:
        """What to call the paper that was found: its stamp, and how the page begins."""
        lines = [" ".join(line.split()) for line in self.text.splitlines()]
        title = next((line for line in lines if len(line) > 8 and not _STAMP.match(line)), "")
        stamp = self.stamp
        return ", ".join(part for part in (str(stamp) if stamp else "", title[:60]) if part)


def is_of(front: FrontPage, arxiv_id: ArxivId, title: str | None) -> bool:
    """Whether a first page is that of the paper; one without text is given the benefit of doubt."""
    if len(front.text.split()) < 5:
        return True
    stamp = front.stamp
    if stamp is not None and stamp.id == arxiv_id.id:
        return True
    if title is not None and _bears(front.text, title):
        return True
    return stamp is None and title is None


def _bears(text: str, title: str) -> bool:
    head = text[:_HEAD]
    if _letters(title) and _letters(title) in _letters(head):
        return True
    wanted = {word for word in _words(title) if len(word) > 2}
    if len(wanted) < 2:
        return False
    letters = _letters(head)
    return sum(word in letters for word in wanted) / len(wanted) >= _ENOUGH


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", re.sub(r"\\[a-z]+|[${}^]", " ", _plain(text)))


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", _plain(text))


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def read_front_page(path: Path) -> FrontPage:
    """Return the first page's text, read in a child that is limited and can be killed.

    Raises `ReadError` for what can't be opened, takes too long or crashes the parser.
    """
    from analyzers.isolation import run_in_child

    return FrontPage(run_in_child(_first_page, str(path), timeout_s=TIMEOUT_S))


def _first_page(path: str) -> str:
    """Run in the child."""
    from importlib import import_module

    pymupdf: Any = import_module("pymupdf")
    try:
        with pymupdf.open(path, filetype="pdf") as pdf:
            if pdf.needs_pass or pdf.page_count == 0:
                return ""
            return str(pdf[0].get_text())[:20_000]
    except (RuntimeError, ValueError) as error:
        raise ReadError(
            ErrorKind.UNREADABLE, message("The PDF is damaged beyond repair. Fetch it again.")
        ) from error
