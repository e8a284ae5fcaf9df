"""Putting an analysis into the catalog: as a new paper, or into the one it belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from analyzers.message import message
from app.workflows.adding import Work
from app.workflows.target_facts import field_of
from db import search_index
from db.engine import session_scope
from db.models import Paper
from db.queries import claims as claim_queries
from db.queries import counters
from db.queries import facts as fact_queries
from db.queries import files as file_queries
from db.queries import papers as paper_queries
from db.queries.files import FileRow

if TYPE_CHECKING:
    from analyzers.sources.arxiv_api import PaperRecord

Rivals = dict[str, tuple[int, str]]
"""Of each paper that a run met: the version and the path of the file that speaks for it."""


@dataclass(frozen=True, slots=True)
class Stored:
    """The paper that a file belongs to, and what the file did to it."""

    paper_id: str
    outcome: Literal["added", "updated", "known"]


def store_analysis(
    engine: Engine,
    analysis: Mapping[str, Any],
    work: Work,
    *,
    content_hash: str,
    rules: str,
    rivals: Rivals,
) -> Stored:
    """Store one analysis, and that its file was read, in a transaction of their own.

    A paper is known by its arXiv id, its file or its title; one that is there gets the new
    analysis, and keeps its corrections, notes, status and seed facts. Where several files hold one
    paper the newest version speaks for it, in a run of several equal ones the first by path: the
    order in which they were read changes nothing.
    """
    speaks_now: Rivals = {}
    with session_scope(engine) as session:
        counters.bump(session)  # the write lock: what is looked up stays true until the commit
        texts = analysis.get("texts", ())
        analysis = {name: value for name, value in analysis.items() if name != "texts"}
        columns = _columns(analysis, work, content_hash)
        paper = _existing(session, columns)
        version = _version_of(columns["analysis"])
        outcome: Literal["added", "updated", "known"] = "updated"
        if paper is None:
            paper = paper_queries.add(session, **columns)
            outcome = "added"
        elif not _speaks(paper, columns, version, rivals):
            outcome = "known"
        else:
            columns = _with_held_record(paper, columns, version)
            paper = _update(session, paper, columns)
        if outcome != "known":
            fact_queries.replace_analysis(session, paper.id, _facts(columns["analysis"]))
            claim_queries.replace_analysis_claims(session, paper.id, analysis["claims"])
            search_index.store_pages(session.connection(), paper.id, texts)
            speaks_now[paper.id] = (version or 0, columns["source_path"])
        file_queries.remember(
            session,
            FileRow(content_hash, paper.id, columns["source_path"], version, rules, None),
        )
        stored = Stored(paper.id, outcome)
    rivals.update(speaks_now)  # only now: a transaction that failed may be tried again
    return stored


def store_failure(
    engine: Engine, work: Work, error: Mapping[str, Any], *, content_hash: str, rules: str
) -> None:
    """Remember that a file can't be read, so that a poison file is tried once and not for ever."""
    row = FileRow(content_hash, None, str(work.path.absolute()), None, rules, dict(error))
    with session_scope(engine) as session:
        file_queries.remember(session, row)


def take_record(engine: Engine, paper_id: str, record: PaperRecord) -> Stored:
    """Give a paper that was read from a file what arXiv says of that version of it."""
    with session_scope(engine) as session:
        counters.bump(session)
        paper = paper_queries.get(session, paper_id)
        held = dict(paper.analysis or {})
        if held.get("record") == record.to_json() or _version_of(held) not in (
            None,
            record.version,
        ):
            return Stored(paper_id, "known")
        columns = {"analysis": held | {"record": record.to_json()}} | _columns_of(record)
        _update(session, paper, columns)
        fact_queries.replace_analysis(session, paper_id, _facts(columns["analysis"]))
        return Stored(paper_id, "updated")


def _existing(session: Session, columns: Mapping[str, Any]) -> Paper | None:
    """Return the paper that a file belongs to; of two arXiv ids none is the other's paper."""
    arxiv_id = columns["arxiv_id"]
    for paper in paper_queries.find_duplicates(
        session,
        arxiv_id=arxiv_id,
        content_hash=columns["content_hash"],
        title=columns["title"],
    ):
        if not arxiv_id or not paper.arxiv_id or paper.arxiv_id == arxiv_id.lower():
            return paper
    return None


