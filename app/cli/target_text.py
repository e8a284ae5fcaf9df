"""A target as text: fields as they are typed, what they mean beside them, edits in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from app.i18n import N_, Translate, pick, translator
from app.labels import label

ORIGINS = {"shipped": N_("shipped"), "edited": N_("shipped, edited"), "own": N_("your own")}


def columns(_: Translate) -> dict[str, str]:
    """Return the headings of the list of targets."""
    return {
        "used": _("in use"),
        "name": _("target"),
        "title": _("title"),
        "origin": _("from"),
        "edits": _("edits"),
        "problem": _("problem"),
    }


def lines(record: Mapping[str, Any], language: str) -> Iterator[str]:
    """Yield what `show_target` returns, for people."""
    from app.workflows.target_fields import NUMBERS, value_of

    _ = translator(language)
    base = record.get("base")
    head = _("{target}, as of {date}")
    if base not in (None, record["name"]):
        head = _("{target}, as of {date}, on top of {base}")
    yield head.format(target=record["name"], date=record["date"], base=base)
    yield ""
    for field in NUMBERS:
        meaning = label(field.partition(".")[2], _)
        yield f"  {field:28} {value_of(record, field):8} {meaning}".rstrip()
    yield f"  {'core_techniques':28} {value_of(record, 'core_techniques')}"
    yield ""
    yield from _engine(record, language, _)
    if record["edits"]:
        yield ""
        yield "  " + _("Edits:")
    for edit in record["edits"]:
        told = _("{who}: {changes} ({why})").format(
            who=edit["who"], changes=_changes(edit, _), why=edit["why"]
        )
        yield f"  {edit['at']}  {told}"


def _engine(record: Mapping[str, Any], language: str, _: Translate) -> Iterator[str]:
    """Yield what the engine has of each paper, by its newest entry."""
    newest: dict[str, Mapping[str, Any]] = {}
    for entry in record.get("engine", ()):
        if entry["date"] >= newest.get(entry["paper"], entry)["date"]:
            newest[entry["paper"]] = entry
    for paper, entry in newest.items():
        field = f"in_target.{paper}"
        why = pick(entry.get("why"), language)
        state = _padded(label(entry["state"], _), 8)
        yield f"  {field:28} {state} {entry['date']:10}  {why}".rstrip()


def _changes(edit: Mapping[str, Any], _: Translate) -> str:
    told = [f"{c['field']} {c['before']} → {c['after']}" for c in edit.get("changes", ())]
    return ", ".join(told) or _("made")


def _padded(text: str, width: int) -> str:
    """Fill up to a width in cells of a terminal, where a Chinese character takes two."""
    from rich.cells import cell_len

    return text + " " * (width - cell_len(text))
