"""Scoring the catalog anew: what moved, and the rows that the ranking shows."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy.orm import Session

from analyzers.message import N_, message
from analyzers.scoring import (
    Ranked,
    ReportRanked,
    place,
    place_claimed,
    rank,
    rank_claimed,
    rank_report,
    score_paper,
)
from analyzers.targets import Target, load_target
from app import home
from app.actor import actor
from app.errors import UsageError
from app.workflows.assembling import Assembled, assemble, assemble_report
from app.workflows.judging import headline_verdict
from app.workflows.moves import Move
from app.workflows.scored_by import are_fresh, note_fresh
from app.workflows.settings import default_target
from db.queries import scores as score_queries
from db.queries.scores import ScoreValue

_MOST_CHOSEN = 2000
"""Of more papers than that all are scored: a query names each."""


def target_named(name: str) -> Target:
    """Return a target; a person's own file in the data folder wins over the shipped one."""
    return load_target(name, home.targets_folder())


def rescore(
    session: Session,
    cause: Mapping[str, Any],
    paper_ids: Collection[str] | None = None,
    *,
    target_name: str | None = None,
) -> list[Move]:
    """Score papers, store what the list shows, and return what moved.

    `cause` says what is behind it: {"kind": reading|analysis|correction|run|rule, "ref", …}. With
    `paper_ids` only these are scored, and all are numbered anew: a paper's score doesn't depend on
    the others. When the rules or the target file changed since the last time all are scored, and a
    paper outside `paper_ids` that moves then moved with those.
    """
    if (who := actor()) is not None:
        cause = {**cause, "who": who}
    target = target_named(target_name or default_target())
    chosen = None if paper_ids is None else _chosen(session, paper_ids, target.name)
    assembled = assemble(session, target, paper_ids=chosen)
    by_id = {a.paper.id: a for a in assembled}
    ranked = rank(score_paper(a.facts, target) for a in assembled)
    claimed_rank = {r.facts.paper_id: i for i, r in enumerate(rank_claimed(ranked), start=1)}
    report = {
        r.facts.paper_id: (i, r)
        for i, r in enumerate(rank_report(assemble_report(session, target), target), start=1)
    }
    values: list[ScoreValue] = []
    for position, paper in enumerate(ranked, start=1):
        paper_id = paper.facts.paper_id
        row = list_row(by_id[paper_id], paper, target)
        believed, claimed = paper.believed, paper.claimed
        values += [
            ScoreValue(
                paper_id,
                target.name,
                "believed",
                believed.value,
                believed.low,
                believed.high,
                position,
                believed.to_json() | {"row": row, "belief": belief_record(paper)},
                list(place(paper)),
            ),
            ScoreValue(
                paper_id,
                target.name,
                "claimed",
                claimed.value,
                claimed.low,
                claimed.high,
                claimed_rank[paper_id],
                claimed.to_json(),
                list(place_claimed(paper)),
            ),
            _report_value(paper_id, report.get(paper_id), target),
        ]
    other = {"kind": "rule", "ref": target.name}
    causes = (
        None
        if paper_ids is None
        else {a.paper.id: other for a in assembled if a.paper.id not in paper_ids}
    )
    steps = score_queries.save(session, values, cause, causes=causes)
    if chosen is None:
        note_fresh(session, target.name)
    else:
        for kind in ("believed", "claimed"):
            score_queries.renumber(session, target.name, kind)
    return [Move(s.paper_id, s.kind, s.before, s.after) for s in steps]


def _chosen(session: Session, paper_ids: Collection[str], target: str) -> set[str] | None:
    """Return the papers that have to be scored, None for all of them."""
    if not are_fresh(session, target):
        return None
    chosen = {*paper_ids, *score_queries.unscored(session, target)}
    return chosen if len(chosen) <= _MOST_CHOSEN else None


def _report_value(
    paper_id: str, entry: tuple[int, ReportRanked] | None, target: Target
) -> ScoreValue:
    if entry is None:
        return ScoreValue(paper_id, target.name, "report", None, None, None, None, {})
    position, ranked = entry
    record = {"recommendation": ranked.recommendation.to_json()}
    if ranked.scored is None:
        return ScoreValue(paper_id, target.name, "report", None, None, None, None, record)
    scored = ranked.scored
    return ScoreValue(
        paper_id,
        target.name,
        "report",
        scored.value,
        scored.low,
        scored.high,
        position,
        scored.to_json() | record,
    )


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


def list_row(paper: Assembled, ranked: Ranked, target: Target) -> dict[str, Any]:
    """Return a paper's row of the ranking, but for its ranks and what needs a language."""
    belief, facts, row = ranked.belief, paper.facts, paper.paper
    device = ranked.device
    verdict = headline_verdict(paper, ranked, target)
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
        "provisional": bool(device.provisional) if device else verdict.provisional,
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


def rank_now(
    session: Session, target_name: str, device: str | None, order: str
) -> list[dict[str, Any]]:
    """Score and rank on the fly: for another target, one device alone, or the safe order.

    Raises `UsageError` for a device that nothing was measured on.
    """
    from db.queries import runs as run_queries

    target = target_named(target_name)
    if device is not None:
        known = [d.device_id for d in run_queries.devices(session)]
        if device not in known:
            raise UsageError(
                message(
                    "Nothing was measured on {device!r}. Devices with runs: {there}.",
                    words=("there",),
                    device=device,
                    there=", ".join(known) or N_("none yet"),
                )
            )
    return rank_for(session, target, device, order)


def rank_for(
    session: Session, target: Target, device: str | None = None, order: str = "expected"
) -> list[dict[str, Any]]:
    """Return the rows of the ranking by a target that need not have a file, as `rank_now`."""
    assembled = {a.paper.id: a for a in assemble(session, target, device=device)}
    ranked = rank((score_paper(a.facts, target, device) for a in assembled.values()), order)
    return [
        list_row(assembled[r.facts.paper_id], r, target)
        | {"rank": position, "points": _points(r, order)}
        for position, r in enumerate(ranked, start=1)
    ]


def _points(ranked: Ranked, order: str) -> dict[str, float]:
    return {
        c.name: round(c.low if order == "safe" else c.points, 4) for c in ranked.believed.criteria
    }
