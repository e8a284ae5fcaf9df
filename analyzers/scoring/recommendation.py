"""From a score to what a lead should do, and when: the first rule that holds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from analyzers.facts import InTarget, Integration, PaperFacts
from analyzers.message import Message, message
from analyzers.scoring.belief import Belief
from analyzers.scoring.rubric import Scored

WORTH_BUILDING = 1.10
"""A whole run must gain 10 % to be worth a project of its own."""
WORTH_HAVING = 1.02
NEGLIGIBLE = 1.03
"""Under 3 % even at the high end, a gain drowns in the noise between releases."""

LITTLE = 0.2
"""A relevance under this isn't worth a bench: the wide interval of what nobody measured is none."""


class Advice(StrEnum):
    """What to do with a paper, in the order in which the ranking lists the groups."""

    DO_NOW = "do_now"
    HIGH_VALUE = "high_value"
    STEADY = "steady"
    MEASURE_FIRST = "measure_first"
    LONG_TERM = "long_term"
    CAREFUL = "careful"
    NOT_RECOMMENDED = "not_recommended"
    ALREADY_THERE = "already_there"


GROUP_ORDER = {advice: position for position, advice in enumerate(Advice)}


@dataclass(frozen=True, slots=True)
class Recommendation:
    """The advice, its phase (1 to 3, or none), and why.

    `otherwise` is the advice there would be but for a warning.
    """

    advice: Advice
    phase: int | None
    why: Message
    otherwise: Advice | None = None

    @property
    def group(self) -> int:
        """The place of its group in the ranking: a warning never lifts a paper."""
        return max(GROUP_ORDER[self.advice], GROUP_ORDER[self.otherwise or self.advice])

    def to_json(self) -> dict[str, Any]:
        """Return the record that the catalog keeps and the pages show."""
        return {"advice": self.advice.value, "phase": self.phase, "why": self.why.to_json()}


def recommend_report(facts: PaperFacts, scored: Scored | None) -> Recommendation:
    """Recommend by `report-1`, which gives the seven outcomes of the report of August 2025."""
    if facts.in_target is InTarget.MERGED:
        return Recommendation(Advice.ALREADY_THERE, None, message("the engine has it"))
    if facts.has_open_high_risk:
        return Recommendation(Advice.CAREFUL, None, message("a high risk is open"))
    if scored is None:
        return Recommendation(Advice.NOT_RECOMMENDED, None, message("the report gave no score"))
    if scored.value < 5:
        return Recommendation(Advice.NOT_RECOMMENDED, None, message("the score is under 5"))
    if scored.performance >= 2.5 and scored.value >= 7:
        why = message("high performance and a score of 7 or more")
        return Recommendation(Advice.DO_NOW, 1, why)
    if scored.performance >= 1 and scored.value >= 6:
        why = message("good performance and a score of 6 or more")
        return Recommendation(Advice.HIGH_VALUE, 2, why)
    if facts.integration is Integration.DROP_IN:
        return Recommendation(Advice.STEADY, 3, message("it drops in"))
    return Recommendation(Advice.LONG_TERM, 3, message("it pays off late, if it does"))


def recommend(facts: PaperFacts, belief: Belief) -> Recommendation:
    """Recommend by `assay-1`, from the believed speedup of a whole run."""
    if facts.in_target is InTarget.MERGED:
        why = message("the engine has it already: tune it")
        return Recommendation(Advice.ALREADY_THERE, None, why)
    by_speed = _by_speed(facts, belief)
    if facts.below_quality:
        why = message("its prototype is below the quality bar")
        return Recommendation(Advice.CAREFUL, None, why, by_speed.advice)
    if facts.has_open_high_risk:
        why = message("a high risk is open")
        return Recommendation(Advice.CAREFUL, None, why, by_speed.advice)
    return by_speed


def _by_speed(facts: PaperFacts, belief: Belief) -> Recommendation:
    low, mean, high = belief.run_low, belief.run_speedup, belief.run_high
    if high < NEGLIGIBLE:
        why = message("a whole run gets {high}x as fast at the very most", high=high)
        return Recommendation(Advice.NOT_RECOMMENDED, None, why)
    if not belief.known:
        # There is nothing to measure: the prior alone must not send anyone to the bench.
        why = message("it makes no speed claim, and nothing was measured")
        return Recommendation(Advice.NOT_RECOMMENDED, None, why)
    if not belief.measurements and facts.relevance is not None and facts.relevance < LITTLE:
        why = message("it matters too little to the engine to be measured first")
        return Recommendation(Advice.NOT_RECOMMENDED, None, why)
    if not belief.measurements and high >= WORTH_BUILDING:
        why = message(
            "a whole run could get {high}x as fast, but nothing has been measured", high=high
        )
        return Recommendation(Advice.MEASURE_FIRST, None, why)
    if low >= WORTH_BUILDING:
        why = message("a whole run gets at least {low}x as fast", low=low)
        return Recommendation(Advice.DO_NOW, 1, why)
    if mean >= WORTH_BUILDING:
        why = message("a whole run should get {mean}x as fast", mean=mean)
        return Recommendation(Advice.HIGH_VALUE, 2, why)
    if mean >= WORTH_HAVING:
        why = message("a whole run gets about {mean}x as fast", mean=mean)
        if facts.integration is Integration.DROP_IN:
            return Recommendation(Advice.STEADY, 3, why)
        return Recommendation(Advice.LONG_TERM, 3, why)
    why = message("a whole run should get no more than {mean}x as fast", mean=mean)
    return Recommendation(Advice.NOT_RECOMMENDED, None, why)
