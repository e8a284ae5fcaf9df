"""Reasons with the sentence that they rest on."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from analyzers.document import Document, Sentence
from analyzers.message import Message
from analyzers.searching import find_all

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


class Index:
    """A document's text in lower case, searched once per pattern instead of once per sentence.

    Patterns are written in lower case and without `re.I`: that halves their cost. A match never
    runs over a sentence's end as long as it holds no line break.
    """

    def __init__(self, document: Document) -> None:
        self.sentences = document.sentences
        self.text = "\n".join(lower(sentence.text) for sentence in document.sentences)
        lengths = (len(sentence.text) + 1 for sentence in document.sentences)
        self._starts = list(accumulate(lengths, initial=0))
        self._foreign = [bool(_FOREIGN.search(sentence.section)) for sentence in self.sentences]
        self.size = max(1.0, len(self.sentences) / 300)
        """How much longer than a short paper the document is: thresholds grow with it."""

    def hits(self, pattern: re.Pattern[str]) -> list[int]:
        """Return the numbers of the sentences in which `pattern` occurs."""
        found: list[int] = []
        end = -1
        for match in find_all(pattern, self.text):
            if match.start() >= end:
                at = bisect_right(self._starts, match.start()) - 1
                found.append(at)
                end = self._starts[at + 1]
        return found

    def count(self, hits: list[int]) -> int:
        """Return how many of the sentences stand in sections about the authors' own work."""
        return sum(not self._foreign[at] for at in hits)

    def best(
        self, hits: list[int], accept: Callable[[Sentence], bool] = lambda sentence: True
    ) -> Sentence | None:
        """Return the sentence to quote: abstract first, then the body, other work last."""
        late: Sentence | None = None
        body: Sentence | None = None
        for at in hits:
            sentence = self.sentences[at]
            if not accept(sentence):
                continue
            if sentence.in_abstract:
                return sentence
            if self._foreign[at]:
                late = late or sentence
            else:
                body = body or sentence
        return body or late


def lower(text: str) -> str:
    """Return `text` in lower case with each character in its place."""
    small = text.lower()
    if len(small) == len(text):
        return small
    return "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
