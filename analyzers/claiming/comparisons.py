"""What a paper compares with outside a claim's own sentence.

Each place where the paper says what it is measured against is a `Comparison`: "we use A as the
baseline", "normalised to A", "compared with A", "the FP16 baseline", or a claim that names its
own. A claim that names none takes the one stated just before it, or in the caption it speaks of,
or else the paper's usual one.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from analyzers.claiming.baselines import is_own
from analyzers.claiming.mentions import WE
from analyzers.claiming.names import cut_name, is_generic, without_citations
from analyzers.claiming.weighing import Comparison, Weighing, is_name, words_of_name
from analyzers.claiming.wordings import (
    ANY_SUBJECT,
    BEFORE_BASELINE,
    CONTRAST,
    CUES,
    DEFINITIONS,
    MODIFIER,
    REFERENCE,
    RIVAL_SUBJECT,
    RUN_IN,
    TOPICS,
    Family,
    family_in,
    family_of,
)
from analyzers.document import Document, Kind, Sentence
from analyzers.facts import Metric

LOOK_BACK = 4
"""Sentences before a claim that may tell of the rival that it beats."""
MAX_READ = 3000
"""Characters of a sentence that are searched: no sentence is longer, but hostile text is."""


class Source(StrEnum):
    """Where a claim's baseline was found; the first are the plainest."""

    SENTENCE = "sentence"
    BEFORE = "sentence before"
    CAPTION = "caption"
    PAPER = "paper"

    @property
    def reason(self) -> str:
        """Say it for people."""
        return _REASONS[self]

    @property
    def is_near(self) -> bool:
        """Whether it was said with the claim, so that it can tell two claims apart."""
        return self in (Source.SENTENCE, Source.BEFORE)

    @property
    def rank(self) -> int:
        """0 for the plainest."""
        return list(Source).index(self)


_REASONS = {
    Source.SENTENCE: "its baseline is named in the sentence",
    Source.BEFORE: "its baseline is named just before the sentence",
    Source.CAPTION: "its baseline is named in the caption that it speaks of",
    Source.PAPER: "its baseline is the paper's usual one",
}


@dataclass(frozen=True, slots=True)
class Baseline:
    """What a claim compares with, and how that is known."""

    name: str
    source: Source


