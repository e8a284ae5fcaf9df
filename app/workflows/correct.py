"""A person's word: corrections with who and why, their undoing, notes, status, removal."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from analyzers.facts import Complexity, InTarget, Integration, Technique
from analyzers.message import message
from app.errors import UsageError
from app.labels import STATUSES
from app.workflows.moves import Move
from app.workflows.triage import rescore
from db.queries import facts as fact_queries
from db.queries import notes as note_queries
from db.queries import papers as paper_queries


@dataclass(frozen=True, slots=True)
class Editable:
    """A field that a person may correct: its choices, or a number between two bounds."""

    field: str
    choices: tuple[str, ...] = ()
    minimum: float = 0.0
    maximum: float = 1.0

    def parse(self, text: str) -> Any:
        """Return the value that `text` means; raises `UsageError`."""
        if self.choices:
            if text in self.choices:
                return text
            raise UsageError(f"{self.field} is one of {', '.join(self.choices)}, not {text!r}.")
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not self.minimum <= value <= self.maximum:
            raise UsageError(
                f"{self.field} is a number from {self.minimum:g} to {self.maximum:g}, not {text!r}."
            )
        return value


EDITABLE = {
    editable.field: editable
    for editable in (
        Editable("relevance"),
        Editable("technique", tuple(Technique)),
        Editable("complexity", tuple(Complexity)),
        Editable("integration", tuple(Integration)),
        Editable("in_target", tuple(InTarget)),
    )
}


def set_facts(
    session: Session, paper: str, values: Mapping[str, str], *, why: str, who: str
) -> list[Move]:
    """Correct fields of a paper; all of them or none. Return the scores that moved.

    Raises `UsageError` for a field or a value that can't be, `NotFoundError` for no such paper.
    """
    if not why.strip():
        raise UsageError('A correction needs a reason: --why "…".')
    parsed = {}
    for field, text in values.items():
        if field not in EDITABLE:
            raise UsageError(f"{field!r} can't be set. Fields: {', '.join(EDITABLE)}.")
        parsed[field] = EDITABLE[field].parse(text)
    paper_id = paper_queries.get_by_any_id(session, paper).id
    for field, value in parsed.items():
        fact_queries.set_correction(session, paper_id, field, value, who, why)
    told = ", ".join(f"{field} = {value}" for field, value in parsed.items())
    sentence = message("{who}: {change} ({why})", who=who, change=told, why=why)
    cause = {"kind": "correction", "ref": told, "message": sentence.to_json()}
    return _of_paper(rescore(session, cause, [paper_id]), paper_id)


def revert_fact(session: Session, fact_id: int, *, who: str) -> list[Move]:
    """Take a correction back; return the scores that moved."""
    fact = fact_queries.revert(session, fact_id, who)
    sentence = message("{who} took back: {change}", who=who, change=f"{fact.field} = {fact.value}")
    cause = {"kind": "correction", "ref": fact.field, "message": sentence.to_json()}
    return _of_paper(rescore(session, cause, [fact.paper_id]), fact.paper_id)


def _of_paper(moves: list[Move], paper_id: str) -> list[Move]:
    return [move for move in moves if move.paper_id == paper_id]


def add_note(session: Session, paper: str, text: str, *, who: str) -> str:
    """Keep a note; return the paper's id. Raises `UsageError` for an empty one."""
    if not text.strip():
        raise UsageError("An empty note says nothing.")
    paper_id = paper_queries.get_by_any_id(session, paper).id
    note_queries.add(session, paper_id, text.strip(), who)
    return paper_id


def set_status(session: Session, paper_id: str, status: str) -> None:
    """Put a paper into inbox, shortlisted, building, done or rejected."""
    if status not in STATUSES:
        raise UsageError(f"The status is one of {', '.join(STATUSES)}, not {status!r}.")
    paper_queries.update(session, paper_id, status=status)


def remove_papers(session: Session, papers: Collection[str]) -> list[str]:
    """Remove papers, all or none; return their ids."""
    ids = [paper_queries.get_by_any_id(session, paper).id for paper in papers]
    for paper_id in ids:
        paper_queries.remove(session, paper_id)
    rescore(session, {"kind": "rule", "ref": "removed"})
    return ids
