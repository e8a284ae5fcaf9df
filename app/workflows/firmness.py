"""How firm an order by weighted scores is: who gets to the top when the weights wobble.

Arrays narrow a hundred thousand papers down to the few that matter; those are reckoned exactly.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from heapq import nsmallest
from typing import Any, NamedTuple

from app.workflows.ranked import CRITERIA, MANY, Ranking
from app.workflows.weights import LEAST, MOST, TIE, Weights, dot, rounded

DRAWS = 1_000
TOP = 3
_PROBES = 64


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


def firmness(
    ranking: Ranking, weights: Weights, *, draws: int = DRAWS, seed: int = 0
) -> Firmness | None:
    """Return how firm the order by weighted score is; None for an empty ranking.

    Each draw multiplies each weight by a factor of its own, log-uniform in [1/2, 2]; the same seed
    gives the same answer. The smallest change that dethrones the first is solved, not searched.
    """
    if not ranking.columns.paper_ids:
        return None
    papers = list(zip(ranking.columns.paper_ids, ranking.columns.points, strict=True))
    table = ranking.columns.table if len(papers) >= MANY else None
    shares = top_shares(papers, weights.values, draws=draws, seed=seed, table=table)
    first = best(papers, weights.values, table)
    change = dethroning(papers, weights.values, first, table)
    return Firmness(papers[first][0], tuple(shares), change)


Paper = tuple[str, tuple[float, ...]]


def best(papers: Sequence[Paper], weights: Sequence[float], table: Any = None) -> int:
    """Return the first paper by weighted score; `table` is the points of all as an array."""
    numbers: Sequence[int] = range(len(papers))
    if table is not None:
        import numpy as np

        near = table @ np.asarray(weights)
        numbers = np.flatnonzero(near >= near.max() - 10 * TIE).tolist()
    return min(numbers, key=lambda i: (-rounded(dot(weights, papers[i][1])), i))


def top_shares(
    papers: Sequence[Paper],
    weights: Sequence[float],
    *,
    draws: int,
    seed: int,
    table: Any = None,
) -> list[tuple[str, float]]:
    """Return how often each paper is among the top three when the weights wobble."""
    chance = random.Random(seed)
    runners = contenders(papers, [w > 0 for w in weights], TOP, table)
    counts = dict.fromkeys((paper_id for paper_id, _ in runners), 0)
    for _ in range(draws):
        drawn = [w * 2 ** chance.uniform(-1, 1) for w in weights]
        scored = [(-rounded(dot(drawn, points)), n) for n, (_, points) in enumerate(runners)]
        for _, number in nsmallest(TOP, scored):
            counts[runners[number][0]] += 1
    often = sorted(counts.items(), key=lambda pair: -pair[1])
    return [(paper_id, count / draws) for paper_id, count in often if count]


def contenders(
    papers: Sequence[Paper], counts: Sequence[bool], top: int, table: Any = None
) -> list[Paper]:
    """Return, in order, the papers that positive weights can put among the top ones.

    A paper that `top` others beat or equal in every criterion that counts never gets there, so of
    a hundred thousand papers a few dozen are left to draw for.
    """

    def seen(points: tuple[float, ...]) -> tuple[float, ...]:
        return tuple(p for p, is_counted in zip(points, counts, strict=True) if is_counted)

    of_all = [seen(points) for _, points in papers] if table is None else table[:, list(counts)]
    hopeful = not_outdone(of_all, top)
    order = sorted(hopeful, key=lambda i: (-rounded(sum(seen(papers[i][1]))), i))
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


def dethroning(
    papers: Sequence[Paper], weights: Sequence[float], first: int, table: Any = None
) -> Dethroning | None:
    """Return the smallest change of one weight, within 0 to 2, at which another is no worse.

    Scores are linear in a weight w: the other one catches up where w moves by the gap of the
    scores over the gap of the points.
    """
    top = papers[first][1]
    best: tuple[float, int, int] | None = None
    for number in nearest(papers, weights, first, table):
        points = papers[number][1]
        gap = max(0.0, dot(weights, top) - dot(weights, points))
        for place in range(len(CRITERIA)):
            slope = points[place] - top[place]
            if slope == 0.0:
                continue
            change = gap / slope
            if not LEAST - TIE <= weights[place] + change <= MOST + TIE:
                continue
            if best is None or (abs(change), number) < (abs(best[0]), best[1]):
                best = change, number, place
    if best is None:
        return None
    change, number, place = best
    after = min(MOST, max(LEAST, weights[place] + change))
    return Dethroning(CRITERIA[place], weights[place], after, papers[number][0])


def not_outdone(points: Any, top: int) -> list[int]:
    """Return the papers that no `top` of the best ones beat or equal in every criterion.

    `points` are a paper's each, or an array of them.
    """
    if len(points) < MANY or not len(points[0]):
        return list(range(len(points)))
    import numpy as np

    table = np.asarray(points)
    left = np.arange(len(points))  # the numbers of those that may still be
    own, outdone = table, np.zeros(len(points), int)
    for probe in np.argsort(-table.sum(axis=1), kind="stable")[:_PROBES]:
        as_good = (table[probe] >= own).all(axis=1)
        differs = (table[probe] != own).any(axis=1)
        outdone += as_good & (differs | (probe < left))
        still = outdone < top
        if still.sum() < 0.9 * len(still):
            left, own, outdone = left[still], own[still], outdone[still]
    return [int(n) for n in left[outdone < top]]


def nearest(
    papers: Sequence[Paper], weights: Sequence[float], first: int, table: Any = None
) -> list[int]:
    """Return the papers other than the first of which one needs the smallest change of a weight."""
    if len(papers) < MANY:
        return [number for number in range(len(papers)) if number != first]
    import numpy as np

    by = np.asarray(weights)
    if table is None:
        table = np.asarray([points for _, points in papers])
    gap = np.maximum(0.0, by @ table[first] - table @ by)
    with np.errstate(divide="ignore", invalid="ignore"):
        change = gap[:, None] / (table - table[first])
        after = by + change
        allowed = np.isfinite(change) & (after >= LEAST - 2 * TIE) & (after <= MOST + 2 * TIE)
    allowed[first] = False
    size = np.where(allowed, np.abs(change), np.inf).min(axis=1)
    smallest = float(size.min())
    # What arrays round differently is left to the exact reckoning.
    return [int(n) for n in np.flatnonzero(size <= smallest * (1 + TIE) + TIE)]
