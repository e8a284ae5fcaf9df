"""Where a paper contradicts itself: one claim, two numbers.

Numbers that differ are mostly numbers of different settings, so two claims contradict each other
only where nothing else differs: the same metric, unit, hedge, baseline, hardware and scope, and
either the same sentence but for the number, or two summaries (abstract, introduction, conclusion)
that name the same settings. A rounded value doesn't contradict the exact one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from analyzers.claiming.claim import ExtractedClaim, Place
from analyzers.claiming.quantities import find_quantities, normalise
from analyzers.facts import Bound
from analyzers.message import Message, message

MAX_FINDINGS = 20
SAME_WORDS = 0.8
"""Share of words that two sentences have in common to be one sentence said twice."""

_SUMMARY = re.compile(r"abstract|introduction|conclu|summary|contribution", re.I)
_SETTING = re.compile(r"\b(?:\d[\w.]*|(?!^[A-Z][a-z]*\b)[\w.-]*[A-Z][\w.-]*)\b")
_STAGES = re.compile(
    r"\b(?:pre-?fill\w*|decod\w+|training|inference|kernel\w*|end-to-end|attention|average|memory"
    r"|latency|throughput|energy|forward|backward|batch\w*|short|long|small\w*|large\w*)\b",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Finding:
    """Two places of a paper that give one claim two values."""

    kind: str
    message: Message
    claims: tuple[int, int]
    places: tuple[Place, Place]

    def to_json(self) -> dict[str, Any]:
        """Return the record of the analysis contract; `claims` are indices into its claims."""
        return {
            "kind": self.kind,
            **self.message.to_json(),
            "claims": list(self.claims),
            "places": [place.to_json() for place in self.places],
        }


def find_contradictions(claims: Sequence[ExtractedClaim]) -> list[Finding]:
    """Return the contradictions between a paper's own claims, in reading order."""
    groups: dict[tuple[object, ...], list[int]] = {}
    for index, claim in enumerate(claims):
        if claim.own:
            key = (claim.metric, claim.unit, claim.subject.part, claim.subject.scope)
            groups.setdefault(key, []).append(index)
    found: list[Finding] = []
    for indices in groups.values():
        for first, second in combinations(indices, 2):
            pair = _contradiction(claims[first], claims[second])
            if pair is not None:
                found.append(_finding(claims, (first, second), pair))
    return sorted(found, key=lambda finding: finding.claims)[:MAX_FINDINGS]


def _finding(
    claims: Sequence[ExtractedClaim], indices: tuple[int, int], places: tuple[Place, Place]
) -> Finding:
    shown = [_shown(claims[index]) for index in indices]
    text = message(
        "two values for one claim: {first} (page {first_page}) and {second} (page {second_page})",
        first=shown[0],
        first_page=places[0].page or "?",
        second=shown[1],
        second_page=places[1].page or "?",
    )
    return Finding("contradiction", text, indices, places)


def _shown(claim: ExtractedClaim) -> str:
    value = f"{claim.value:g}"
    if claim.value_high is not None:
        value += f"\u2013{claim.value_high:g}"
    return f"{value}{'' if claim.unit in ('x', '%') else ' '}{claim.unit}"


def _contradiction(a: ExtractedClaim, b: ExtractedClaim) -> tuple[Place, Place] | None:
    if not _differ(a, b) or _words(a.baseline) != _words(b.baseline):
        return None
    if a.hardware and b.hardware and a.hardware != b.hardware:
        return None
    for one, two in _place_pairs(a, b):
        # in one section, sentences that resemble each other speak of different settings
        if one.bound is not two.bound or one.section == two.section:
            continue
        if _count(one.quote) != 1 or _count(two.quote) != 1:
            continue  # of several numbers each has its own setting
        if _settings(one.quote, a) != _settings(two.quote, b):
            continue
        summaries = _SUMMARY.search(one.section) and _SUMMARY.search(two.section)
        if _said_twice(one.quote, two.quote) or (summaries and one.bound is Bound.UP_TO):
            return one, two
    return None


def _count(quote: str) -> int:
    return len(find_quantities(normalise(quote)))


def _place_pairs(a: ExtractedClaim, b: ExtractedClaim) -> Iterator[tuple[Place, Place]]:
    for one in a.places[:8]:
        for two in b.places[:8]:
            yield one, two


def _differ(a: ExtractedClaim, b: ExtractedClaim) -> bool:
    """Tell whether the values can't be one, rounded or inside the other's range."""
    low_a, high_a = a.value, a.value_high or a.value
    low_b, high_b = b.value, b.value_high or b.value
    if low_a <= high_b and low_b <= high_a:
        return False
    return not any(
        round(exact, _decimals(rough)) == rough
        for exact, rough in ((low_a, low_b), (low_b, low_a), (high_a, high_b), (high_b, high_a))
    )


def _decimals(value: float) -> int:
    return len(f"{value:g}".partition(".")[2])


def _said_twice(one: str, two: str) -> bool:
    first, second = _without_values(one), _without_values(two)
    if len(first) < 6 or len(second) < 6:
        return False
    return len(first & second) >= SAME_WORDS * len(first | second)


def _without_values(quote: str) -> frozenset[str]:
    return _words(_without_quantities(quote))


def _without_quantities(quote: str) -> str:
    text = normalise(quote)
    for quantity in reversed(find_quantities(text)):
        text = text[: quantity.start] + " " + text[quantity.end :]
    return text


def _settings(quote: str, claim: ExtractedClaim) -> frozenset[str]:
    """Return the names, numbers and stages that a sentence speaks of, its values aside."""
    text = _without_quantities(quote)
    named = {match[0].lower() for match in _SETTING.finditer(text)}
    named |= {match[0].lower() for match in _STAGES.finditer(text)}
    return frozenset(named) - _words(claim.baseline)


def _words(text: str | None) -> frozenset[str]:
    return frozenset(re.findall(r"[a-z0-9.]+", (text or "").lower().replace("-", "")))
