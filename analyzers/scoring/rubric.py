"""Four criteria, each with its evidence, on fixed scales; their sum is the score.

Fixed scales mean that adding or removing a paper never moves another one. Two rubrics share the
criteria: `report-1` is what the report of August 2025 used; `assay-1` counts the speedup of a
whole run and takes points off for a loss.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from analyzers.facts import Complexity, PaperFacts
from analyzers.message import Message, message
from analyzers.scoring.belief import Belief
from analyzers.scoring.ratios import amdahl, performance_points
from analyzers.targets import Target

REPORT_RUBRIC = "report-1"
ASSAY_RUBRIC = "assay-1"
EASE = {Complexity.HIGH: -1.0, Complexity.MEDIUM: 0.0, Complexity.LOW: 1.0}


@dataclass(frozen=True, slots=True)
class Criterion:
    """Points of one criterion, why, and whether its evidence is missing."""

    name: str
    points: float
    low: float
    high: float
    minimum: float
    maximum: float
    reason: Message
    missing: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the record that the catalog keeps and the pages show."""
        return {
            "name": self.name,
            "points": round(self.points, 4),
            "low": round(self.low, 4),
            "high": round(self.high, 4),
            "minimum": self.minimum,
            "maximum": self.maximum,
            "reason": self.reason.to_json(),
            "missing": self.missing,
        }


@dataclass(frozen=True, slots=True)
class Scored:
    """A score with its interval and its breakdown."""

    rubric: str
    value: float
    low: float
    high: float
    criteria: tuple[Criterion, ...]

    @property
    def performance(self) -> float:
        """Points of the performance criterion."""
        return next(c.points for c in self.criteria if c.name == "performance")

    def to_json(self) -> dict[str, Any]:
        """Return the record that the catalog keeps and the pages show."""
        return {
            "rubric": self.rubric,
            "value": round(self.value, 4),
            "low": round(self.low, 4),
            "high": round(self.high, 4),
            "breakdown": [c.to_json() for c in self.criteria],
        }


def score_report(facts: PaperFacts, target: Target) -> Scored | None:
    """Score by `report-1`; none where the reading holds no relevance or no complexity."""
    if facts.relevance is None or facts.complexity is None:
        return None
    if facts.report_speedup is None:
        performance = _fixed(
            "performance", 0.0, -2, 3, message("no figure was found"), missing=True
        )
    else:
        performance = _fixed(
            "performance",
            max(0.0, performance_points(facts.report_speedup)),
            -2,
            3,
            message("the paper's figure, {speedup}x, at face value", speedup=facts.report_speedup),
        )
    return _total(REPORT_RUBRIC, facts, target, performance)


def score_claimed(facts: PaperFacts, belief: Belief, target: Target) -> Scored:
    """Score by `assay-1`, the headline claim at face value."""
    headline = belief.headline
    if headline is None:
        performance = _fixed(
            "performance", 0.0, -2, 3, message("no speed claim was found"), missing=True
        )
    else:
        share = target.shares[headline.part]
        run = amdahl(headline.speedup, share)
        performance = _fixed(
            "performance",
            performance_points(run),
            -2,
            3,
            message(
                "claimed {speedup}x on {part}, {share} % of a run: {run}x for the whole run",
                words=("part",),
                speedup=headline.speedup,
                part=headline.part.value,
                share=100 * share,
                run=run,
            ),
        )
    return _total(ASSAY_RUBRIC, facts, target, performance)


def score_believed(facts: PaperFacts, belief: Belief, target: Target) -> Scored:
    """Score by `assay-1`, the believed speedup; a prototype below its quality bar earns nothing."""
    points, low, high = (
        performance_points(s) for s in (belief.run_speedup, belief.run_low, belief.run_high)
    )
    params: dict[str, Any] = {
        "speedup": belief.speedup,
        "part": belief.part.value,
        "share": 100 * belief.share,
        "run": belief.run_speedup,
    }
    if not belief.known:
        reason = message("nothing is known of its speed: the prior alone")
    elif facts.below_quality:
        reason = message("the prototype is below its quality bar: no points for speed")
    elif belief.headline is None:
        reason = message(
            "measured only, believed {speedup}x on {part}, {share} % of a run: "
            "{run}x for the whole run",
            words=("part",),
            **params,
        )
    elif belief.measurements:
        reason = message(
            "measured and claimed, believed {speedup}x on {part}, {share} % of a run: "
            "{run}x for the whole run",
            words=("part",),
            **params,
        )
    else:
        reason = message(
            "claimed only, believed {speedup}x on {part}, {share} % of a run: "
            "{run}x for the whole run",
            words=("part",),
            **params,
        )
    if facts.below_quality:
        points, low, high = min(0.0, points), min(0.0, low), min(0.0, high)
    performance = Criterion(
        "performance", points, low, high, -2, 3, reason, missing=not belief.known
    )
    return _total(ASSAY_RUBRIC, facts, target, performance)


def _total(rubric: str, facts: PaperFacts, target: Target, performance: Criterion) -> Scored:
    criteria = (_relevance(facts, target), performance, _ease(facts), _core(facts, target))
    return Scored(
        rubric,
        sum(c.points for c in criteria),
        sum(c.low for c in criteria),
        sum(c.high for c in criteria),
        criteria,
    )


def _relevance(facts: PaperFacts, target: Target) -> Criterion:
    if facts.relevance is None:
        reason = message("its relevance to {target} isn't known", target=target.name)
        return _fixed("relevance", 0.0, 0, 5, reason, missing=True)
    reason = message(
        "relevance to {target} {relevance} of 1", target=target.name, relevance=facts.relevance
    )
    trust = facts.relevance_trust
    if trust < 1:
        reason = message(
            "relevance to {target} {relevance} of 1, counted {share} %: little was read",
            target=target.name,
            relevance=facts.relevance,
            share=100 * trust,
        )
    return _fixed("relevance", 5 * facts.relevance * trust, 0, 5, reason)


def _ease(facts: PaperFacts) -> Criterion:
    if facts.complexity is None:
        return _fixed("ease", 0.0, -1, 1, message("its complexity isn't known"), missing=True)
    reason = message("complexity {level}", words=("level",), level=facts.complexity.value)
    points = EASE[facts.complexity]
    if facts.ease_trust < 1 and points > 0:
        # That nothing speaks of work is no sign of ease where little was read.
        points *= facts.ease_trust
        reason = message(
            "complexity {level}, for as much as was read",
            words=("level",),
            level=facts.complexity.value,
        )
    return _fixed("ease", points, -1, 1, reason)


def _core(facts: PaperFacts, target: Target) -> Criterion:
    if facts.technique is None:
        return _fixed("core", 0.0, 0, 1, message("its technique isn't known"), missing=True)
    is_core = facts.technique in target.core_techniques
    params = {"technique": facts.technique.value, "target": target.name}
    reason = (
        message("{technique} is a core direction of {target}", words=("technique",), **params)
        if is_core
        else message("{technique} is no core direction of {target}", words=("technique",), **params)
    )
    return _fixed("core", float(is_core), 0, 1, reason)


def _fixed(
    name: str,
    points: float,
    minimum: float,
    maximum: float,
    reason: Message,
    *,
    missing: bool = False,
) -> Criterion:
    return Criterion(name, points, points, points, minimum, maximum, reason, missing)