class Comparisons:
    """All that a document compares with, in reading order."""

    def __init__(self, document: Document, own: Sequence[str]) -> None:
        """`own` are names of the authors' method, which is no baseline of theirs."""
        self._sentences = document.sentences
        self._own = tuple(own)
        self._found: list[Comparison] = []
        self._captions: dict[str, int] = {}
        front = document.front or "\n".join(s.text for s in document.sentences[:8])
        self._topics = [topic for topic in TOPICS if topic.about.search(front)]
        self._plain: dict[str, Counter[str]] = {topic.name: Counter() for topic in self._topics}
        self._text = document.text.lower()
        self._usual: dict[tuple[Family, str], str | None] = {}
        self._weighing: Weighing | None = None
        self._rivals: set[str] | None = None
        announced = False
        for at, sentence in enumerate(document.sentences):
            self._scan(at, sentence, announced)
            announced = len(sentence.text) < 40 and bool(RUN_IN.fullmatch(sentence.text))

    def add(self, at: int, name: str, metric: Metric, *, weight: float) -> None:
        """Take in what a claim's own sentence compares with; add all before the first `find`."""
        if is_name(name):
            self._found.append(Comparison(at, name, weight, family_of(metric)))

    def find(self, at: int, text: str, metric: Metric) -> Baseline | None:
        """Return what the claim in sentence `at` compares with, if its sentence doesn't say it."""
        if metric is Metric.BITWIDTH:
            return None  # a width is no change from something
        if self._weighing is None:
            self._found.sort(key=lambda comparison: comparison.at)
            sections = [sentence.section for sentence in self._sentences]
            self._weighing = Weighing(self._found, self._plain, sections, self._own, self._text)
        family, section = family_of(metric), self._sentences[at].section
        if name := self._just_before(at, family):
            return Baseline(name, Source.BEFORE)
        if name := self._rival_before(at, text):
            return Baseline(name, Source.BEFORE)
        if name := self._in_caption(at, text, family):
            return Baseline(name, Source.CAPTION)
        if (family, section) not in self._usual:
            self._usual[family, section] = self._weighing.usual(family, section)
        name = self._usual[family, section]
        return Baseline(name, Source.PAPER) if name else None

    def _scan(self, at: int, sentence: Sentence, announced: bool) -> None:
        """Take in what a sentence compares with; a heading "Baselines." `announced` it."""
        text = sentence.text[:MAX_READ]
        if sentence.kind is not Kind.SENTENCE and (label := REFERENCE.match(text)):
            self._captions.setdefault(_key(label), at)
        small = text.lower()
        for topic in self._topics:
            if any(needle in small for needle in topic.needles):
                self._plain[topic.name].update(m[0] for m in topic.pattern.finditer(text))
        if not announced and not any(cue in small for cue in CUES):
            return
        seen: set[str] = set()
        for pattern, weight in DEFINITIONS:
            for match in pattern.finditer(text):
                self._take(at, cut_name(match["name"]), weight + announced, text, seen)
        if "baseline" not in small:
            return
        for match in BEFORE_BASELINE.finditer(text):
            name = MODIFIER.sub("", match["name"]).strip()
            if name and re.search(r"[A-Z\d]|^(?:dense|full|auto|greedy|vanilla|standard)", name):
                self._take(at, cut_name(name), 1.5, text, seen)

    def _take(self, at: int, name: str | None, weight: float, text: str, seen: set[str]) -> None:
        if name is None or name in seen or is_own(name, self._own):
            return
        name = without_citations(name).strip()
        if is_generic(name) or not is_name(name):
            return
        seen.add(name)
        self._found.append(Comparison(at, name, weight, family_in(text)))

    def _between(self, first: int, last: int) -> Iterable[Comparison]:
        low = bisect_left(self._found, first, key=lambda comparison: comparison.at)
        for comparison in self._found[low:]:
            if comparison.at >= last:
                return
            yield comparison

    def _just_before(self, at: int, family: Family) -> str | None:
        section = self._sentences[at].section
        near = [
            c
            for c in self._between(max(0, at - 2), at)
            if c.weight >= 2
            and self._sentences[c.at].section == section
            and _fits(c.family, family)
        ]
        return max(near, key=lambda c: (c.at, c.weight)).name if near else None

    def _rival_before(self, at: int, text: str) -> str | None:
        """Return the rival that the last sentences are about ("A wastes … Ours is 2x faster")."""
        section = self._sentences[at].section
        if name := self._contrasted(at, text):
            return name
        for before in range(at - 1, max(-1, at - 1 - LOOK_BACK), -1):
            sentence = self._sentences[before]
            if sentence.section != section:
                return None
            match = RIVAL_SUBJECT.match(sentence.text[:120])
            if match is None or is_own(match["name"], self._own):
                continue
            if is_name(match["name"]) and self._is_rival(match["name"]):
                return match["name"]
        return None

    def _contrasted(self, at: int, text: str) -> str | None:
        """Return A of "A achieves little. In contrast, ours is 2x faster"."""
        if not CONTRAST.match(text) or at == 0:
            return None
        earlier = self._sentences[at - 1]
        match = ANY_SUBJECT.match(earlier.text[:160])
        if match is None or earlier.section != self._sentences[at].section:
            return None
        name = cut_name(match["name"])
        if name is None or is_generic(name) or is_own(name, self._own) or WE.search(name):
            return None
        return name if len(words_of_name(name)) >= 1 else None

    def _is_rival(self, name: str) -> bool:
        if self._rivals is None:
            self._rivals = {
                word for c in self._found if c.weight >= 1 for word in words_of_name(c.name)
            }
        words = words_of_name(name)
        return bool(words) and words <= self._rivals

    def _in_caption(self, at: int, text: str, family: Family) -> str | None:
        for label in REFERENCE.finditer(text):
            begin = self._captions.get(_key(label))
            if begin is None:
                continue
            end = begin
            while end < len(self._sentences) and self._sentences[end].kind is Kind.CAPTION:
                end += 1
            fits = [c for c in self._between(begin, end) if _fits(c.family, family)]
            if fits:
                return max(fits, key=lambda c: c.weight).name
        return None


def _fits(said: Family, wanted: Family) -> bool:
    return said in (wanted, Family.ANY) or (said is Family.SPEED and wanted is Family.ANY)


def _key(label: re.Match[str]) -> str:
    return label[1][:3].lower() + label[2]
