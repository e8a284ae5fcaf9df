"""What was measured, for people: claims beside measurements, runs in brief, a run in full."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from analyzers.facts import Bound
from analyzers.scoring import headline_order
from analyzers.scoring.ratios import speedup_of
from analyzers.scoring.runs import measurement
from analyzers.scoring.verdicts import Verdict, VerdictKind
from analyzers.targets import Target
from app.labels import say
from app.reports.text import short_name
from app.workflows.assembling import Assembled, assemble, scoring_claim
from app.workflows.judging import claim_verdicts
from app.workflows.settings import default_target
from app.workflows.staleness import Hashes, is_stale
from app.workflows.triage import target_named
from db.models import Run
from db.queries import papers as paper_queries
from db.queries import prototype_links
from db.queries import ranks as rank_queries
from db.queries import runs as run_queries
from db.queries.claims import ClaimRow

# What a chart shows as measured, or as failed; the others say why there is nothing to show.
_SAYS_SOMETHING = frozenset(VerdictKind) - {VerdictKind.UNTESTED, VerdictKind.NOT_COMPARABLE}
MOST, UNTESTED = 200, 50
"""Papers up to which all are compared; of more, how many of those that no prototype tests."""
_BULKY = ("samples", "fidelity", "quality", "method", "all_threads")


def compare_claims(
    session: Session, *, language: str = "en", target: str | None = None
) -> list[dict[str, Any]]:
    """Return every claim that a run speaks to, and the headline claim of each other paper.

    One row for a claim on a device: what is claimed as a ratio (`claimed`, with `claimed_low` and
    `claimed_high` where its bound or its range leaves room), what was measured against the paper's
    kind of baseline, the verdict, and what the score uses (`engine`). A paper whose claims no run
    tests on a device has its headline claim there; a paper without a speed claim has no row. Of
    more than `MOST` papers those without a prototype have rows that are the best ranked.
    """
    engine = target_named(target or default_target())
    rows: list[dict[str, Any]] = []
    for paper in assemble(session, engine, paper_ids=_compared(session, engine.name)):
        rows += _paper_rows(paper, engine, language)
    return rows


def _compared(session: Session, target: str) -> set[str] | None:
    """Return the papers that are worth a row; None for all."""
    every = set(paper_queries.ids(session))
    if len(every) <= MOST:
        return None
    linked = every & prototype_links.prototypes(session).keys()
    return linked | rank_queries.best(session, target, every - linked, UNTESTED).keys()


def _paper_rows(paper: Assembled, target: Target, language: str) -> list[dict[str, Any]]:
    order = [h.claim.key for h in headline_order(paper.facts, target)]
    headline = order[0] if order else None
    claims = {claim.key: claim for claim in paper.claims}
    verdicts = claim_verdicts(paper)
    rows = []
    for device in sorted(paper.runs):
        here = [
            (claims[key], verdict)
            for key, found in verdicts.items()
            for verdict in found
            if verdict.device == device
        ]
        telling = [(c, v) for c, v in here if v.kind in _SAYS_SOMETHING]
        for claim, verdict in telling or [(c, v) for c, v in here if c.key == headline]:
            rows.append(_row(paper, claim, verdict, headline, language))
    if not rows and headline:
        nothing = Verdict(VerdictKind.UNTESTED, None, ())
        rows.append(_row(paper, claims[headline], nothing, headline, language))
    return rows


def _row(
    paper: Assembled, claim: ClaimRow, verdict: Verdict, headline: str | None, language: str
) -> dict[str, Any]:
    runs = paper.runs.get(verdict.device or "", ())
    low, claimed, high = _claimed(claim)
    counted = measurement(runs) if runs else None
    return {
        "paper_id": paper.paper.id,
        "name": short_name(paper.paper.title),
        "key": claim.key,
        "is_headline": claim.key == headline,
        # Subjects are in the paper's language; a claim of the seed has its sentence in the others.
        "subject": claim.subject
        if language == "en"
        else say(claim.text, language) or claim.subject,
        "bound": claim.bound,
        "against": claim.baseline,
        "scope": claim.scope,
        "hardware": claim.hardware,
        "claimed": claimed,
        "claimed_low": low,
        "claimed_high": high,
        "prototype": paper.prototypes[0] if paper.prototypes else None,
        "device": verdict.device,
        "device_name": runs[0].device_name if runs else None,
        "verdict": verdict.kind.value,
        "reasons": [say(reason, language) for reason in verdict.reasons],
        "provisional": verdict.provisional,
        "measured": verdict.measured and verdict.measured.median,
        "low": verdict.measured and verdict.measured.low,
        "high": verdict.measured and verdict.measured.high,
        "reached": verdict.reached,
        "baseline": verdict.baseline,
        "run_id": verdict.run_id,
        "engine": counted and counted.speedup,
        "engine_baseline": counted and counted.baseline,
    }


def _claimed(claim: ClaimRow) -> tuple[float | None, float | None, float | None]:
    """Return a claim as (low, ratio, high): its ends where its words leave room for other values.

    "Up to 3x" reaches from 1x to 3x, a range from its low to its high end; "at least" has no end
    above.
    """
    read = scoring_claim(claim)
    ratio = speedup_of(read)
    if ratio is None:
        return None, None, None
    if claim.value_high is not None:
        ends = [
            speedup_of(scoring_claim(claim._replace(value=value, value_high=None)))
            for value in (claim.value, claim.value_high)
        ]
        known = sorted(end for end in ends if end is not None)
        return known[0], ratio, known[-1]
    if read.bound is Bound.UP_TO:
        return min(1.0, ratio), ratio, ratio
    return ratio, ratio, None if read.bound is Bound.AT_LEAST else ratio


def list_runs(
    session: Session,
    *,
    prototype: str | None = None,
    device: str | None = None,
    status: str | None = None,
    current: Hashes | None = None,
) -> list[dict[str, Any]]:
    """Return the stored runs in brief, the newest first: their record without samples and gates.

    `current` holds the hashes of today's code; a run of other code is `stale`.
    """
    found = run_queries.for_prototypes(
        session, None if prototype is None else [prototype], device_id=device
    )
    return [
        run_brief(run, current or {}) for run in found if status is None or run.status == status
    ]


def run_brief(run: Run, current: Hashes) -> dict[str, Any]:
    """Return a run in brief, with the device and the ceilings of its environment."""
    record = {name: value for name, value in run.record.items() if name not in _BULKY}
    record["baselines"] = [
        {name: value for name, value in baseline.items() if name != "samples"}
        for baseline in _records(run.record.get("baselines"))
    ]
    environment = run.environment.record
    return record | {
        "id": run.id,
        "status": run.status,
        "device_id": run.device_id,
        "device_name": run.environment.device_name,
        "at": _text(run.record.get("started_at")) or run.started_at,
        "rates": environment.get("rates") if isinstance(environment.get("rates"), dict) else {},
        "noise_floor": environment.get("noise_floor"),
        "stale": is_stale(run.record, current),
    }


def show_run(session: Session, run_id: str, *, current: Hashes | None = None) -> dict[str, Any]:
    """Return all that is stored of a run: {"id", "run", "environment", "papers", "stale"}.

    `run_id` may be cut short. Raises `NotFoundError`.
    """
    run = run_queries.get_by_prefix(session, run_id.strip())
    return {
        "id": run.id,
        "run": run.record,
        "environment": run.environment.record,
        "device_name": run.environment.device_name,
        "papers": [
            {"paper_id": paper.id, "name": short_name(paper.title)}
            for paper in prototype_links.of_prototype(session, run.prototype)
        ],
        "stale": is_stale(run.record, current or {}),
    }


def _records(value: Any) -> Sequence[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
