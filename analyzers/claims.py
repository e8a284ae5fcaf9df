"""The claims of a paper: each number it reports about itself, with all its places.

Rules, no model: a number with a unit, words of performance that govern it, and points for whose
result it is. Each claim tells the rule and the reasons, so that a person can see why it is there.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from analyzers.claiming.baselines import kind_of, read_baseline
from analyzers.claiming.context import Reading, read_metric
from analyzers.claiming.ownership import Owner, judge, method_names
from analyzers.claiming.quantities import Quantity, find_quantities, normalise
from analyzers.claiming.subjects import Subject, hardware_in, read_bound, read_subject
from analyzers.document import Box, Document, Kind, Sentence
from analyzers.facts import Bound, Metric, Scope

MAX_QUOTE = 700
MAX_PLACES = 40
MAX_CLAIMS = 400
MAX_QUANTITIES = 12
"""A passage with more numbers than this is a table or a figure's labels."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a claim stands: the sentence (its part on the page), page, and a box a line."""

    kind: Kind
    quote: str
    page: int | None
    boxes: tuple[Box, ...]
    bound: Bound

    def to_json(self) -> dict[str, Any]:
        """Return the record of the analysis contract."""
        return {
            "kind": self.kind.value,
            "quote": self.quote,
            "page": self.page,
            "boxes": [[round(side, 2) for side in box] for box in self.boxes],
            "bound": self.bound.value,
        }


@dataclass(slots=True)
class ExtractedClaim:
    """A claim as read from a paper."""

    metric: Metric
    value: float
    value_high: float | None
    unit: str
    bound: Bound
    subject: Subject
    baseline: str | None
    hardware: str | None
    own: bool
    confidence: float
    rule: str
    reasons: tuple[str, ...]
    in_abstract: bool
    places: list[Place] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return the record of the analysis contract."""
        first = self.places[0].to_json()
        return {
            "metric": self.metric.value,
            "value": self.value,
            "value_high": self.value_high,
            "unit": self.unit,
            "bound": self.bound.value,
            "subject": self.subject.name,
            "scope": self.subject.scope.value if self.subject.scope else None,
            "part": self.subject.part.value if self.subject.part else None,
            "regime": self.subject.regime.value if self.subject.regime else None,
            "baseline": self.baseline,
            "baseline_kind": kind_of(self.baseline).value,
            "hardware": self.hardware,
            "own_result": self.own,
            "in_abstract": self.in_abstract,
            "quote": first["quote"],
            "page": first["page"],
            "boxes": first["boxes"],
            "places": [place.to_json() for place in self.places],
            "confidence": round(self.confidence, 2),
            "rule": self.rule,
            "reasons": list(self.reasons),
        }


def extract_claims(document: Document) -> list[ExtractedClaim]:
    """Return the paper's own claims and those it cites, own first seen first."""
    names = method_names(document)
    merged: list[ExtractedClaim] = []
    repeats: Counter[str] = Counter()
    for index, sentence in enumerate(document.sentences):
        if not re.search(r"\d|\btwice\b|\bhal[fv]|\btimes\b|fold\b|\bdoubl|\btripl", sentence.text):
            continue
        repeats[sentence.text] += 1
        if repeats[sentence.text] > MAX_PLACES:
            continue
        before = document.sentences[max(0, index - 2) : index]
        before = [s for s in before if s.section == sentence.section]
        for claim in _in_sentence(sentence, before, names):
            _merge(merged, claim)
            if len(merged) >= MAX_CLAIMS:
                return merged
    return merged


