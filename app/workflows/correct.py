"""A person's word: corrections with who and why, their undoing, notes, status."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy.orm import Session

from analyzers.facts import Complexity, InTarget, Integration, Technique
from analyzers.message import Message, message
from analyzers.targets import available_targets
from app import home
from app.errors import UsageError
from app.labels import STATUSES
from app.workflows.moves import Move
from app.workflows.target_facts import split_field
from app.workflows.triage import rescore
from db.queries import edits
from db.queries import facts as fact_queries
from db.queries import notes as note_queries
from db.queries import papers as paper_queries
from db.queries.prototype_links import LINK, LINKED, UNLINKED


@dataclass(frozen=True, slots=True)
class Editable:
    """A field that a person may correct: its choices, a number between two bounds, or words.

    `words` says which: "list" takes names with commas between them, "address" a web address; both
    take nothing for "there is none".
    """

    field: str
    choices: tuple[str, ...] = ()
    words: Literal["", "list", "address"] = ""
    minimum: float = 0.0
    maximum: float = 1.0

    def parse(self, text: str) -> Any:
        """Return the value that `text` means; raises `UsageError`."""
        if self.words == "list":
            return [name for part in text.split(",") if (name := part.strip())]
        if self.words == "address":
            return _address(text.strip())
        if self.choices:
            if text in self.choices:
                return text
            raise UsageError(
                message(
                    "{field} is one of {choices}, not {text!r}.",
                    words=("field",),
                    field=self.field,
                    choices=", ".join(self.choices),
                    text=text,
                )
            )
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not self.minimum <= value <= self.maximum:
            raise UsageError(
                message(
                    "{field} is a number from {low} to {high}, not {text!r}.",
                    words=("field",),
                    field=self.field,
                    low=f"{self.minimum:g}",
                    high=f"{self.maximum:g}",
                    text=text,
                )
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
        Editable("hardware", words="list"),
        Editable("code_url", words="address"),
    )
}


def _address(text: str) -> str:
    if text and not re.fullmatch(r"https?://[^\s/]+\S*", text):
        raise UsageError(message("{text!r} is no web address: it begins with https://.", text=text))
    return text


def editable(field: str) -> Editable | None:
    """Return how a field is corrected; "relevance.vllm" is the relevance to that target, and
    "prototype.sampling" whether that prototype tests the paper.

    None for a field that nobody may set, or a target that there isn't.
    """
    if field.startswith(LINK):
        return Editable(field, (LINKED, UNLINKED)) if field != LINK else None
    plain, target = split_field(field)
    if field != plain and target not in available_targets(home.targets_folder()):
        return None
    return EDITABLE.get(plain)


def set_facts(
    session: Session, paper: str, values: Mapping[str, str], *, why: str, who: str
) -> list[Move]:
    """Correct fields of a paper; all of them or none. Return the scores that moved.

    Raises `UsageError` for a field or a value that can't be, `NotFoundError` for no such paper.
    """
    if not why.strip():
        raise UsageError(message('A correction needs a reason: --why "…".'))
    parsed = {}
    for field, text in values.items():
        form = editable(field)
        if form is None:
            raise UsageError(
                message(
                    "{field!r} can't be set. Fields: {fields}.",
                    field=field,
                    fields=", ".join(EDITABLE),
                )
            )
        parsed[field] = form.parse(text)
        if field.startswith(LINK) and text == LINKED:
            _require_prototype(field.removeprefix(LINK))  # unlinking needs none: it may be gone
    paper_id = paper_queries.get_by_any_id(session, paper).id
    for field, value in parsed.items():
        fact_queries.set_correction(session, paper_id, field, value, who, why)
    told = ", ".join(f"{field} = {value}" for field, value in parsed.items())
    changes = [_change(field, value) for field, value in parsed.items()]
    change = changes[0]
    for other in changes[1:]:
        change = message("{one}; {other}", one=change, other=other)
    sentence = message("{who}: {change} ({why})", who=who, change=change, why=why)
    cause = {"kind": "correction", "ref": told, "message": sentence.to_json()}
    return _of_paper(rescore(session, cause, [paper_id]), paper_id)


def revert_fact(session: Session, fact_id: int, *, who: str) -> list[Move]:
    """Take a correction back; return the scores that moved."""
    fact = fact_queries.revert(session, fact_id, who)
    change = _change(fact.field, fact.value)
    sentence = message("{who} took back: {change}", who=who, change=change)
    cause = {"kind": "correction", "ref": fact.field, "message": sentence.to_json()}
    return _of_paper(rescore(session, cause, [fact.paper_id]), fact.paper_id)


def _change(field: str, value: Any) -> Message:
    """Return "relevance = 0.5" as a message, so that the history tells it in words."""
    plain, target = split_field(field)
    name: Message | str = plain
    if plain != field:
        name = message("{field} ({paper})", words=("field",), field=plain, paper=target)
    told = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return message(
        "{field} = {value}",
        words=("value",) if isinstance(name, Message) else ("field", "value"),
        field=name,
        value=told or "–",
    )


def _of_paper(moves: list[Move], paper_id: str) -> list[Move]:
    return [move for move in moves if move.paper_id == paper_id]


def add_note(session: Session, paper: str, text: str, *, who: str) -> str:
    """Keep a note; return the paper's id. Raises `UsageError` for an empty one."""
    if not text.strip():
        raise UsageError(message("An empty note says nothing."))
    paper_id = paper_queries.get_by_any_id(session, paper).id
    note = note_queries.add(session, paper_id, text.strip(), who)
    edits.add(session, paper_id, edits.NOTE, {"note_id": note.id, "text": note.text}, who)
    return paper_id


def remove_note(session: Session, note_id: int, *, who: str) -> str:
    """Remove a note, which can be undone; return the paper's id. Raises `NotFoundError`."""
    note = note_queries.get(session, note_id)
    held = {"text": note.text, "who": note.who, "at": note.at}
    paper_id = note.paper_id
    note_queries.remove(session, note_id)
    edits.add(session, paper_id, edits.NOTE_REMOVED, held, who)
    return paper_id


def set_status(session: Session, paper_id: str, status: str, *, who: str = "") -> None:
    """Put a paper into inbox, shortlisted, building, done or rejected."""
    if status not in STATUSES:
        raise UsageError(
            message(
                "The status is one of {choices}, not {status!r}.",
                choices=", ".join(STATUSES),
                status=status,
            )
        )
    before = paper_queries.locked_status(session, paper_id)
    paper_queries.update(session, paper_id, status=status)
    if status != before:
        edits.add(session, paper_id, edits.STATUS, {"before": before, "after": status}, who)


def _require_prototype(name: str) -> None:
    # Here, not above: what measures is loaded only where it is needed.
    from app.workflows.measuring import list_prototypes, require_prototype

    require_prototype(name, [prototype["name"] for prototype in list_prototypes()])
