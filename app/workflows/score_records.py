"""What the catalog keeps of a scored paper: what is believed of it, and its row of the ranking."""

from __future__ import annotations

from typing import Any

from analyzers.scoring import Ranked
from analyzers.targets import Target
from app.workflows.assembling import Assembled
from app.workflows.judging import headline_verdict


def belief_record(paper: Ranked) -> dict[str, Any]:
    """Return what is believed of a paper's speed, and from what, for the pages."""
    belief = paper.belief
    headline = belief.headline
    return {
        "part": belief.part.value,
        "share": belief.share,
        "known": belief.known,
        "speedup": belief.speedup,
        "low": belief.low,
        "high": belief.high,
        "run_speedup": belief.run_speedup,
        "run_low": belief.run_low,
        "run_high": belief.run_high,
        "claim_weight": belief.claim_weight,
        "measured_weight": belief.measured_weight,
        "headline": headline
        and {
            "key": headline.claim.key,
            "speedup": headline.speedup,
            "part": headline.part.value,
            "k": headline.k,
            "sigma": headline.sigma,
            "doubts": [d.to_json() for d in headline.doubts],
        },
        "measurements": [
            {
                "device": m.device_id,
                "device_class": m.device_class.value,
                "part": m.part.value,
                "speedup": m.speedup,
                "low": m.low,
                "high": m.high,
                "baseline": m.baseline,
                "baseline_role": m.baseline_role,
                "provisional": m.provisional,
                "run_ids": list(m.run_ids),
                "measured_at": m.measured_at,
            }
            for m in belief.measurements
        ],
    }


def list_row(
    paper: Assembled, ranked: Ranked, target: Target, only: str | None = None
) -> dict[str, Any]:
    """Return a paper's row of the ranking, but for its ranks and what needs a language.

    `device` measured what the score counts, `verdict_device` what the verdict says: mostly the
    same. With `only` no other device is asked.
    """
    belief, facts, row = ranked.belief, paper.facts, paper.paper
    device = ranked.device
    verdict = headline_verdict(paper, ranked, target, only)
    counted = device is not None and device.device_id == (verdict.device or device.device_id)
    return {
        "paper_id": row.id,
        "arxiv_id": row.arxiv_id,
        "title": row.title,
        "technique": facts.technique and facts.technique.value,
        "score": round(ranked.believed.value, 4),
        "score_interval": [round(ranked.believed.low, 4), round(ranked.believed.high, 4)],
        "score_safe": round(ranked.believed.low, 4),
        "score_claimed": round(ranked.claimed.value, 4),
        "claimed_speedup": belief.headline and round(belief.headline.speedup, 4),
        "measured_speedup": verdict.measured and round(verdict.measured.median, 4),
        "engine_speedup": device and round(device.speedup, 4),
        "run_speedup": round(belief.run_speedup, 4) if belief.known else None,
        "run_interval": [round(belief.run_low, 4), round(belief.run_high, 4)],
        "device": device.device_id if device else verdict.device,
        "verdict": verdict.kind.value,
        "verdict_device": verdict.device,
        "provisional": bool(device.provisional) if device and counted else verdict.provisional,
        "complexity": facts.complexity and facts.complexity.value,
        "relevance": facts.relevance,
        "integration": facts.integration and facts.integration.value,
        "in_target": facts.in_target.value,
        "recommendation": ranked.recommendation.advice.value,
        "phase": ranked.recommendation.phase,
        "why": ranked.recommendation.why.to_json(),
        "prototype": paper.prototypes[0] if paper.prototypes else None,
        "headline": belief.headline and belief.headline.claim.key,
    }
