"""People's corrections as labels: what `python -m analyzers.evaluate` compares an analysis with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from analyzers.message import message
from app.errors import AssayError
from app.workflows.target_facts import split_field
from db.models import Claim
from db.queries import claims as claim_queries
from db.queries import facts as fact_queries
from db.queries import papers as paper_queries

FACTS_FILE, CLAIMS_FILE = "labels_catalog.json", "claims_catalog.jsonl"
"""Names that the evaluation finds, and that labels made by hand don't have."""
_NAMES = {
    "technique": "technique",
    "complexity": "complexity",
    "integration": "integration",
    "hardware": "hardware_measured",
    "code_url": "code_url",
}


@dataclass(frozen=True, slots=True)
class ExportedLabels:
    """What was written, and which papers have no file to analyse."""

    files: tuple[Path, ...]
    papers: int
    without_file: tuple[str, ...]


def export_labels(session: Session, folder: Path) -> ExportedLabels:
    """Write the corrections that stand into `folder`, which is made if need be.

    Only what a person said is a label: fields that nobody corrected are left out. Writes again over
    an earlier export, never over other files. Raises `AssayError` where there are no corrections.
    """
    facts, claims = _facts(session), _claims(session)
    if not facts and not claims:
        raise AssayError(message("There are no corrections yet: `assay set` makes one."))
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / FACTS_FILE]
    text = json.dumps(facts, ensure_ascii=False, indent=1, sort_keys=True)
    files[0].write_text(text + "\n", encoding="utf-8")
    if claims:
        files.append(folder / CLAIMS_FILE)
        lines = (json.dumps(claim, ensure_ascii=False) for claim in claims)
        files[1].write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    else:
        (folder / CLAIMS_FILE).unlink(missing_ok=True)
    return ExportedLabels(
        files=tuple(files),
        papers=len(facts),
        without_file=tuple(name for name, record in facts.items() if "file" not in record),
    )


def _facts(session: Session) -> dict[str, dict[str, Any]]:
    """Return the labels by paper; papers with a person's claims are there for their file."""
    effective = fact_queries.effective(session)
    spoken_of = {
        row.paper_id
        for rows in claim_queries.rows(session).values()
        for row in rows
        if row.source == "person"
    }
    labels = {}
    for paper in sorted(paper_queries.list_papers(session), key=lambda p: p.id):
        corrected = {
            field: row.value
            for field, row in effective.get(paper.id, {}).items()
            if row.source == "person"
        }
        record = _label(corrected)
        if record or paper.id in spoken_of:
            labels[paper.id] = {"title": paper.title, **record, **_file(paper.source_path)}
    return labels


def _label(corrected: Mapping[str, Any]) -> dict[str, Any]:
    record: dict[str, Any] = {}
    for field, value in corrected.items():
        plain, target = split_field(field)
        if plain == "relevance":
            record.setdefault("relevance", {})[target] = value
        elif plain in _NAMES:
            record[_NAMES[plain]] = value or None if plain == "code_url" else value
    return record


def _file(source: str | None) -> dict[str, str]:
    return {"file": source} if source and Path(source).is_file() else {}


def _claims(session: Session) -> list[dict[str, Any]]:
    """Return the claims that a person entered and that have a sentence, as labels."""
    labels = []
    for paper in paper_queries.list_papers(session):
        for claim in claim_queries.for_paper(session, paper.id):
            if claim.source == "person" and claim.places:
                labels.append(_claim(paper.id, claim))
    return labels


def _claim(paper_id: str, claim: Claim) -> dict[str, Any]:
    place = claim.places[0]
    return {
        "paper": paper_id,
        "quote": place.quote,
        "page": place.page,
        "is_claim": claim.own_result,
        "metric": claim.metric,
        "value": claim.value,
        "value_high": claim.value_high,
        "unit": claim.unit,
        "bound": claim.bound,
        "subject": claim.subject,
        "baseline": claim.baseline,
    }
