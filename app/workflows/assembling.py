"""From the catalog's rows to the facts that the score reads.

The catalog knows no scoring and the scoring no catalog; this is where they meet.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

from sqlalchemy.orm import Session

from analyzers import facts as f
from analyzers.message import Message, message
from analyzers.scoring.runs import MeasuredRun, by_device, failed_quality, measurement
from analyzers.targets import Target
from app.workflows.target_facts import row_of
from db.queries import claims as claim_queries
from db.queries import facts as fact_queries
from db.queries import paper_names, prototype_links
from db.queries import papers as paper_queries
from db.queries import runs as run_queries
from db.queries.claims import ClaimRow
from db.queries.facts import FactRow
from db.queries.papers import PaperRow

REPORT_2025 = "report-2025-08"
REPORT_2025_DATE = "2025-08-06"
_HAND_CHECKED = ("seed", "person")
SURE = 0.7
"""An analysed claim under this confidence gets a doubt: its rules saw little that makes it own."""

Code = TypeVar("Code", f.Technique, f.Complexity, f.Integration, f.InTarget)


@dataclass(frozen=True, slots=True)
class Assembled:
    """A paper's rows and the facts made of them."""

    paper: PaperRow
    rows: Mapping[str, FactRow]
    claims: Sequence[ClaimRow]
    prototypes: tuple[str, ...]
    runs: Mapping[str, Sequence[MeasuredRun]]
    facts: f.PaperFacts
    ranking_device: str | None = None
    """The device whose answer counts, a failed quality gate being one; None: nothing answered."""


def assemble(
    session: Session,
    target: Target,
    *,
    paper_ids: Collection[str] | None = None,
    device: str | None = None,
) -> list[Assembled]:
    """Return the `current` facts of all (or these) papers; a handful of queries for any number."""
    rows = fact_queries.effective(session, fact_queries.CURRENT, paper_ids)
    claims = claim_queries.rows(session, paper_ids)
    links = prototype_links.prototypes(session)
    linked = links if paper_ids is None else links.keys() & paper_ids
    runs = measured_runs(session, {name for paper in linked for name in links[paper]})
    assembled = []
    for paper in paper_queries.list_papers(session, paper_ids=paper_ids):
        prototypes = links.get(paper.id, ())
        devices: dict[str, list[MeasuredRun]] = {}
        for name in prototypes:
            for device_id, found in runs.get(name, {}).items():
                devices.setdefault(device_id, []).extend(found)
        own_rows, own_claims = rows.get(paper.id, {}), claims.get(paper.id, [])
        facts, ranking = _facts(paper, own_rows, own_claims, devices, target, device)
        assembled.append(
            Assembled(
                paper=paper,
                rows=own_rows,
                claims=own_claims,
                prototypes=tuple(prototypes),
                runs=devices,
                facts=facts,
                ranking_device=ranking,
            )
        )
    return assembled


def assemble_report(session: Session, target: Target) -> list[f.PaperFacts]:
    """Return the facts of the report of August 2025: its reading, `in_target` up to its date."""
    read = fact_queries.effective(session, REPORT_2025)
    titles = paper_names.titles(session, read)
    return [
        _base(paper_id, titles[paper_id], rows, target, REPORT_2025_DATE)
        for paper_id, rows in read.items()
        if paper_id in titles
    ]


def measured_runs(
    session: Session, prototypes: Collection[str]
) -> dict[str, dict[str, list[MeasuredRun]]]:
    """Return the runs of prototypes, by prototype and device."""
    if not prototypes:
        return {}
    found: dict[str, list[MeasuredRun]] = {}
    for run in run_queries.for_prototypes(session, prototypes):
        if run.record.get("part") is None:
            continue  # of which part of a whole run it speaks, nobody knows: it can't count
        found.setdefault(run.prototype, []).append(
            MeasuredRun.read(run.id, run.record, run.environment.record)
        )
    return {name: by_device(runs) for name, runs in found.items()}


def _facts(
    paper: PaperRow,
    rows: Mapping[str, FactRow],
    claims: Sequence[ClaimRow],
    devices: Mapping[str, Sequence[MeasuredRun]],
    target: Target,
    device: str | None,
) -> tuple[f.PaperFacts, str | None]:
    """Return a paper's facts and its ranking device."""
    base = _base(paper.id, paper.title, rows, target)
    roles = target.baseline_roles
    measured = [m for runs in devices.values() if (m := measurement(runs, roles)) is not None]
    failing = {name for name, runs in devices.items() if failed_quality(runs)}
    ranking = _ranking_device(devices, {m.device_id for m in measured} | failing, target, device)
    # Hand-checked claims speak for a paper where there are any; analysed ones stand beside them.
    checked = [c for c in claims if c.source in _HAND_CHECKED]
    doubts = _source_doubts(rows)
    facts = f.PaperFacts(
        paper_id=base.paper_id,
        title=base.title,
        technique=base.technique,
        relevance=base.relevance,
        complexity=base.complexity,
        integration=base.integration,
        in_target=base.in_target,
        risks=base.risks,
        claims=tuple(
            scoring_claim(c) if c.source in _HAND_CHECKED else _analysed_claim(c, doubts)
            for c in checked or claims
        ),
        measurements=tuple(m for m in measured if m.device_id not in failing),
        below_quality=ranking in failing,
        report_speedup=None,
        relevance_trust=base.relevance_trust,
        ease_trust=base.ease_trust,
    )
    return facts, ranking