def _in_sentence(
    sentence: Sentence, before: list[Sentence], names: frozenset[str]
) -> Iterator[ExtractedClaim]:
    text = normalise(sentence.text)
    quantities = find_quantities(text)
    if not quantities or len(quantities) > MAX_QUANTITIES or not _is_prose(text):
        return
    readings = [read_metric(text, quantity, quantities) for quantity in quantities]
    for quantity, reading in zip(quantities, readings, strict=True):
        if reading is None or quantity.value <= 0:
            continue
        owner = judge(sentence, text, quantity.start, names, before)
        subject = read_subject(text, quantity, quantities)
        bound = read_bound(text, quantity, quantities)
        place = _place(sentence, quantity, bound)
        yield ExtractedClaim(
            metric=reading.metric,
            value=quantity.value,
            value_high=quantity.high,
            unit=quantity.shown_unit,
            bound=bound,
            subject=subject,
            baseline=read_baseline(text, quantity, quantities),
            hardware=hardware_in(sentence.text),
            own=owner.own,
            confidence=_confidence(sentence, reading, owner),
            rule=reading.rule,
            reasons=owner.reasons,
            in_abstract=sentence.in_abstract,
            places=[place],
        )


def _is_prose(text: str) -> bool:
    words = text.split()
    lower = sum(word[:1].islower() and word.strip(".,;:()").isalpha() for word in words)
    figures = sum(bool(re.search(r"\d", word)) for word in words)
    return len(words) >= 5 and lower >= 0.35 * len(words) and figures <= 0.4 * len(words)


def _confidence(sentence: Sentence, reading: Reading, owner: Owner) -> float:
    """Return 0 … 1: how plainly the rules apply, not how true the claim is."""
    score = 0.5 + 0.1 * min(3.0, max(-3.0, owner.points))
    score += 0.1 if sentence.in_abstract else 0.0
    score += 0.1 if reading.metric.is_speed else 0.0
    score -= 0.1 if "sentence" in reading.rule or reading.metric is Metric.OTHER else 0.0
    return max(0.05, min(0.98, score))


def _place(sentence: Sentence, quantity: Quantity, bound: Bound) -> Place:
    page = sentence.page_at(quantity.start)
    start, end = sentence.span_on_page(page)
    if end - start > MAX_QUOTE:
        start, end = _window(sentence.text, start, end, quantity)
    text = sentence.text[start:end].strip()
    boxes = tuple(sentence.boxes(start, end)) if page is not None else ()
    return Place(sentence.kind, text, page, boxes, bound)


def _window(text: str, start: int, end: int, quantity: Quantity) -> tuple[int, int]:
    """Cut a long sentence at word ends to what stands around the number."""
    first = max(start, quantity.start - MAX_QUOTE // 2)
    if first > start:
        first = text.find(" ", first, quantity.start) + 1 or first
    last = min(end, first + MAX_QUOTE)
    if last < end:
        last = max(text.rfind(" ", quantity.end, last), quantity.end)
    return first, last


def _merge(merged: list[ExtractedClaim], claim: ExtractedClaim) -> None:
    """Add `claim`, as a further place where it repeats one."""
    for known in merged:
        if _same(known, claim):
            place = claim.places[0]
            if len(known.places) < MAX_PLACES and all(
                (place.quote, place.page) != (old.quote, old.page) for old in known.places
            ):
                known.places.append(place)
            known.baseline = known.baseline or claim.baseline
            known.hardware = known.hardware or claim.hardware
            known.in_abstract = known.in_abstract or claim.in_abstract
            known.confidence = max(known.confidence, claim.confidence)
            if known.subject.name is None:
                known.subject = claim.subject
            return
    merged.append(claim)


def _same(a: ExtractedClaim, b: ExtractedClaim) -> bool:
    return (
        a.metric is b.metric
        and a.value == b.value
        and a.value_high == b.value_high
        and a.unit == b.unit
        and a.own == b.own
        and a.bound is b.bound
        and _baselines_agree(a.baseline, b.baseline)
        and _scopes_agree(a.subject.scope, b.subject.scope)
    )


def _baselines_agree(a: str | None, b: str | None) -> bool:
    if a is None or b is None:
        return True
    first, second = (set(re.findall(r"[a-z0-9]{2,}", name.lower())) for name in (a, b))
    return bool(first & second) or not first or not second


def _scopes_agree(a: Scope | None, b: Scope | None) -> bool:
    return a is None or b is None or a is b or Scope.END_TO_END not in (a, b)
