"""How much work a technique is to build into an engine, and how deep it cuts.

What must change decides: a call, a kernel, a format with its calibration, the memory's management,
something trained, the model's architecture, or the work of several devices.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from analyzers.changes import SIGNS, USUAL, Change, Sign
from analyzers.document import Sentence
from analyzers.evidence import Index, Reason, reason
from analyzers.facts import Complexity, Integration, Technique
from analyzers.message import Message

_PROPOSES = re.compile(
    r"\b(?:we|this (?:paper|work)|and) (?:\w+ ){0,2}(?:propos|introduc|develop)\w*\b"
    r"|\b(?:we|this (?:paper|work)) (?:\w+ ){0,3}(?:present|build|describ)\w*\b[^.]{0,60}"
    r"\b(?:method|system|algorithm|kernel|technique|approach|framework|engine|library|scheme)\b"
)
_HIGH, _MEDIUM = 1.5, 0.75
_DEEP = (
    Change.ARCHITECTURE,
    Change.DEVICES,
    Change.MEMORY,
    Change.COMPILER,
    Change.PROCESSOR,
)


@dataclass(frozen=True, slots=True)
class ComplexityReading:
    """The level, how it would sit in an engine, why, and the sentence behind each change."""

    level: Complexity
    integration: Integration
    reasons: tuple[Reason, ...]
    changes: Mapping[Change, Sentence] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the record of the analysis contract."""
        return {
            "level": self.level.value,
            "integration": self.integration.value,
            "reasons": [item.to_json() for item in self.reasons],
        }


def read_complexity(index: Index, technique: Technique) -> ComplexityReading:
    """Add up what must change; a change counts more the more of the paper speaks of it."""
    total, usual = USUAL[technique]
    reasons = [reason(usual, total)]
    said = _said(index)
    if _is_settled(said):
        said.pop(Change.TRAINING, None)
    if Change.NOTHING in said:
        said.pop(Change.ARCHITECTURE, None)
    for evidence in said.values():
        total += evidence.points
        reasons.append(reason(evidence.text, evidence.points, evidence.sentence))
    level = Complexity.LOW
    if total >= _HIGH:
        level = Complexity.HIGH
    elif total >= _MEDIUM:
        level = Complexity.MEDIUM
    changes = {change: evidence.sentence for change, evidence in said.items()}
    return ComplexityReading(
        level,
        _integration(level, technique, changes),
        tuple(sorted(reasons, key=lambda r: -abs(r.points))),
        changes,
    )


def _is_settled(said: Mapping[Change, _Evidence]) -> bool:
    """Whether what the body trains is no part of the method.

    A study trains what it compares; and "works without training" in the abstract outweighs a
    trained variant in the body.
    """
    if Change.NOTHING in said:
        return True
    call, training = said.get(Change.CALL), said.get(Change.TRAINING)
    return bool(call and call.in_front and not (training and training.in_front))


@dataclass(frozen=True, slots=True)
class _Evidence:
    """What one sign found: its points, the sentence to quote, and whether the abstract says it."""

    text: Message
    points: float
    sentence: Sentence
    in_front: bool


def _said(index: Index) -> dict[Change, _Evidence]:
    proposes = any(
        index.is_front(at) and _PROPOSES.search(text) for at, text in enumerate(index.lowered[:60])
    )
    said: dict[Change, _Evidence] = {}
    for sign in SIGNS:
        if sign.proposal_only and proposes:
            continue
        found = _saying(index, sign)
        front = [at for at in found if index.is_front(at)]
        if not front and (sign.proposal_only or len(found) < sign.least * index.size):
            continue
        sentence = index.best(front or found)
        if sentence is None:
            continue
        share = 1.0 if front or len(found) >= 3 * sign.least * index.size else 0.7
        said[sign.change] = _Evidence(sign.text, sign.points * share, sentence, bool(front))
    return said


def _saying(index: Index, sign: Sign) -> list[int]:
    """Return the sentences that say it of the authors' own work, and don't deny it."""
    found = index.own(index.hits(sign.pattern))
    if sign.unless is None:
        return found
    return [at for at in found if not sign.unless.search(index.lowered[at])]


def _integration(
    level: Complexity, technique: Technique, changes: Mapping[Change, Sentence]
) -> Integration:
    deep = [change for change in _DEEP if change in changes]
    if level is Complexity.HIGH and (deep or technique is Technique.SERVING_SCHEDULING):
        return Integration.ARCHITECTURAL
    built = [c for c in changes if c not in (Change.CALL, Change.NOTHING)]
    if level is Complexity.LOW or (Change.CALL in changes and built in ([], [Change.KERNEL])):
        return Integration.DROP_IN if Change.ARCHITECTURE not in changes else Integration.LOCAL
    return Integration.LOCAL
