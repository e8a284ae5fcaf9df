"""What is wrong with a paper's numbers before anyone builds it: contradictions, limits of physics.

Three kinds, each with its arithmetic: one claim with two values in the paper itself; a claim above
what a measured device can do at all (roofline); a claim about a phase above what a technique that
speeds up only a part of it can give (Amdahl), on the target's reference workload.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from analyzers.facts import Claim, Metric, Part, Regime, Scope, Technique
from analyzers.message import Message, message
from analyzers.scoring.ratios import speedup_of
from analyzers.scoring.verdicts import Verdict
from analyzers.targets import Target
from app.labels import say
from app.workflows.assembling import Assembled, scoring_claim

CONTRADICTION, ROOFLINE, AMDAHL = "contradiction", "roofline", "amdahl"
_PHYSICS = "physics: "
_ONE_PART = {
    (Technique.ATTENTION, Part.PREFILL): Part.PREFILL_ATTENTION,
    (Technique.ATTENTION, Part.DECODE): Part.DECODE_ATTENTION,
    # not prefill: a cache that is kept for the next request spares all of it
    (Technique.KV_CACHE, Part.DECODE): Part.DECODE_ATTENTION,
    (Technique.GEMM_KERNEL, Part.PREFILL): Part.PREFILL_LINEARS,
    (Technique.GEMM_KERNEL, Part.DECODE): Part.DECODE_LINEARS,
}
"""What techniques speed up of a phase, where they leave the rest of it as it is."""
_GAIN_BY_BATCH = (Regime.LARGE_BATCH, Regime.MEMORY_STARVED)
_ROUNDING = 1.02
"""A claim may be rounded up: two hundredths over a limit are no finding."""


def findings(
    analysis: Mapping[str, Any] | None,
    paper: Assembled,
    verdicts: Mapping[str, Sequence[Verdict]],
    target: Target,
    language: str,
) -> list[dict[str, Any]]:
    """Return {"kind", "text", "claims": keys, "places", "device", "run_id"} records.

    `verdicts` are the paper's by claim key. Contradictions come first: they need no run.
    """
    found = [*_contradictions(analysis or {}), *_above_a_part(paper, target), *_roofline(verdicts)]
    return [
        {"claims": [], "places": [], "device": None, "run_id": None}
        | record
        | {"text": say(record["text"], language)}
        for record in found
    ]


def _contradictions(analysis: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for finding in analysis.get("findings") or ():
        if "template" not in finding:
            continue
        places = [
            {
                "kind": place.get("kind"),
                "quote": place.get("quote") or "",
                "page": place.get("page"),
                "boxes": place.get("boxes") or [],
            }
            for place in finding.get("places") or ()
        ]
        text = Message.from_json(finding)
        yield {"kind": CONTRADICTION, "text": text, "places": places}


def _roofline(verdicts: Mapping[str, Sequence[Verdict]]) -> Iterator[dict[str, Any]]:
    """Yield what the verdicts say of physics: the arithmetic is in their reasons."""
    for key, judged in verdicts.items():
        for verdict in judged:
            for reason in verdict.reasons:
                if reason.template.startswith(_PHYSICS):
                    yield {
                        "kind": ROOFLINE,
                        "text": reason,
                        "claims": [key],
                        "device": verdict.device,
                        "run_id": verdict.run_id,
                    }


def _above_a_part(paper: Assembled, target: Target) -> Iterator[dict[str, Any]]:
    """Yield at most one finding a phase: the largest claim speaks for all that are too large."""
    for (technique, phase), part in _ONE_PART.items():
        if technique is not paper.facts.technique:
            continue
        share = target.shares[part] / target.shares[phase]
        if share >= 1:
            continue
        most = 1 / (1 - share)
        above = {
            claim.key: claimed
            for claim in map(scoring_claim, paper.claims)
            if (claimed := _of_phase(claim, phase)) is not None and claimed > most * _ROUNDING
        }
        if above:
            largest = max(above.values())
            told = message(
                "Amdahl: {part} takes {share} % of {phase} on the reference workload of {target}: "
                "sped up alone it gives no more than 1/(1 − {fraction}) = {most}x. {claimed}x is "
                "claimed, which needs a workload where it takes {needed} % or more",
                words=("part", "phase"),
                part=part.value,
                phase=phase.value,
                share=100 * share,
                fraction=round(share, 3),
                most=most,
                claimed=largest,
                needed=100 * (1 - 1 / largest),
                target=target.name,
            )
            yield {"kind": AMDAHL, "text": told, "claims": list(above)}


def _of_phase(claim: Claim, phase: Part) -> float | None:
    """Return the speedup that a claim says a whole phase has by the technique's own doing."""
    if claim.part is not phase or claim.scope is not Scope.END_TO_END or not claim.own_result:
        return None
    if claim.metric is Metric.THROUGHPUT_GAIN or claim.regime in _GAIN_BY_BATCH:
        return None  # a larger batch gains in other ways than by a faster part
    return speedup_of(claim)
