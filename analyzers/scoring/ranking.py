"""Scoring one paper, and putting many in order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from analyzers.facts import Integration, Measurement, PaperFacts, Severity
from analyzers.scoring.belief import Belief, believe
from analyzers.scoring.recommendation import (
    Recommendation,
    recommend,
    recommend_report,
)
from analyzers.scoring.rubric import Scored, score_believed, score_claimed, score_report
from analyzers.targets import Target

EXPECTED, SAFE = "expected", "safe"
Place = tuple[float | int | str, ...]


@dataclass(frozen=True, slots=True)
class Ranked:
    """A paper with all that the score says of it."""

    facts: PaperFacts
    belief: Belief
    claimed: Scored
    believed: Scored
    recommendation: Recommendation
    device: Measurement | None
    """The measurement on the ranking device: highest weight, the newest on ties."""

    def score(self, order: str = EXPECTED) -> float:
        """Return the score that the order goes by."""
        return self.believed.low if order == SAFE else self.believed.value


@dataclass(frozen=True, slots=True)
class ReportRanked:
    """A paper as the report of August 2025 ranked it."""

    facts: PaperFacts
    scored: Scored | None
    recommendation: Recommendation


def score_paper(facts: PaperFacts, target: Target, device: str | None = None) -> Ranked:
    """Score one paper by `assay-1`; `device` ranks by that device's measurements alone."""
    belief = believe(facts, target, device)
    return Ranked(
        facts=facts,
        belief=belief,
        claimed=score_claimed(facts, belief, target),
        believed=score_believed(facts, belief, target),
        recommendation=recommend(facts, belief),
        device=ranking_device(belief.measurements, target),
    )


def rank(papers: Iterable[Ranked], order: str = EXPECTED) -> list[Ranked]:
    """Order papers by group of advice, then by score; ties by evidence, risk, ease, title."""
    return sorted(papers, key=lambda p: place(p, order))


def place(paper: Ranked, order: str = EXPECTED) -> Place:
    """Return what a paper's rank goes by: the smallest comes first, whatever the others are."""
    return (
        paper.recommendation.group,
        -round(paper.score(order), 9),
        *_ties(paper.facts, -paper.belief.measured_weight, -paper.belief.claim_weight),
    )


def rank_claimed(papers: Iterable[Ranked]) -> list[Ranked]:
    """Order papers by their claims at face value."""
    return sorted(papers, key=place_claimed)


def place_claimed(paper: Ranked) -> Place:
    """Return what a paper's rank by its claims at face value goes by."""
    return (-round(paper.claimed.value, 9), *_ties(paper.facts, -paper.belief.claim_weight))


def rank_report(papers: Sequence[PaperFacts], target: Target) -> list[ReportRanked]:
    """Score and order papers by `report-1`; those without a score come last and have no rank."""
    ranked = [
        ReportRanked(facts, scored, recommend_report(facts, scored))
        for facts in papers
        for scored in [score_report(facts, target)]
    ]
    return sorted(
        ranked,
        key=lambda r: (
            r.scored is None,
            -round(r.scored.value, 9) if r.scored else 0.0,
            *_ties(r.facts, float(r.facts.report_speedup is None)),
        ),
    )


def ranking_device(measurements: Sequence[Measurement], target: Target) -> Measurement | None:
    """Return the measured device of highest weight, the newest on ties."""
    return max(
        measurements,
        key=lambda m: (target.weight(m.device_class), m.measured_at),
        default=None,
    )


_SEVERITY = {Severity.LOW: 1, Severity.MEDIUM: 2, Severity.HIGH: 3}
_EASE = {Integration.DROP_IN: 0, Integration.LOCAL: 1, None: 2, Integration.ARCHITECTURAL: 3}


def _ties(facts: PaperFacts, *evidence: float) -> Place:
    risk = max((_SEVERITY[r.severity] for r in facts.risks if r.is_open), default=0)
    return (*evidence, risk, _EASE[facts.integration], facts.title.casefold(), facts.paper_id)
