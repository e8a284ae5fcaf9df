"""Targets as a person sees, changes and undoes them; each change is scored at once."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy.orm import Session

from analyzers.message import Message, message
from analyzers.targets import (
    TargetError,
    available_targets,
    is_shipped,
    load_target,
    target_of,
    target_record,
)
from analyzers.targets.checking import problems
from analyzers.targets.files import LOG, on_top
from app import home
from app.errors import AssayError, UsageError
from app.workflows import settings, target_files
from app.workflows.moves import Move
from app.workflows.scored_by import are_fresh
from app.workflows.target_fields import Changed, Evidence, joined, value_of, with_field
from app.workflows.triage import rank_for, rescore
from db.queries import papers as paper_queries

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")
NO_EVIDENCE = Evidence()


@dataclass(frozen=True, slots=True)
class TargetView:
    """A target in a list. `origin` is "shipped", "edited" (shipped, with edits) or "own"."""

    name: str
    title: str
    origin: str
    is_default: bool
    edits: int
    """How many edits can be taken back."""
    problem: Message | None


@dataclass(frozen=True, slots=True)
class Edited:
    """What an edit changed, and the scores it moved (of the target's own ranking)."""

    changes: tuple[Changed, ...]
    moves: tuple[Move, ...]


@dataclass(frozen=True, slots=True)
class Preview:
    """The ranking before and after an edit that nobody made yet: rows as the list has them."""

    before: Sequence[Mapping[str, Any]]
    after: Sequence[Mapping[str, Any]]


def list_targets(language: str = "en") -> list[TargetView]:
    """Return all targets by name; one whose file is wrong says so and can still be undone."""
    usual, views = settings.default_target(), []
    for name in available_targets(home.targets_folder()):
        problem: Message | None = None
        title = name
        try:
            told = load_target(name, home.targets_folder()).title
            title = told.get(language) or told.get("en") or name
        except TargetError as error:
            problem = error.reason
        own = target_files.own_path(name).is_file()
        origin = ("edited" if own else "shipped") if is_shipped(name) else "own"
        views.append(
            TargetView(name, title, origin, name == usual, target_files.versions(name), problem)
        )
    return views


def show_target(name: str) -> dict[str, Any]:
    """Return the record that a target is read from, with its edits; raises `TargetError`."""
    record = target_record(name, home.targets_folder())
    return record | {LOG: list(record.get(LOG, ()))}


def edit_target(
    session: Session,
    name: str,
    values: Mapping[str, str],
    *,
    why: str,
    who: str,
    evidence: Evidence = NO_EVIDENCE,
) -> Edited:
    """Set fields of a target, all or none, and score by it at once.

    Raises `UsageError` for a field or a value that can't be, `TargetError` for a target that the
    values would break, `NotFoundError` for a paper of `in_target` that there isn't.
    """
    if not why.strip():
        raise UsageError(message('A correction needs a reason: --why "…".'))
    with target_files.editing():
        return _edit(session, name, values, why=why.strip(), who=who, evidence=evidence)


def _edit(
    session: Session,
    name: str,
    values: Mapping[str, str],
    *,
    why: str,
    who: str,
    evidence: Evidence,
) -> Edited:
    own, changes, _ = _changed(session, name, values, why=why, evidence=evidence)
    if not changes:
        raise UsageError(message("Nothing to change: {target} says that already.", target=name))
    entry = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "who": who,
        "why": why,
        "changes": [{"field": c.field, "before": c.before, "after": c.after} for c in changes],
    }
    own = own | {"date": date.today().isoformat(), LOG: [*own.get(LOG, ()), entry]}
    told = message(
        "{who} changed the engine {target}: {change} ({why})",
        who=who,
        target=name,
        change=joined(changes),
        why=why,
    )
    before = _scores(session, name)
    target_files.save(name, own)
    try:
        moves = _scored(session, name, told, before)
    except Exception:
        target_files.restore(name)
        raise
    return Edited(tuple(changes), tuple(moves))


def preview(
    session: Session,
    name: str,
    values: Mapping[str, str],
    *,
    evidence: Evidence = NO_EVIDENCE,
) -> Preview:
    """Return what an edit would do to the ranking; nothing is written. Raises as `edit_target`."""
    _, _, record = _changed(session, name, values, why="–", evidence=evidence)
    now = load_target(name, home.targets_folder())
    return Preview(rank_for(session, now), rank_for(session, target_of(record)))


