"""A claim as read from a paper, and the places where it stands: the analysis contract's records."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from analyzers.claiming.comparisons import Baseline
from analyzers.claiming.names import kind_of
from analyzers.claiming.subjects import Subject
from analyzers.document import Box, Kind
from analyzers.facts import Bound, Metric


@dataclass(frozen=True, slots=True)
class Place:
    """Where a claim stands: the sentence (its part on the page), page, and a box a line."""

    kind: Kind
    quote: str
    page: int | None
    boxes: tuple[Box, ...]
    bound: Bound
    section: str = ""
    heads: str = ""

    @classmethod
    def of_cell(cls, text: str, heads: str, page: int, box: Box) -> Place:
        """Return the place of a table's cell; `heads` are the words of its row and column."""
        return cls(Kind.TABLE, text, page, (box,), Bound.EXACT, heads=heads)

    def to_json(self) -> dict[str, Any]:
        """Return the record of the analysis contract; `heads` name a cell's row and column."""
        heads = {"heads": self.heads} if self.heads else {}
        return {
            **heads,
            "kind": self.kind.value,
            "quote": self.quote,
            "page": self.page,
            "boxes": [[round(side, 2) for side in box] for box in self.boxes],
            "bound": self.bound.value,
            "section": self.section,
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
    against: Baseline | None
    hardware: str | None
    own: bool
    points: float
    confidence: float
    rule: str
    reasons: tuple[str, ...]
    in_abstract: bool
    places: list[Place] = field(default_factory=list)

    @property
    def baseline(self) -> str | None:
        """The name of what the claim compares with."""
        return self.against.name if self.against else None

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
            "baseline_source": self.against.source.value if self.against else None,
            "hardware": self.hardware,
            "own_result": self.own,
            "in_abstract": self.in_abstract,
            "quote": first["quote"],
            "page": first["page"],
            "boxes": first["boxes"],
            "places": [place.to_json() for place in self.places],
            "confidence": round(self.confidence, 2),
            "rule": self.rule,
            "reasons": [*self.reasons, *([self.against.source.reason] if self.against else ())],
        }