def _ranking_device(
    devices: Mapping[str, Sequence[MeasuredRun]],
    answered: Collection[str],
    target: Target,
    device: str | None,
) -> str | None:
    """Return the device whose answer counts: the one asked for, else the weightiest, newest."""
    if device is not None:
        return device
    return max(
        answered,
        key=lambda d: (
            target.weight(devices[d][0].device_class),
            max(run.measured_at for run in devices[d]),
        ),
        default=None,
    )


def _base(
    paper_id: str,
    title: str,
    rows: Mapping[str, FactRow],
    target: Target,
    date: str | None = None,
) -> f.PaperFacts:
    relevance = row_of(rows, "relevance", target)
    complexity = rows.get("complexity")
    report_speedup = rows["report_speedup"].value if "report_speedup" in rows else None
    return f.PaperFacts(
        paper_id=paper_id,
        title=title,
        technique=_code(f.Technique, rows.get("technique")),
        relevance=_relevance(paper_id, relevance, target, date),
        complexity=_code(f.Complexity, complexity),
        integration=_code(f.Integration, rows.get("integration")),
        in_target=in_target(paper_id, rows, target, date),
        risks=tuple(_risk(r) for r in (rows["risks"].value if "risks" in rows else None) or ()),
        report_speedup=None if report_speedup is None else float(report_speedup),
        relevance_trust=_trust(relevance, rows),
        ease_trust=_trust(complexity, rows),
    )


def _relevance(
    paper_id: str, row: FactRow | None, target: Target, date: str | None
) -> float | None:
    """Return the relevance to the target: a fact's, else what its file says of the paper."""
    if row is not None and row.value is not None:
        return float(row.value)
    entry = target.engine_state(paper_id, date)
    return entry.relevance if entry else None


def _trust(row: FactRow | None, rows: Mapping[str, FactRow]) -> float:
    """Return how much a fact counts: what only the analysis says, as much as its source carries."""
    if row is None or row.source != "analysis" or "trust" not in rows:
        return 1.0
    return float(rows["trust"].value)


def in_target(
    paper_id: str, rows: Mapping[str, FactRow], target: Target, date: str | None = None
) -> f.InTarget:
    """Return what the engine has: a person's word, else the target file's newest entry."""
    corrected = _code(f.InTarget, row_of(rows, "in_target", target))
    if corrected is not None:
        return corrected
    entry = target.engine_state(paper_id, date)
    return entry.state if entry else f.InTarget.NO


def scoring_claim(
    row: ClaimRow, source_doubts: tuple[Message, ...] = (), unsure: bool = False
) -> f.Claim:
    """Return a claim's row as the score reads it."""
    return f.Claim(
        key=row.key,
        metric=_named(f.Metric, row.metric),
        value=row.value,
        unit=row.unit,
        value_high=row.value_high,
        bound=_named(f.Bound, row.bound),
        subject=row.subject,
        scope=_named(f.Scope, row.scope) if row.scope else None,
        part=_named(f.Part, row.part) if row.part else None,
        regime=_named(f.Regime, row.regime) if row.regime else None,
        baseline=row.baseline,
        baseline_kind=_named(f.BaselineKind, row.baseline_kind),
        weak_baseline=row.weak_baseline,
        overtaken_baseline=row.overtaken_baseline,
        hardware=row.hardware,
        own_result=row.own_result,
        in_abstract=row.in_abstract,
        source_doubts=source_doubts,
        unsure=unsure,
    )


@lru_cache(maxsize=256)
def _named(kind: type[Any], code: str) -> Any:
    """Return an enum's member by its value; making one takes ten times as long as looking it up."""
    return kind(code)


def _source_doubts(rows: Mapping[str, FactRow]) -> tuple[Message, ...]:
    """Return the doubts of a paper's source, which all its analysed claims share."""
    return tuple(
        Message.from_json(reason) for reason in (rows["trust"].reasons if "trust" in rows else ())
    )


def _analysed_claim(row: ClaimRow, source_doubts: tuple[Message, ...]) -> f.Claim:
    """Return a claim that nobody checked, with the doubts of its source and of its own."""
    unsure = row.confidence is not None and row.confidence < SURE
    return scoring_claim(row, source_doubts, unsure)


def _code(kind: type[Code], row: FactRow | None) -> Code | None:
    value = None if row is None else row.value
    return None if value is None else kind(value)


def _risk(record: Mapping[str, Any]) -> f.Risk:
    reason = record.get("reason") or {}
    return f.Risk(
        kind=record["kind"],
        severity=f.Severity(record["severity"]),
        reason=Message.from_json(reason)
        if "template" in reason
        else message("{text}", text=str(reason.get("en", ""))),
        is_open=bool(record.get("is_open", True)),
    )
