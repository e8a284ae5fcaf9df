"""arXiv identifiers, in all the forms that people paste."""

from __future__ import annotations

import re
from dataclasses import dataclass

# YYMM.NNNNN since 1501, YYMM.NNNN from 0704 to 1412, archive/YYMMNNN before
_NEW = r"(?P<new>\d{2}(?:0[1-9]|1[0-2])\.\d{4,5})"
_OLD = r"(?P<old>[a-z]{2,9}(?:-[a-z]{2,9})?(?:\.[a-z]{2})?/\d{2}(?:0[1-9]|1[0-2])\d{3})"
_VERSION = r"(?:v(?P<version>[1-9]\d{0,2}))?"
_WHOLE = re.compile(
    r"(?:(?:https?://)?(?:www\.|export\.)?arxiv\.org/(?:abs|pdf|html|src|format|e-print)/"
    r"|(?:https?://(?:dx\.)?doi\.org/|doi:\s?)?10\.48550/arxiv\.|arxiv:\s?)?"
    rf"(?:{_NEW}|{_OLD}){_VERSION}(?:\.pdf)?(?:[?#].*)?/?",
    re.I,
)
_INSIDE = re.compile(
    r"(?:arxiv\.org/(?:abs|pdf|html)/|10\.48550/arxiv\.|arxiv:\s?|\beprint\s*=\s*[{\"]\s?(?:arxiv:)?"
    r"|\bvolume\s*=\s*[{\"]\s?abs/)"  # as DBLP writes it
    rf"(?:{_NEW}|{_OLD}){_VERSION}(?![\d])",
    re.I,
)


@dataclass(frozen=True, slots=True)
class ArxivId:
    """An identifier (2410.09426, quant-ph/0201082) and its version, if one was named."""

    id: str
    version: int | None = None

    def __str__(self) -> str:
        return f"{self.id}v{self.version}" if self.version else self.id

    @property
    def file_name(self) -> str:
        """A name for the paper's PDF that is safe on any disk."""
        return f"{str(self).replace('/', '_')}.pdf"


def parse_arxiv_id(text: str) -> ArxivId | None:
    """Return the identifier that `text` is: bare, with arXiv:, a DOI, or an abs or PDF address."""
    match = _WHOLE.fullmatch(text.strip()) if len(text) <= 300 else None
    return _from(match) if match else None


def find_arxiv_ids(text: str) -> list[ArxivId]:
    """Return the identifiers that a bibliography or another text names, each once, in order."""
    found: dict[str, ArxivId] = {}
    for match in _INSIDE.finditer(text):
        arxiv_id = _from(match)
        if arxiv_id is not None:
            found.setdefault(arxiv_id.id, arxiv_id)
    return list(found.values())


def _from(match: re.Match[str]) -> ArxivId | None:
    version = int(match["version"]) if match["version"] else None
    if match["old"]:
        archive, number = match["old"].split("/")
        # arXiv answers math.GT/0309136 under math/0309136: the subject is no part of the id
        return ArxivId(f"{archive.partition('.')[0].lower()}/{number}", version)
    new = match["new"]
    digits = len(new.split(".")[1])
    year = int(new[:2])
    if year < 7 or (digits == 5) != (year >= 15):
        return None
    return ArxivId(new, version)
