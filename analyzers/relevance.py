"""How much a paper matters to an engine: what the target file says, and what the paper says.

The target file answers four questions by technique: has the engine a path for it, does it do it
already, is there demand, does it pay where the engine runs. Signs in the paper move the value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from analyzers.evidence import Index, Reason, reason_of_data
from analyzers.targets.relevance import RelevanceRules
from analyzers.technique import TechniqueReading

LOWEST, HIGHEST = 0.05, 1.0


@dataclass(frozen=True, slots=True)
class RelevanceReading:
    """The value (0 to 1) for a target and what it is made of."""

    target: str
    value: float
    reasons: tuple[Reason, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the record of the analysis contract."""
        return {
            "target": self.target,
            "value": self.value,
            "reasons": [item.to_json() for item in self.reasons],
        }


def read_relevance(
    index: Index, technique: TechniqueReading, target: str, rules: RelevanceRules
) -> RelevanceReading:
    """Weigh the paper for a target by that target's own rules."""
    value = rules.base
    reasons: list[Reason] = []
    answers = rules.answers.get(technique.primary, ())
    for answer in answers:
        value += answer.points
        reasons.append(reason_of_data(answer.text, answer.points))
    for sign in rules.signs:
        if sign.techniques and technique.primary not in sign.techniques:
            continue
        hits = index.hits(sign.pattern)
        found = index.own(hits)
        front = [at for at in found if index.is_front(at)]
        front += [] if front or not sign.anywhere else hits[:1]
        if not front and len(found) < sign.least * index.size:
            continue
        share = 1.0 if front or len(found) >= 2 * sign.least * index.size else 0.6
        value += sign.points * share
        quoted = index.best(front or found)
        reasons.append(reason_of_data(sign.text, sign.points * share, quoted))
    value = round(max(LOWEST, min(HIGHEST, value)), 2)
    return RelevanceReading(target, value, tuple(sorted(reasons, key=lambda r: -abs(r.points))))
