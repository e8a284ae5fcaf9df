"""Parts of the report's model that are computed over all papers, and what BibTeX needs of each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Insight:
    """A sentence about the whole catalog, with the numbers in it by name."""

    code: str
    text: str
    numbers: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class ReadLevel:
    """How many papers were read how far: full, partial, abstract, record, or `not_read`."""

    code: str
    count: int


@dataclass(frozen=True, slots=True)
class Reference:
    """A paper as a reference list gives it."""

    paper_id: str
    title: str
    authors: tuple[str, ...]
    published: str | None
    arxiv_id: str | None
    version: str | None
    venue: str | None
    url: str | None


@dataclass(frozen=True, slots=True)
class Share:
    """How many papers carry a code."""

    code: str
    count: int


@dataclass(frozen=True, slots=True)
class Distribution:
    """How the papers spread over the codes of one field."""

    field: str
    shares: tuple[Share, ...]

    @property
    def total(self) -> int:
        """All papers counted."""
        return sum(share.count for share in self.shares)
