"""Which sections are part of a chapter on results: "7.1 Impact of Gating" in "7 Evaluation"."""

from __future__ import annotations

import re

from analyzers.document import Document

_RESULTS = re.compile(r"\b(?:evaluations?|experiments?|experimental|results)\b", re.I)
_OTHER = re.compile(
    r"related work|discussion|conclu|limitation|reference|acknowledg|appendi|supplement|background"
    r"|preliminar|motivation|introduction|method|design|architecture|implementation|overview|abstract"
    r"|broader|impact statement|contribution|system",
    re.I,
)
_NUMBER = re.compile(r"(\d{1,2}|[A-Z])(?:[.\s]|$)")


def result_sections(document: Document) -> frozenset[str]:
    """Return the titles of sections that stand below a chapter on evaluation or results.

    By the chapter's number where titles have numbers; else the chapter goes on up to a title of
    another kind.
    """
    found: set[str] = set()
    chapter: str | None = None
    inside = False
    for section in document.sections:
        match = _NUMBER.match(section.title)
        number = match[1] if match else None
        if _RESULTS.search(section.title):
            inside, chapter = True, number
        elif number is not None and chapter is not None:
            inside = inside and number == chapter
        elif _OTHER.search(section.title):
            inside = False
        if inside:
            found.add(section.title)
    return frozenset(found)
