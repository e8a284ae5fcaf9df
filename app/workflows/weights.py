"""A person's own weights for the four criteria, and how firm the order under them is.

Everything works on stored points, so nothing is scored again. With each weight at 1 the ranking is
the usual one, by recommendation first; with any other weights it is by the weighted score alone.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from typing import Any, NamedTuple

from analyzers.message import message
from app.errors import UsageError

CRITERIA = ("relevance", "performance", "ease", "core")
LEAST, MOST = 0.0, 2.0
DRAWS = 1_000
TOP = 3
_TIE = 1e-9
"""Weighted scores closer than that are equal; the better ranked paper then comes first."""

Points = Mapping[str, float]
Row = dict[str, Any]


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


class Dethroning(NamedTuple):
    """The smallest change of one weight at which another paper becomes the first."""

    criterion: str
    before: float
    after: float
    paper_id: str


class Firmness(NamedTuple):
    """How firm an order is."""

    first: str
    shares: tuple[tuple[str, float], ...]
    """Papers and the share of draws in which each is among the top three, the most often first."""
    dethroning: Dethroning | None
    """None where no weight from 0 to 2 puts another paper first."""


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


def reordered(rows: Sequence[Row], weights: Weights) -> list[Row]:
    """Return the ranked rows in the order of the weights, with "score_weighted" and new ranks.

    The usual weights leave them as they are. Of equal papers the better ranked stays first.
    """
    if weights.are_usual:
        return list(rows)
    scored = [(_rounded(weights.score(row["points"])), row) for row in rows]
    scored.sort(key=lambda pair: -pair[0])
    return [
        row | {"rank": position, "score_weighted": score, "rank_usual": row["rank"]}
        for position, (score, row) in enumerate(scored, start=1)
    ]


def firmness(
    rows: Sequence[Row], weights: Weights, *, draws: int = DRAWS, seed: int = 0
) -> Firmness | None:
    """Return how firm the order by weighted score is; None for an empty ranking.

    Each draw multiplies each weight by a factor of its own, log-uniform in [1/2, 2]; the same seed
    gives the same answer. The smallest change that dethrones the first is solved, not searched.
    """
    if not rows:
        return None
    papers = [
        (str(row["paper_id"]), tuple(row["points"][name] for name in CRITERIA)) for row in rows
    ]
    shares = top_shares(papers, weights.values, draws=draws, seed=seed)
    first = min(
        range(len(papers)), key=lambda i: (-_rounded(_dot(weights.values, papers[i][1])), i)
    )
    return Firmness(papers[first][0], tuple(shares), dethroning(papers, weights.values, first))


Paper = tuple[str, tuple[float, ...]]


def top_shares(
    papers: Sequence[Paper], weights: Sequence[float], *, draws: int, seed: int
) -> list[tuple[str, float]]:
    """Return how often each paper is among the top three when the weights wobble."""
    chance = random.Random(seed)
    runners = contenders(papers, [w > 0 for w in weights], TOP)
    counts = dict.fromkeys((paper_id for paper_id, _ in runners), 0)
    for _ in range(draws):
        drawn = [w * 2 ** chance.uniform(-1, 1) for w in weights]
        scored = [(-_rounded(_dot(drawn, points)), n) for n, (_, points) in enumerate(runners)]
        for _, number in nsmallest(TOP, scored):
            counts[runners[number][0]] += 1
    often = sorted(counts.items(), key=lambda pair: -pair[1])
    return [(paper_id, count / draws) for paper_id, count in often if count]


def contenders(papers: Sequence[Paper], counts: Sequence[bool], top: int) -> list[Paper]:
    """Return, in order, the papers that positive weights can put among the top ones.

    A paper that `top` others beat or equal in every criterion that counts never gets there, so of
    ten thousand papers a few dozen are left to draw for.
    """

    def seen(points: tuple[float, ...]) -> tuple[float, ...]:
        return tuple(p for p, is_counted in zip(points, counts, strict=True) if is_counted)

    order = sorted(range(len(papers)), key=lambda i: (-_rounded(sum(seen(papers[i][1]))), i))
    kept: list[tuple[int, tuple[float, ...]]] = []
    for number in order:
        points, beaten = seen(papers[number][1]), 0
        for other, better in kept:
            if all(b >= p for b, p in zip(better, points, strict=True)) and (
                better != points or other < number
            ):
                beaten += 1
                if beaten == top:
                    break
        else:
            kept.append((number, points))
    return [papers[number] for number, _ in sorted(kept)]


def dethroning(papers: Sequence[Paper], weights: Sequence[float], first: int) -> Dethroning | None:
    """Return the smallest change of one weight, within 0 to 2, at which another is no worse.

    Scores are linear in a weight w: the other one catches up where w moves by the gap of the
    scores over the gap of the points.
    """
    top = papers[first][1]
    best: tuple[float, int, int] | None = None
    for number, (_, points) in enumerate(papers):
        if number == first:
            continue
        gap = max(0.0, _dot(weights, top) - _dot(weights, points))
        for place in range(len(CRITERIA)):
            slope = points[place] - top[place]
            if slope == 0.0:
                continue
            change = gap / slope
            if not LEAST - _TIE <= weights[place] + change <= MOST + _TIE:
                continue
            if best is None or (abs(change), number) < (abs(best[0]), best[1]):
                best = change, number, place
    if best is None:
        return None
    change, number, place = best
    after = min(MOST, max(LEAST, weights[place] + change))
    return Dethroning(CRITERIA[place], weights[place], after, papers[number][0])


def _dot(weights: Sequence[float], points: Sequence[float]) -> float:
    return math.fsum(w * p for w, p in zip(weights, points, strict=True))


def _rounded(score: float) -> float:
    return round(score / _TIE) * _TIE
