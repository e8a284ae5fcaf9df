"""Bringing the seed into the catalog: as often as anyone likes, and never over a person's word.

The seed owns its own facts, claims, corrections and snapshots: a new release changes, adds and
drops them. Corrections, notes and status of a person, and what an analysis found, stay.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.models import Claim, Correction, Paper, PrototypeLink, Reading, RemovedPaper, ReportSnapshot
from db.queries import claims as claim_queries
from db.queries import counters
from db.queries.facts import replace_facts
from db.seed.reader import FOLDER, SeedPaper, read_folder


@dataclass(slots=True)
class SeedResult:
    """What loading the seed changed; rows of any kind are counted."""

    added: int = 0
    updated: int = 0
    removed: int = 0
    new_papers: list[str] = field(default_factory=list)
    changed_papers: list[str] = field(default_factory=list)
    """Ids of the papers of which anything changed, new ones included."""
    skipped_papers: list[str] = field(default_factory=list)
    """Seed papers that a person removed."""

    @property
    def is_changed(self) -> bool:
        """Whether the catalog is another than before."""
        return bool(self.added or self.updated or self.removed)

    def count(self, added: int = 0, updated: int = 0, removed: int = 0) -> bool:
        """Add to the counts and return whether there was anything to add."""
        self.added += added
        self.updated += updated
        self.removed += removed
        return bool(added or updated or removed)


def load(session: Session, folder: Path = FOLDER, *, restore: bool = False) -> SeedResult:
    """Bring the seed of `folder` into the catalog; a second time changes nothing.

    A seed paper that a person removed stays away unless `restore` is set; one that a person had
    added by its arXiv id keeps its id and takes the seed's facts. Raises `SeedError`, before
    anything is changed, where a file is broken.
    """
    seed = read_folder(folder)
    counters.bump(session)
    result = SeedResult()
    for record in seed.readings:
        result.count(*_put(session, Reading, record["id"], record))
    session.flush()
    # Only these readings are the seed's: one that a report froze holds copies of seed facts.
    readings = [record["id"] for record in seed.readings]
    for record in seed.snapshots:
        result.count(*_put(session, ReportSnapshot, record["id"], record))
    removed = (
        {} if restore else {row.paper_id: row for row in session.scalars(select(RemovedPaper))}
    )
    for paper in seed.papers:
        if paper.id in removed and not _readded(session, paper):
            result.skipped_papers.append(paper.id)
            continue
        _load_paper(session, paper, readings, result)
    session.flush()
    return result


def _readded(session: Session, seed: SeedPaper) -> bool:
    return _existing(session, seed) is not None


def _existing(session: Session, seed: SeedPaper) -> Paper | None:
    paper = session.get(Paper, seed.id)
    if paper is None and seed.columns["arxiv_id"]:
        paper = session.scalar(select(Paper).where(Paper.arxiv_id == seed.columns["arxiv_id"]))
    return paper


def _load_paper(session: Session, seed: SeedPaper, readings: list[str], result: SeedResult) -> None:
    paper = _existing(session, seed)
    if paper is None:
        paper = Paper(id=seed.id, is_seed=True, **seed.columns)
        session.add(paper)
        session.flush()
        gone = session.get(RemovedPaper, seed.id)
        if gone is not None:
            session.delete(gone)
        result.new_papers.append(paper.id)
        is_changed = result.count(added=1)
    else:
        is_changed = result.count(updated=int(_update_columns(paper, seed.columns)))
    for reading in readings:
        facts = seed.facts.get(reading, {})
        is_changed |= result.count(*replace_facts(session, paper.id, reading, "seed", facts))
    claims_changed = result.count(*_put_claims(session, paper.id, seed))
    if claims_changed and paper.analysis is not None:
        claim_queries.reconcile(session, paper.id)
    is_changed |= claims_changed
    is_changed |= result.count(*_put_corrections(session, paper.id, seed))
    is_changed |= result.count(*_put_links(session, paper.id, seed))
    if is_changed:
        result.changed_papers.append(paper.id)


def _update_columns(paper: Paper, columns: dict[str, Any]) -> bool:
    # Which version was read is the analysis' to say, once there is one.
    owned = {name: value for name, value in columns.items() if value is not None}
    if paper.analysis is not None:
        owned.pop("version", None)
    owned["is_seed"] = True
    return _set(paper, owned)


def _put_claims(session: Session, paper_id: str, seed: SeedPaper) -> tuple[int, int, int]:
    statement = select(Claim).where(Claim.paper_id == paper_id, Claim.source == "seed")
    held = {claim.key: claim for claim in session.scalars(statement)}
    added = updated = 0
    for record in seed.claims:
        claim = held.pop(record["key"], None)
        if claim is not None:
            updated += _set(claim, record)
            continue
        # The key may belong to a paper of a seed before: the claim moves here.
        result = _put(
            session, Claim, record["key"], {**record, "paper_id": paper_id, "source": "seed"}
        )
        added, updated = added + result[0], updated + result[1]
    for gone in held.values():
        session.delete(gone)
    session.flush()
    return added, updated, len(held)


def _put_corrections(session: Session, paper_id: str, seed: SeedPaper) -> tuple[int, int, int]:
    statement = select(Correction).where(Correction.paper_id == paper_id)
    held = {correction.key: correction for correction in session.scalars(statement)}
    added = updated = 0
    for record in seed.corrections:
        correction = held.pop(record["key"], None)
        if correction is None:
            session.add(Correction(paper_id=paper_id, **record))
            added += 1
        else:
            updated += _set(correction, record)
    for gone in held.values():
        session.delete(gone)
    session.flush()
    return added, updated, len(held)


def _put_links(session: Session, paper_id: str, seed: SeedPaper) -> tuple[int, int, int]:
    statement = select(PrototypeLink).where(PrototypeLink.paper_id == paper_id)
    held = {link.prototype: link for link in session.scalars(statement)}
    new = [name for name in dict.fromkeys(seed.prototypes) if name not in held]
    session.add_all(PrototypeLink(paper_id=paper_id, prototype=name) for name in new)
    gone = [link for name, link in held.items() if name not in seed.prototypes]
    for link in gone:
        session.delete(link)
    session.flush()
    return len(new), 0, len(gone)


def _put(
    session: Session, table: type[Any], identity: str, record: dict[str, Any]
) -> tuple[int, int, int]:
    row = session.get(table, identity)
    if row is None:
        session.add(table(**record))
        return 1, 0, 0
    return 0, int(_set(row, record)), 0


def _set(row: Any, record: dict[str, Any]) -> bool:
    """Set what differs; return whether anything did."""
    changed = {name: value for name, value in record.items() if getattr(row, name) != value}
    for name, value in changed.items():
        setattr(row, name, value)
    return bool(changed)
