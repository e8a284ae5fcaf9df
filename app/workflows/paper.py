"""All that is known of one paper, as `assay show --json` and the paper's page read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any

from sqlalchemy.orm import Session

from analyzers.scoring import score_paper
from analyzers.scoring.verdicts import Verdict
from analyzers.targets import Target
from app.labels import say
from app.workflows import staleness
from app.workflows.assembling import Assembled, assemble
from app.workflows.causes import cause_text
from app.workflows.findings import findings
from app.workflows.judging import claim_verdicts
from app.workflows.ranked import row_of
from app.workflows.ranking import ranking, told
from app.workflows.score_records import belief_record
from app.workflows.settings import default_target
from app.workflows.target_facts import BY_TARGET, for_target, split_field
from app.workflows.triage import target_named
from app.workflows.undo import changes
from db.models import Claim, Fact, Paper
from db.queries import claims as claim_queries
from db.queries import corrections as correction_queries
from db.queries import facts as fact_queries
from db.queries import notes as note_queries
from db.queries import papers as paper_queries
from db.queries import runs as run_queries
from db.queries import scores as score_queries


def show_paper(
    session: Session,
    paper: str,
    *,
    target: str | None = None,
    device: str | None = None,
    language: str = "en",
    listed: Sequence[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """Return a paper by its id, its arXiv id or its title's beginning, with all its evidence.

    `listed` is the ranking, for a caller that shows many papers; its rows are taken as they are.
    Raises `NotFoundError`, which lists close matches.
    """
    target = target or default_target()
    row = paper_queries.get_by_any_id(session, paper)
    engine = target_named(target)
    assembled = assemble(session, engine, paper_ids=[row.id], device=device)[0]
    verdicts = claim_verdicts(assembled)
    scores = _scores(session, assembled, engine, device, language)
    if listed is None:
        ranked = ranking(lambda: nullcontext(session), target=target, device=device).row(row.id)
        own = ranked and told(ranked, language)
    else:
        own = row_of(listed, row.id)
    return {
        "paper": _paper(row),
        "row": own,
        "facts": _facts(session, assembled, engine, language),
        "claims": [
            _claim(claim, verdicts.get(claim.key, []), language)
            for claim in claim_queries.for_paper(session, row.id)
        ],
        "findings": findings(row.analysis, assembled, verdicts, engine, language),
        "score": scores,
        "breakdown": scores["believed"]["breakdown"] if scores["believed"] else [],
        "belief": _belief(assembled, engine, device, language),
        "history": [
            {
                "at": change.at,
                "kind": change.kind,
                "before": change.before,
                "after": change.after,
                "cause": cause_text(change.cause, language),
                "cause_kind": change.cause.get("kind"),
            }
            for change in score_queries.history(session, [row.id], target=target)
        ],
        "overrides": [
            {
                "id": fact.id,
                "field": fact.field,
                "value": fact.value,
                "who": fact.who,
                "why": fact.why,
                "at": fact.at,
            }
            for fact in fact_queries.overrides(session, row.id)
        ],
        "notes": [
            {"id": note.id, "text": note.text, "who": note.who, "at": note.at}
            for note in note_queries.for_paper(session, row.id)
        ],
        "edits": changes(session, row.id),
        "corrections": [
            {
                "key": c.key,
                "field": c.field,
                "text": say(c.text, language),
                "evidence": c.evidence,
                "date": c.date,
            }
            for c in correction_queries.for_papers(session, [row.id]).get(row.id, [])
        ],
        "prototypes": list(assembled.prototypes),
        "runs": _runs(session, assembled),
    }


def _paper(row: Paper) -> dict[str, Any]:
    return {
        "paper_id": row.id,
        "arxiv_id": row.arxiv_id,
        "version": row.version,
        "title": row.title,
        "authors": row.authors,
        "published": row.published,
        "url": row.url,
        "venue": row.venue,
        "status": row.status,
        "is_seed": row.is_seed,
        "read": row.read,
        "source_path": row.source_path,
        "content_hash": row.content_hash,
        "added_at": row.added_at,
        "updated_at": row.updated_at,
    }


def _facts(session: Session, assembled: Assembled, target: Target, language: str) -> dict[str, Any]:
    standing = for_target(assembled.rows, target.name, target.base)
    others: dict[str, list[dict[str, Any]]] = {}
    for fact in fact_queries.history(session, assembled.paper.id):
        field, whose = split_field(fact.field)
        if field in BY_TARGET and whose not in (target.name, target.base):
            continue
        if field not in standing or fact.id != standing[field].id:
            others.setdefault(field, []).append(_outranked(fact, language))
    shown = {
        field: {
            "id": row.id,
            "value": _localized(row.value, language),
            "source": row.source,
            "reasons": [say(r, language) for r in row.reasons],
            "evidence": row.evidence,
            "who": row.who,
            "why": row.why,
            "at": row.at,
            "others": others.get(field, []),
        }
        for field, row in standing.items()
    }
    state = target.engine_state(assembled.paper.id)
    if state is None:
        return shown
    told = {
        "id": None,
        "source": "target",
        "reasons": [say(text, language) for text in (state.why, state.today) if text],
        "evidence": [dict(e) for e in state.evidence],
        "who": None,
        "why": None,
        "at": state.date,
    }
    if "in_target" not in shown:
        shown["in_target"] = told | {
            "value": state.state.value,
            "others": others.get("in_target", []),
        }
    if "relevance" not in shown and state.relevance is not None:
        shown["relevance"] = told | {
            "value": state.relevance,
            "others": others.get("relevance", []),
        }
    return shown


def _outranked(fact: Fact, language: str) -> dict[str, Any]:
    return {
        "id": fact.id,
        "value": _localized(fact.value, language),
        "source": fact.source,
        "who": fact.who,
        "why": fact.why,
        "at": fact.at,
        "reverted_at": fact.reverted_at,
    }


def _localized(value: Any, language: str) -> Any:
    """Say the {"en", "zh"} pairs and the messages inside a fact's value."""
    if isinstance(value, Mapping):
        if "en" in value or "template" in value:
            return say(value, language)
        return {key: _localized(item, language) for key, item in value.items()}
    if isinstance(value, list):
        return [_localized(item, language) for item in value]
    return value


