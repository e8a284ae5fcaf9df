"""A person's own weights for the four criteria, and the order that they give.

Everything works on stored points, so nothing is scored again. With each weight at 1 the ranking is
the usual one, by recommendation first; with any other weights it is by the weighted score alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from analyzers.message import message
from app.errors import UsageError
from app.workflows.ranked import CRITERIA, MANY, Columns, Ranking, Row

LEAST, MOST = 0.0, 2.0
TIE = 1e-9
"""Weighted scores closer than that are equal; the better ranked paper then comes first."""

_UNSURE = 1e-3
"""Of `TIE`; arrays are off by a thousandth of that at most."""

Points = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each criterion counts, from 0 (not at all) to 2 (twice as much)."""

    relevance: float = 1.0
    performance: float = 1.0
    ease: float = 1.0
    core: float = 1.0

    @property
    def are_usual(self) -> bool:
        """Whether nothing is moved: the ranking is the usual one."""
        return all(value == 1.0 for value in self.values)

    @property
    def values(self) -> tuple[float, ...]:
        """The weights in the order of `CRITERIA`."""
        return tuple(getattr(self, name) for name in CRITERIA)

    def score(self, points: Points) -> float:
        """Return the weighted score of a paper's points."""
        return math.fsum(getattr(self, name) * points[name] for name in CRITERIA)


def parse_weights(text: str) -> Weights:
    """Return what `relevance=2,ease=0.5` asks for; what isn't named is 1. Raises `UsageError`."""
    values: dict[str, float] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, figure = (piece.strip() for piece in part.partition("="))
        if name not in CRITERIA:
            raise UsageError(
                message(
                    "{name!r} is no criterion: there are {there}.",
                    name=name,
                    there=", ".join(CRITERIA),
                )
            )
        try:
            value = float(figure)
        except ValueError:
            value = math.nan
        if not LEAST <= value <= MOST:
            raise UsageError(
                message("The weight {text!r} isn't {name}=0 to 2.", text=part, name=name)
            )
        values[name] = value
    return Weights(**values)


def reordered(ranking: Ranking, weights: Weights) -> Ranking:
    """Return the ranked rows in the order of the weights, with "score_weighted" and new ranks.

    The usual weights leave them as they are. Of equal papers the better ranked stays first.
    """
    if weights.are_usual:
        return ranking
    scores = scores_of(ranking.columns, weights)
    order = sorted(ranking.chosen, key=[-score for score in scores].__getitem__)
    positions = {number: position for position, number in enumerate(order, start=1)}

    def more(number: int) -> Row:
        return {
            "rank": positions[number],
            "score_weighted": scores[number],
            "rank_usual": number + 1,
        }

    return replace(ranking, chosen=order, more=more)


def scores_of(columns: Columns, weights: Weights) -> list[float]:
    """Return the weighted score of each paper, rounded."""
    points = columns.points
    if len(points) < MANY:
        return [rounded(dot(weights.values, own)) for own in points]
    import numpy as np

    in_ties = columns.table @ np.asarray(weights.values) / TIE
    nearest = np.rint(in_ties)
    scores: list[float] = (nearest * TIE).tolist()
    # Arrays add less exactly: what lies close to between two is reckoned as that of few papers is.
    for number in np.flatnonzero(np.abs(np.abs(in_ties - nearest) - 0.5) < _UNSURE).tolist():
        scores[number] = rounded(dot(weights.values, points[number]))
    return scores


def dot(weights: Sequence[float], points: Sequence[float]) -> float:
    """Return the weighted score, exact to its last bit whatever the order of the criteria."""
    return math.fsum(w * p for w, p in zip(weights, points, strict=True))


def rounded(score: float) -> float:
    """Return a score at which papers that are equal but for rounding are equal."""
    return round(score / TIE) * TIE
