"""Numbers whose sentence doesn't say what they count ("outperforms A by 1.2x")."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from analyzers.claiming import words as w
from analyzers.claiming.claim import ExtractedClaim
from analyzers.claiming.metrics import BY_HABIT, BY_SENTENCE, PERFORMANCE
from analyzers.document import Document
from analyzers.facts import Metric

LOOK_BACK = 3
"""Sentences before one that may say what its number counts."""
SPEED_ONLY = 6
"""A paper that speaks this many times as often of speed as of quality means speed."""

_OF_SPEED = re.compile(r"speed-?\s?ups?|faster|slow(?:er|down)|latenc|throughput|overhead", re.I)
_OF_QUALITY = re.compile(r"accurac|perplexit|\bppl\b|bleu|rouge|mmlu|f1[ -]score", re.I)
_KINDS = ((w.SPEED, Metric.SPEEDUP), (w.THROUGHPUT, Metric.THROUGHPUT_GAIN))

Found = list[tuple[int, ExtractedClaim]]


def name_unnamed(found: Found, document: Document) -> Found:
    """Name such claims by what stands before them, or by what the paper is about.

    `found` are claims with the number of their sentence; what turns out to be a loss is left out.
    """
    kept = _performance(found, document)
    for at, claim in kept:
        if claim.own and claim.rule.endswith(BY_HABIT):
            claim.metric = _said_before(at, document) or _usual(at, kept, document) or claim.metric
    return kept


def _performance(found: Found, document: Document) -> Found:
    """Take "performance" for speed in a paper that speaks of no quality; a loss of it is none."""
    unsure = [claim for _, claim in found if claim.own and claim.rule.endswith(PERFORMANCE)]
    if not unsure or not _is_of_speed(document):
        return found
    marked = {id(claim) for claim in unsure}
    for at, claim in found:
        if id(claim) in marked and claim.metric is Metric.OTHER:
            claim.metric = _said_before(at, document) or Metric.SPEEDUP
    losses = {id(claim) for claim in unsure if claim.metric is Metric.ACCURACY_DROP}
    return [(at, claim) for at, claim in found if id(claim) not in losses]


def _is_of_speed(document: Document) -> bool:
    text = document.text
    speed, quality = (len(pattern.findall(text)) for pattern in (_OF_SPEED, _OF_QUALITY))
    return speed > SPEED_ONLY * quality


def _said_before(at: int, document: Document) -> Metric | None:
    """Return the kind of speed that the last sentences of the section speak of, the nearest first.

    A sentence that speaks of both says nothing.
    """
    section = document.sentences[at].section
    for sentence in reversed(document.sentences[max(0, at - LOOK_BACK) : at]):
        if sentence.section != section:
            break
        if kind := _kind(sentence.text):
            return kind
    return _kind(section)


def _kind(text: str) -> Metric | None:
    kinds = [metric for pattern, metric in _KINDS if pattern.search(text)]
    return kinds[0] if len(kinds) == 1 else None


def _usual(
    at: int, found: Sequence[tuple[int, ExtractedClaim]], document: Document
) -> Metric | None:
    """Return what most claims of the same section count by their own words."""
    section = document.sentences[at].section
    plain = Counter(
        claim.metric
        for other, claim in found
        if claim.own
        and claim.metric in (Metric.SPEEDUP, Metric.THROUGHPUT_GAIN)
        and not claim.rule.endswith(BY_SENTENCE)
        and document.sentences[other].section == section
    )
    most = plain.most_common(2)
    if not most or (len(most) > 1 and most[0][1] == most[1][1]):
        return None
    return most[0][0]