def _claim(claim: Claim, verdicts: list[Verdict], language: str) -> dict[str, Any]:
    return {
        "key": claim.key,
        "text": say(claim.text, language),
        "source": claim.source,
        "metric": claim.metric,
        "value": claim.value,
        "value_high": claim.value_high,
        "unit": claim.unit,
        "bound": claim.bound,
        "subject": claim.subject,
        "scope": claim.scope,
        "part": claim.part,
        "regime": claim.regime,
        "baseline": claim.baseline,
        "baseline_kind": claim.baseline_kind,
        "weak_baseline": claim.weak_baseline,
        "overtaken_baseline": claim.overtaken_baseline,
        "hardware": claim.hardware,
        "own_result": claim.own_result,
        "in_abstract": claim.in_abstract,
        "confidence": claim.confidence,
        "locator": claim.locator,
        "places": [
            {"kind": p.kind, "quote": p.quote, "page": p.page, "boxes": p.boxes}
            for p in claim.places
        ],
        "verdicts": [
            verdict.to_json() | {"reasons": [say(r, language) for r in verdict.reasons]}
            for verdict in verdicts
        ],
    }


def _scores(
    session: Session, assembled: Assembled, target: Target, device: str | None, language: str
) -> dict[str, Any]:
    ranked = score_paper(assembled.facts, target, device)
    stored = score_queries.of_paper(session, assembled.paper.id, target.name)
    report = stored.get("report")
    records: dict[str, dict[str, Any] | None] = {
        "report": report.record if report and report.value is not None else None,
        "claimed": ranked.claimed.to_json(),
        "believed": ranked.believed.to_json() | {"recommendation": ranked.recommendation.to_json()},
    }
    return {kind: record and _told(record, language) for kind, record in records.items()}


def _told(record: Mapping[str, Any], language: str) -> dict[str, Any]:
    told = {k: v for k, v in record.items() if k != "belief"}
    told["breakdown"] = [
        criterion | {"reason": say(criterion["reason"], language)}
        for criterion in record["breakdown"]
    ]
    if "recommendation" in record:
        told["recommendation"] = record["recommendation"] | {
            "why": say(record["recommendation"]["why"], language)
        }
    return told


def _belief(
    assembled: Assembled, target: Target, device: str | None, language: str
) -> dict[str, Any]:
    record = belief_record(score_paper(assembled.facts, target, device))
    if record["headline"]:
        record["headline"]["doubts"] = [say(d, language) for d in record["headline"]["doubts"]]
    return record


def _runs(session: Session, assembled: Assembled) -> list[dict[str, Any]]:
    """Return the runs of the paper's prototypes that count, without their raw samples.

    `stale` says whether a run is of other code than today's: it counts all the same.
    """
    newest = run_queries.newest_per_device(session, assembled.prototypes)
    found = [(d, run) for devices in newest.values() for d, runs in devices.items() for run in runs]
    stale = staleness.mark([run.record for _, run in found])
    return [
        {key: value for key, value in run.record.items() if key != "samples"}
        | {"id": run.id, "device_id": device, "device_name": run.environment.device_name}
        | {"started_at": run.record.get("started_at") or run.started_at, "stale": is_old}
        for (device, run), is_old in zip(found, stale, strict=True)
    ]
