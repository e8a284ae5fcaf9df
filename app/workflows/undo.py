"""Undoing: every edit of a paper can be taken back, right away and from its history.

Corrections and links are a person's facts, which stay on record when they are reverted; a status
and a note are edits of their own. Either is named by a reference: "fact:12" or "edit:3".
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from analyzers.message import message
from app.errors import UsageError
from app.workflows.correct import revert_fact
from app.workflows.moves import Move
from db.models import Edit, Fact
from db.queries import edits
from db.queries import facts as fact_queries
from db.queries import notes as note_queries
from db.queries import papers as paper_queries
from db.queries.prototype_links import LINK

FACT, EDIT = "fact", "edit"


@dataclass(frozen=True, slots=True)
class Undone:
    """What was undone: of which paper, of which kind, and the scores that moved."""

    paper_id: str
    kind: str
    told: str
    """Of a fact "relevance = 0.5", of the others their kind."""
    moves: tuple[Move, ...] = ()


def changes(session: Session, paper_id: str) -> list[dict[str, Any]]:
    """Return what people did to a paper, undone things too, the newest first.

    Each {"ref", "kind": correction|link|status|note|note_removed, "field", "value", "before",
    "who", "why", "at", "undone_at", "undone_by", "can_undo"}.
    """
    facts = fact_queries.history(session, paper_id)
    found = [_of_fact(fact, facts) for fact in facts if fact.source == "person"]
    status = paper_queries.get(session, paper_id).status
    notes = {note.id for note in note_queries.for_paper(session, paper_id)}
    found += [_of_edit(edit, status, notes) for edit in edits.for_paper(session, paper_id)]
    return sorted(found, key=lambda change: str(change["at"]), reverse=True)


def newest(session: Session, paper_id: str, fields: Collection[str] = ()) -> str:
    """Return the reference of the newest edit that can be undone, of these fields if any.

    Raises `UsageError` where there is none.
    """
    for change in changes(session, paper_id):
        if change["can_undo"] and (not fields or change["field"] in fields):
            return str(change["ref"])
    if fields:
        raise UsageError(
            message(
                "Nothing to undo: {field} of {paper} was not corrected.",
                field=", ".join(fields),
                paper=paper_id,
            )
        )
    raise UsageError(message("Nothing to undo: nobody changed {paper}.", paper=paper_id))


def undo(session: Session, ref: str, *, who: str) -> Undone:
    """Undo an edit; scores follow at once.

    Raises `UsageError` for no such reference, or where the catalog has moved on from it.
    """
    kind, _, number = ref.partition(":")
    if kind not in (FACT, EDIT) or not number.isdecimal():
        raise UsageError(message("There is no edit {ref}.", ref=ref))
    who = who.strip() or "–"
    if kind == FACT:
        moves = revert_fact(session, int(number), who=who)
        fact = session.get_one(Fact, int(number))
        told = f"{fact.field} = {fact.value}"
        return Undone(fact.paper_id, _kind_of(fact), told, tuple(moves))
    edit = edits.get(session, int(number))
    edits.mark_undone(session, edit, who)
    _take_back(session, edit)
    return Undone(edit.paper_id, edit.kind, edit.kind)


def _take_back(session: Session, edit: Edit) -> None:
    record = edit.record
    if edit.kind == edits.STATUS:
        if paper_queries.locked_status(session, edit.paper_id) != record["after"]:
            raise UsageError(message("The status was changed again since: set it anew."))
        paper_queries.update(session, edit.paper_id, status=record["before"])
    elif edit.kind == edits.NOTE:
        note_queries.remove(session, record["note_id"])
    else:
        note_queries.restore(session, edit.paper_id, record["text"], record["who"], record["at"])


def _kind_of(fact: Fact) -> str:
    return "link" if fact.field.startswith(LINK) else "correction"


def _of_fact(fact: Fact, facts: Collection[Fact]) -> dict[str, Any]:
    return {
        "ref": f"{FACT}:{fact.id}",
        "kind": _kind_of(fact),
        "field": fact.field,
        "value": fact.value,
        "before": _value_before(fact, facts),
        "who": fact.who,
        "why": fact.why,
        "at": fact.at,
        "undone_at": fact.reverted_at,
        "undone_by": fact.reverted_by,
        "can_undo": fact.reverted_at is None,
    }


def _value_before(fact: Fact, facts: Collection[Fact]) -> Any:
    """Return what counted before: the person's word before it, else the seed's, else the analysis'.

    A word that was reverted before this one was said no longer counted.
    """
    rank = {"person": 2, "seed": 1, "analysis": 0}
    earlier = [
        other
        for other in facts
        if other.field == fact.field
        and other.id != fact.id
        and (other.source != "person" or other.id < fact.id)
        and (other.reverted_at is None or other.reverted_at > fact.at)
    ]
    best = max(earlier, key=lambda other: (rank[other.source], other.id), default=None)
    return None if best is None else best.value


def _of_edit(edit: Edit, status: str, notes: Collection[int]) -> dict[str, Any]:
    record = edit.record
    possible = {
        edits.STATUS: status == record.get("after"),
        edits.NOTE: record.get("note_id") in notes,
        edits.NOTE_REMOVED: True,
    }
    return {
        "ref": f"{EDIT}:{edit.id}",
        "kind": edit.kind,
        "field": "status" if edit.kind == edits.STATUS else "note",
        "value": record.get("after") or record.get("text"),
        "before": record.get("before"),
        "who": edit.who,
        "why": None,
        "at": edit.at,
        "undone_at": edit.undone_at,
        "undone_by": edit.undone_by,
        "can_undo": edit.undone_at is None and possible[edit.kind],
    }