def create_target(name: str, like: str, *, who: str) -> None:
    """Make a target of one's own from another; raises `UsageError` for a name that can't be."""
    if not NAME.fullmatch(name):
        raise UsageError(
            message(
                "{name!r} can't be a target's name: lower-case letters, digits, dots, dashes, "
                "at most 40.",
                name=name,
            )
        )
    with target_files.editing():
        if name in available_targets(home.targets_folder()):
            raise UsageError(message("There is a target {name} already.", name=name))
        load_target(like, home.targets_folder())
        own = target_files.own_record(like) or {}
        base = own.get("base") or (like if is_shipped(like) else None)
        own = {key: value for key, value in own.items() if key not in ("base", LOG)}
        made = {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "who": who,
            "why": f"from {like}",
            "changes": [],
        }
        record = {"name": name, **({"base": base} if base else {})} | own
        record |= {
            "name": name,
            "date": date.today().isoformat(),
            "title": {"en": name, "zh": name},
        }
        target_files.save(name, record | {LOG: [made]})


def undo_edit(session: Session, name: str, *, who: str) -> list[Move]:
    """Take a target's last edit back, or its creation; return the scores that moved.

    Raises `AssayError` where there is nothing to take back, and `UsageError` where the engine in
    use would be gone.
    """
    with target_files.editing():
        return _undo(session, name, who=who)


def _undo(session: Session, name: str, *, who: str) -> list[Move]:
    if name not in available_targets(home.targets_folder()):
        load_target(name, home.targets_folder())
    last = target_files.versions(name)
    if last == 1 and not is_shipped(name) and name == settings.default_target():
        raise UsageError(
            message(
                "{target} is the engine in use: choose another one first, assay target use "
                "llama.cpp",
                target=name,
            )
        )
    change = _last_change(name)
    before = _scores(session, name)
    target_files.restore(name)
    if name not in available_targets(home.targets_folder()):
        return []
    told = message("{who} took back: {change}", who=who, change=change)
    return _scored(session, name, told, before)


def use_target(session: Session, name: str, *, who: str) -> list[Move]:
    """Make a target the default: its scores are the stored ones from now on."""
    load_target(name, home.targets_folder())
    before = settings.default_target()
    settings.change(target=name)
    told = message("{who} chose the engine {target}", who=who, target=name)
    try:
        return rescore(session, _cause(name, told), target_name=name)
    except Exception:
        settings.change(target=before)
        raise


def notice_hand_edits(session: Session) -> list[Move]:
    """Score anew where the file of the engine in use was changed by hand since the last time."""
    name = settings.default_target()
    try:
        load_target(name, home.targets_folder())
    except TargetError:
        return []
    if are_fresh(session, name):
        return []
    return rescore(session, {"kind": "rule", "ref": name}, target_name=name)


def _changed(
    session: Session, name: str, values: Mapping[str, str], *, why: str, evidence: Evidence
) -> tuple[dict[str, Any], list[Changed], dict[str, Any]]:
    """Return a target's own record with the values set, what differs, and the whole record."""
    held = target_record(name, home.targets_folder())
    own: dict[str, Any] = target_files.own_record(name) or {"base": name}
    changes = []
    for asked, text in values.items():
        table, _, paper = asked.partition(".")
        field = asked
        if table == "in_target" and paper:
            field = f"in_target.{paper_queries.get_by_any_id(session, paper).id}"
        before = value_of(held, field)
        own = with_field(own, held, field, text.strip(), why=why, evidence=evidence)
        after = value_of(_whole(own), field)
        if before != after or table == "in_target":
            changes.append(Changed(field, before, after))
    record = _whole(own)
    wrong = problems(record)
    if wrong:
        raise TargetError(wrong[0])
    return own, changes, record


def _whole(own: Mapping[str, Any]) -> dict[str, Any]:
    base = own.get("base")
    return on_top(target_record(str(base)), own) if base else dict(own)


def _last_change(name: str) -> Message | str:
    try:
        log: list[Any] = target_record(name, home.targets_folder()).get(LOG) or []
        changes = [Changed(c["field"], c["before"], c["after"]) for c in log[-1]["changes"]]
        return joined(changes) if changes else name
    except (AssayError, TargetError, LookupError, TypeError):
        return name


def _scores(session: Session, name: str) -> dict[str, float]:
    """Return the scores by a target that isn't the default's, whose scores are not stored."""
    if name == settings.default_target():
        return {}
    try:
        target = load_target(name, home.targets_folder())
    except TargetError:
        return {}
    return {row["paper_id"]: row["score"] for row in rank_for(session, target)}


def _scored(session: Session, name: str, told: Message, before: Mapping[str, float]) -> list[Move]:
    if name == settings.default_target():
        return rescore(session, _cause(name, told), target_name=name)
    after = _scores(session, name)
    return [
        Move(paper, "believed", before.get(paper), score)
        for paper, score in after.items()
        if paper not in before or round(before[paper], 3) != round(score, 3)
    ]


def _cause(name: str, told: Message) -> dict[str, Any]:
    return {"kind": "target", "ref": name, "message": told.to_json()}
