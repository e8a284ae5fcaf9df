"""Putting an analysis into the catalog: as a new paper, or into the one it belongs to."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from db.engine import session_scope
from db.models import Paper
from db.queries import claims as claim_queries
from db.queries import facts as fact_queries
from db.queries import papers as paper_queries

if TYPE_CHECKING:
    from analyzers.sources.arxiv_api import PaperRecord


@dataclass(frozen=True, slots=True)
class Stored:
    """The paper that an analysis went into, and whether the catalog had it before."""

    paper_id: str
    is_new: bool


def store_analysis(
    engine: Engine,
    analysis: Mapping[str, Any],
    path: Path,
    *,
    record: PaperRecord | None = None,
    abstract_only: bool = False,
) -> Stored:
    """Store one analysis in a transaction of its own.

    A paper is known by its arXiv id, its file or its title; one that is there gets the new
    analysis, and keeps its corrections, notes, status and seed facts.
    """
    columns = _columns(analysis, path, record, abstract_only)
    with session_scope(engine) as session:
        existing = paper_queries.find_duplicates(
            session,
            arxiv_id=columns["arxiv_id"],
            content_hash=columns["content_hash"],
            title=columns["title"],
        )
        if existing:
            paper = _update(session, existing[0], columns)
        else:
            paper = paper_queries.add(session, **columns)
        fact_queries.replace_analysis(session, paper.id, _facts(analysis))
        claim_queries.replace_analysis_claims(session, paper.id, analysis["claims"])
        return Stored(paper.id, not existing)


def _columns(
    analysis: Mapping[str, Any], path: Path, record: PaperRecord | None, abstract_only: bool
) -> dict[str, Any]:
    """Return the paper's columns: arXiv's record where there is one, else its front page."""
    front = analysis["paper"]
    version = front.get("arxiv_version")
    columns = {
        "arxiv_id": front["arxiv_id"],
        "version": f"v{version}" if version else None,
        "title": front["title"] or path.stem,
        "authors": list(front["authors"] or []),
        "abstract": front["abstract"],
        "url": None,
        "published": None,
        "source_path": str(path.absolute()),
        "content_hash": hashlib.sha256(path.read_bytes()).hexdigest(),
        "read": "abstract" if abstract_only else analysis["read"],
        "analysis": dict(analysis),
    }
    if record is not None:
        columns |= {
            "arxiv_id": record.arxiv_id,
            "version": f"v{record.version}",
            "title": record.title,
            "authors": list(record.authors),
            "abstract": record.abstract,
            "url": record.url,
            "published": record.published[:10],
        }
    elif columns["arxiv_id"]:
        columns["url"] = f"https://arxiv.org/abs/{columns['arxiv_id']}"
    return columns


def _update(session: Session, paper: Paper, columns: dict[str, Any]) -> Paper:
    """Set what the new analysis knows; a seed paper keeps its own title, authors and address."""
    kept = (
        {"arxiv_id", "version", "title", "authors", "url", "published"} if paper.is_seed else set()
    )
    changes = {
        name: value for name, value in columns.items() if name not in kept and value is not None
    }
    if paper.arxiv_id is not None:
        changes.pop("arxiv_id", None)
    return paper_queries.update(session, paper.id, **changes)


def _facts(analysis: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the analysis' facts by field, with reasons and evidence; unknown ones are left out."""
    technique, complexity = analysis["technique"], analysis["complexity"]
    relevance, contribution = analysis["relevance"], analysis["contribution"]
    facts: dict[str, dict[str, Any]] = {}

    def put(field: str, value: Any, reasons: list[dict[str, Any]] | None = None) -> None:
        if value is None or value in ([], ""):
            return
        facts[field] = {
            "value": value,
            "reasons": [_message(r) for r in reasons or []],
            "evidence": [_quote(r) for r in reasons or [] if r.get("quote")],
        }

    put("technique", technique["primary"], technique["evidence"])
    put("complexity", complexity["level"], complexity["reasons"])
    put("integration", complexity.get("integration"), complexity["reasons"])
    put("relevance", relevance["value"], relevance["reasons"])
    put("risks", [_risk(risk) for risk in analysis["risks"]])
    put("hardware", analysis["hardware"])
    put("code_url", analysis["code_url"])
    if contribution and contribution.get("text"):
        put("summary", contribution["text"])
    return facts


def _message(reason: Mapping[str, Any]) -> dict[str, Any]:
    return {"template": reason["template"], "params": reason["params"]} | (
        {"words": reason["words"]} if reason.get("words") else {}
    )


def _quote(reason: Mapping[str, Any]) -> dict[str, Any]:
    evidence = {"text": reason["quote"]}
    if reason.get("page"):
        evidence["page"] = reason["page"]
    return evidence


def _risk(risk: Mapping[str, Any]) -> dict[str, Any]:
    """Return a risk as the score reads it; a rule alone never makes a risk high.

    An open high risk turns the advice to "careful", whatever the score: that is a person's word.
    """
    severity = "medium" if risk["severity"] == "high" else risk["severity"]
    return {
        "kind": risk["kind"],
        "severity": severity,
        "is_open": True,
        "reason": _message(risk),
        "quote": risk.get("quote"),
        "page": risk.get("page"),
    }