def _speaks(paper: Paper, columns: Mapping[str, Any], version: int | None, rivals: Rivals) -> bool:
    """Whether a file's analysis takes the place of the one that the paper has."""
    held, path = paper.analysis, str(columns["source_path"])
    if held is None:
        return True
    if columns["read"] == "abstract" and paper.read in ("full", "partial"):
        return False
    if paper.read == "abstract" and columns["read"] != "abstract":
        return True
    rival = rivals.get(paper.id)
    if rival is not None:
        return (version or 0) > rival[0] or ((version or 0) == rival[0] and path < rival[1])
    if path == paper.source_path or columns["content_hash"] == paper.content_hash:
        return True
    before = _version_of(held)
    return version is None or before is None or version >= before


def _version_of(analysis: Mapping[str, Any]) -> int | None:
    record = analysis.get("record") or {}
    version = record.get("version") or (analysis.get("paper") or {}).get("arxiv_version")
    return int(version) if version else None


def _columns(analysis: Mapping[str, Any], work: Work, content_hash: str) -> dict[str, Any]:
    """Return the paper's columns: arXiv's record where there is one, else its front page."""
    front = analysis["paper"]
    version = front.get("arxiv_version")
    columns = {
        "arxiv_id": front["arxiv_id"],
        "version": f"v{version}" if version else None,
        "title": front["title"] or work.path.stem,
        "authors": list(front["authors"] or []),
        "abstract": front["abstract"],
        "url": f"https://arxiv.org/abs/{front['arxiv_id']}" if front["arxiv_id"] else None,
        "published": None,
        "source_path": str(work.path.absolute()),
        "content_hash": content_hash,
        "read": "abstract" if work.abstract_only else analysis["read"],
        "analysis": dict(analysis),
    }
    if work.record is not None:
        columns |= _columns_of(work.record)
        columns["analysis"]["record"] = work.record.to_json()
    return columns


def _columns_of(record: PaperRecord) -> dict[str, Any]:
    return {
        "arxiv_id": record.arxiv_id,
        "version": f"v{record.version}",
        "title": record.title,
        "authors": list(record.authors),
        "abstract": record.abstract,
        "url": record.url,
        "published": record.published[:10],
    }


def _with_held_record(paper: Paper, columns: dict[str, Any], version: int | None) -> dict[str, Any]:
    """Keep what arXiv said of this version where a file alone is read again: it knows better."""
    held = (paper.analysis or {}).get("record")
    if not held or "record" in columns["analysis"] or version not in (None, held["version"]):
        return columns
    from analyzers.sources.arxiv_api import PaperRecord

    analysis = columns["analysis"] | {"record": held}
    return columns | _columns_of(PaperRecord.from_json(held)) | {"analysis": analysis}


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
    for other in analysis.get("relevance_elsewhere", ()):
        put(field_of("relevance", other["target"]), other["value"], other["reasons"])
    risks = [_risk(risk) for risk in analysis["risks"]]
    put("risks", [_withdrawal(analysis["record"]), *risks] if _is_withdrawn(analysis) else risks)
    put("hardware", analysis["hardware"])
    put("formats", analysis.get("formats"))
    put("code_url", analysis["code_url"])
    trust = analysis.get("trust")
    if trust and trust["doubts"]:
        put("trust", trust["share"], [doubt | {"quote": None} for doubt in trust["doubts"]])
    if contribution and contribution.get("text"):
        put("summary", contribution["text"])
    return facts


def _is_withdrawn(analysis: Mapping[str, Any]) -> bool:
    return bool((analysis.get("record") or {}).get("withdrawn"))


def _withdrawal(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the risk of a paper that its authors took back: no rule's guess, hence a high one."""
    return {
        "kind": "withdrawn",
        "severity": "high",
        "is_open": True,
        "reason": message("the paper was withdrawn from arXiv").to_json(),
        "quote": record.get("comment"),
        "page": None,
    }


def _message(reason: Mapping[str, Any]) -> dict[str, Any]:
    if reason.get("said"):
        return dict(reason["said"])
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
