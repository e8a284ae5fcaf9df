"""Removing papers, and getting them back with all that was known of them."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from analyzers.message import message
from app import home
from app.errors import UsageError
from app.workflows.triage import rescore
from db.queries import counters, removal
from db.queries import papers as paper_queries


def remove_papers(session: Session, papers: Collection[str]) -> list[str]:
    """Remove papers, all or none; return their ids. What was known of each is kept in a file."""
    counters.bump(session)  # the write lock: what is kept is all that there is to the paper
    ids = list(dict.fromkeys(paper_queries.get_by_any_id(session, p).id for p in papers))
    for paper_id in ids:
        _keep(paper_id, removal.pack(session, paper_id))
        paper_queries.remove(session, paper_id)
    rescore(session, {"kind": "rule", "ref": "removed"}, [])
    return ids


def restore_papers(session: Session, papers: Sequence[str]) -> list[str]:
    """Put removed papers back as they were, all or none; return their ids.

    Raises `UsageError` for a paper that wasn't removed here, and `CatalogError` for one that is in
    the catalog or was removed from a catalog of another schema.
    """
    restored = [removal.unpack(session, _kept(session, paper)) for paper in papers]
    rescore(session, {"kind": "rule", "ref": "restored"}, restored)
    return restored


def _keep(paper_id: str, rows: removal.Rows) -> None:
    folder = home.removed_folder()
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
    name = re.sub(r"[^\w.-]", "_", paper_id)[:80]
    path = folder / f"{moment}-{name}.json"
    part = path.with_suffix(".part")
    with part.open("w", encoding="utf-8") as file:
        json.dump({"paper_id": paper_id, "rows": rows}, file, ensure_ascii=False)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def _kept(session: Session, paper: str) -> dict[str, Any]:
    """Return the rows of the last removal of a paper, by its id or its arXiv id."""
    for path in sorted(home.removed_folder().glob("*.json"), reverse=True):
        record = _read(path)
        head = (record.get("rows") or {}).get("paper") or [{}]
        if paper in (record.get("paper_id"), head[0].get("arxiv_id")):
            rows: dict[str, Any] = record["rows"]
            return rows
    raise UsageError(
        message("No paper {paper!r} was removed here: `assay add` adds one.", paper=paper)
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        record = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}
