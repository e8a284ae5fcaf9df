"""Which of a paper's speed claims speaks for it, and what weakens it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from analyzers.facts import BaselineKind, Bound, Claim, PaperFacts, Part, Regime, Scope
from analyzers.message import Message, message
from analyzers.scoring.ratios import speedup_of
from analyzers.targets import Target

BASE_SIGMA = 0.25
GROWTH = 1.5
_SOURCE_DOUBT = 2
"""What a number is worth that nothing in its source supports: as little as a foreign regime's."""

MOST_OF_A_PHASE = math.e**2
"""Four standard deviations of the prior: a phase that gains more had a baseline that was broken,
out of memory or idle."""
PHASES = frozenset({Part.WHOLE_RUN, Part.PREFILL, Part.DECODE})

_STRENGTH = {
    BaselineKind.ENGINE: 0,
    BaselineKind.BEST_KNOWN: 0,
    BaselineKind.NAMED_RIVAL: 1,
    BaselineKind.PLAIN: 2,
    BaselineKind.OWN: 3,
    BaselineKind.UNNAMED: 3,
    BaselineKind.PREDECESSOR: 4,
}


@dataclass(frozen=True, slots=True)
class Headline:
    """The claim that speaks for a paper: its ratio, the part it is about, and its doubts.

    `k` counts the doubts (two for an overtaken baseline, a foreign regime or each doubt of the
    source); the claim enters the belief with a standard deviation of 0.25 x 1.5^k in ln s.
    """

    claim: Claim
    speedup: float
    part: Part
    k: int
    doubts: tuple[Message, ...]

    @property
    def sigma(self) -> float:
        """Standard deviation of ln s."""
        return BASE_SIGMA * float(GROWTH**self.k)

    @property
    def counted(self) -> float:
        """The ratio that enters the belief: a phase or a run is never believed faster than this."""
        return min(self.speedup, MOST_OF_A_PHASE) if self.part in PHASES else self.speedup


def headline_of(facts: PaperFacts, target: Target) -> Headline | None:
    """Return the claim that speaks for a paper: the first of `headline_order`, without the rest."""
    best = min(_candidates(facts), key=lambda c: _order(c, target.home), default=None)
    return None if best is None else _headline(*best, facts, target)


def headline_order(facts: PaperFacts, target: Target) -> list[Headline]:
    """Return all claims that could be the headline, the best first.

    In the target's regime, stronger baseline, abstract before body, end to end before kernel,
    plain before "up to", then the smallest. A gain over a predecessor that the target doesn't run
    is an increment: it comes only where there is no gain over doing without.
    """
    return [
        _headline(claim, ratio, facts, target)
        for claim, ratio in sorted(_candidates(facts), key=lambda c: _order(c, target.home))
    ]


def _candidates(facts: PaperFacts) -> list[tuple[Claim, float]]:
    candidates = [
        (claim, ratio)
        for claim in facts.claims
        if claim.own_result and (ratio := speedup_of(claim)) is not None and ratio > 1
    ]
    direct = [c for c in candidates if c[0].baseline_kind is not BaselineKind.PREDECESSOR]
    return direct or candidates


def _order(
    candidate: tuple[Claim, float], home: Regime
) -> tuple[int, int, bool, int, bool, float, str]:
    claim, ratio = candidate
    regime = {home: 0, None: 1}.get(claim.regime, 2)
    scope = {Scope.END_TO_END: 0, Scope.COMPONENT: 1, None: 1}.get(claim.scope, 2)
    return (
        regime,
        _STRENGTH[claim.baseline_kind],
        not claim.in_abstract,
        scope,
        claim.bound is Bound.UP_TO,
        ratio,
        claim.key,
    )


def _headline(claim: Claim, ratio: float, facts: PaperFacts, target: Target) -> Headline:
    k, doubts = 0, []
    if claim.bound is Bound.UP_TO:
        k += 1
        doubts.append(message("it says \u201cup to\u201d"))
    if claim.weak_baseline or claim.baseline_kind.is_weak:
        k += 1
        if claim.baseline:
            doubts.append(message("its baseline is weak: {baseline}", baseline=claim.baseline))
        else:
            doubts.append(message("it names no baseline"))
    if not target.counts(claim.hardware):
        k += 1
        doubts.append(
            message(
                "measured on {hardware}, which {target} hardly runs on",
                hardware=claim.hardware,
                target=target.name,
            )
        )
    if claim.overtaken_baseline:
        k += 2
        doubts.append(
            message(
                "{target} has already overtaken its baseline: {baseline}",
                target=target.name,
                baseline=claim.baseline or "?",
            )
        )
    if claim.regime is Regime.MEMORY_STARVED:
        k += 2
        doubts.append(message("measured on a card that had run out of memory"))
    elif claim.regime is Regime.LARGE_BATCH and target.home is not Regime.LARGE_BATCH:
        k += 2
        doubts.append(message("measured at a larger batch than {target} runs", target=target.name))
    elif claim.regime is Regime.TARGET and target.home is Regime.LARGE_BATCH:
        k += 2
        doubts.append(message("measured at a smaller batch than {target} runs", target=target.name))
    k += _SOURCE_DOUBT * len(claim.source_doubts)
    doubts += claim.source_doubts
    if claim.unsure:
        k += 1
        doubts.append(message("the analysis isn't sure that it is the paper's own result"))
    part = claim.part or target.part_of(facts.technique, claim.scope)
    if part in PHASES and ratio > MOST_OF_A_PHASE:
        doubts.append(
            message("more than {most}x: it counts as that", most=f"{MOST_OF_A_PHASE:.1f}")
        )
    return Headline(claim, ratio, part, k, tuple(doubts))
