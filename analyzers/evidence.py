"""Reasons with the sentence that they rest on, and a quick way to find such sentences."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from analyzers.claiming.methods import method_names
from analyzers.document import Document, Kind, Sentence
from analyzers.message import Message
from analyzers.words import Pattern

MAX_QUOTE = 400
_FRONT = 12
"""Sentences that stand for the abstract where none is marked."""
_FOREIGN = re.compile(
    r"related work|prior work|background|preliminar|appendix|reference|acknowledg|checklist"
    r"|broader impact|societal",
    re.I,
)
_OPENING = re.compile(r"introduction|motivation", re.I)
_OURS = re.compile(
    r"\b(?:we|our|ours|us)\b|\bth(?:is|e present) (?:paper|work|report|study|post)\b"
)
_FORMULA = re.compile(r"^\W*\d+\W|[=∑≤∈√]|\s\|\s")
_OTHERS = re.compile(
    r"\b(?:prior|previous(?:ly)?|existing|earlier|conventional|traditional(?:ly)?|usually|typically"
    r"|commonly|most (?:methods|works|approaches)"
    r"|other (?:\w+ )?(?:methods|works?|approaches|systems)"
    r"|(?:approaches|methods|works|studies|techniques) (?:aim|are|have|use|rely|require|focus"
    r"|suffer|often|can)|recent(?:ly)?|et al|unlike|in contrast to|alternatively|competing"
    r"|future work"
    r"|state-of-the-art (?:methods|approaches))\b|\[\d+[\],]"
)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a fact is what it is: a sentence for people, and where the paper says so.

    `said` holds {"en", "zh"} where the sentence comes from data (a target file) and not from code.
    """

    message: Message
    points: float = 0.0
    quote: str | None = None
    page: int | None = None
    said: Mapping[str, str] | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the message's record with points, quote and page."""
        return {
            **self.message.to_json(),
            **({"said": dict(self.said)} if self.said else {}),
            "points": round(self.points, 3),
            "quote": self.quote,
            "page": self.page,
        }


def reason(text: Message, points: float = 0.0, sentence: Sentence | None = None) -> Reason:
    """Build a `Reason` that quotes `sentence`, if there is one."""
    if sentence is None:
        return Reason(text, points)
    return Reason(text, points, sentence.text[:MAX_QUOTE], sentence.page)


def reason_of_data(
    said: Mapping[str, str], points: float = 0.0, sentence: Sentence | None = None
) -> Reason:
    """Build a `Reason` from a sentence that a data file says in both languages."""
    text = Message(said["en"].replace("{", "(").replace("}", ")"))
    if sentence is None:
        return Reason(text, points, said=said)
    return Reason(text, points, sentence.text[:MAX_QUOTE], sentence.page, said)


class Index:
    """A document's text in lower case, and which sentences speak of the authors' own work."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.sentences: Sequence[Sentence] = document.sentences
        self.lowered = [lower(sentence.text) for sentence in document.sentences]
        self.text = "\n".join(self.lowered)
        self._starts = list(accumulate((len(text) + 1 for text in self.lowered), initial=0))
        self._foreign: dict[str, bool] = {}
        self._voices: dict[int, int] = {}
        self._stems: dict[str, tuple[int, ...]] = {}
        self.names = tuple(lower(name) for name in method_names(document))
        self.size = min(2.0, max(1 / 3, len(self.sentences) / 300))
        """The document's length in short papers, a third to two (what is longer is appendix):
        thresholds grow with it."""
        marked = any(sentence.in_abstract for sentence in document.sentences)
        self._opening = 0 if marked else _FRONT

    def hits(self, pattern: Pattern) -> list[int]:
        """Return the numbers of the sentences in which `pattern` occurs."""
        if len(pattern.stems) == 1:
            candidates: Sequence[int] = self._with(pattern.stems[0])
        else:
            candidates = sorted({at for stem in pattern.stems for at in self._with(stem)})
        if pattern.expression is None:
            return list(candidates)
        search, lowered = pattern.expression.search, self.lowered
        return [at for at in candidates if search(lowered[at])]

    def _with(self, stem: str) -> tuple[int, ...]:
        found = self._stems.get(stem)
        if found is None:
            numbers, text, at = [], self.text, -1
            at = text.find(stem)
            while at >= 0:
                number = bisect_right(self._starts, at) - 1
                numbers.append(number)
                at = text.find(stem, self._starts[number + 1])
            found = self._stems[stem] = tuple(numbers)
        return found

    def is_foreign(self, at: int) -> bool:
        """Whether a sentence stands in a section about other work."""
        section = self.sentences[at].section
        known = self._foreign.get(section)
        if known is None:
            known = self._foreign[section] = bool(_FOREIGN.search(section))
        return known

    def is_front(self, at: int) -> bool:
        """Whether a sentence is of the abstract, or of what stands for it."""
        sentence = self.sentences[at]
        return sentence.kind is Kind.SENTENCE and (sentence.in_abstract or at < self._opening)

    def voice(self, at: int) -> int:
        """Return 2 for what the authors say of themselves, 0 for neither, -2 for other work."""
        known = self._voices.get(at)
        if known is None:
            text = self.lowered[at]
            own = bool(_OURS.search(text)) or any(name in text for name in self.names)
            known = 2 if own else 0
            if _OTHERS.search(text):
                known -= 2
            if self.is_foreign(at):
                known = min(known, 0) - 2
            self._voices[at] = known
        return known

    def own(self, hits: Sequence[int]) -> list[int]:
        """Return those sentences that aren't about others' work."""
        return [at for at in hits if self.voice(at) >= 0 and not self.is_foreign(at)]

    def count(self, hits: Sequence[int]) -> int:
        """Return how many of the sentences stand in sections about the authors' own work."""
        return sum(not self.is_foreign(at) for at in hits)

    def best(
        self, hits: Sequence[int], accept: Callable[[Sentence], bool] = lambda sentence: True
    ) -> Sentence | None:
        """Return the sentence to quote: own words first, abstract before body, prose first."""
        ranked = sorted(hits, key=lambda at: (-self._worth(at), at))
        return next((self.sentences[at] for at in ranked if accept(self.sentences[at])), None)

    def _worth(self, at: int) -> float:
        sentence = self.sentences[at]
        worth = float(self.voice(at)) + 1.5 * self.is_front(at)
        worth -= 1.0 * bool(_OPENING.search(sentence.section))
        worth -= 2.0 * (sentence.kind is not Kind.SENTENCE)
        words = len(sentence.text) / 6
        if _FORMULA.search(sentence.text):
            worth -= 2
        return worth - 1.5 * (words < 7) - 0.5 * (words > 60)


def lower(text: str) -> str:
    """Return `text` in lower case with each character in its place."""
    small = text.lower()
    if len(small) == len(text):
        return small
    return "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
