"""Reasons with the sentence that they rest on."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from analyzers.document import Document, Sentence
from analyzers.message import Message

MAX_QUOTE = 400
_FOREIGN = re.compile(r"related work|prior work|background|preliminar|appendix|reference", re.I)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a fact is what it is: a sentence for people, and where the paper says so."""

    message: Message
    points: float = 0.0
    quote: str | None = None
    page: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the message's record with points, quote and page."""
        return {
            **self.message.to_json(),
            "points": round(self.points, 3),
            "quote": self.quote,
            "page": self.page,
        }


def reason(text: Message, points: float = 0.0, sentence: Sentence | None = None) -> Reason:
    """Build a `Reason` that quotes `sentence`, if there is one."""
    if sentence is None:
        return Reason(text, points)
    return Reason(text, points, sentence.text[:MAX_QUOTE], sentence.page)


def find(
    document: Document,
    pattern: re.Pattern[str],
    accept: Callable[[Sentence], bool] = lambda sentence: True,
) -> Sentence | None:
    """Return the first sentence that matches: abstract first, then the body, other work last."""
    late: Sentence | None = None
    body: Sentence | None = None
    for sentence in document.sentences:
        if not pattern.search(sentence.text) or not accept(sentence):
            continue
        if sentence.in_abstract:
            return sentence
        if _FOREIGN.search(sentence.section):
            late = late or sentence
        else:
            body = body or sentence
    return body or late


def count(document: Document, pattern: re.Pattern[str]) -> int:
    """Return how many sentences match, sections on other work left out."""
    return sum(
        bool(pattern.search(sentence.text))
        for sentence in document.sentences
        if not _FOREIGN.search(sentence.section)
    )
