"""The fields of a target that a person may set: what a text means, and what it does to a record."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from analyzers.facts import DeviceClass, InTarget, Part, Technique
from analyzers.message import Message, message
from analyzers.targets.checking import COUNTS_FROM
from app.errors import UsageError
from app.labels import say

SHARES = tuple(part.value for part in Part if part is not Part.WHOLE_RUN)
DEVICES = (*(device.value for device in DeviceClass), COUNTS_FROM)
WORKLOAD = ("prompt_tokens", "generated_tokens", "batch")
NUMBERS = (
    *(f"shares.{name}" for name in SHARES),
    *(f"devices.{name}" for name in DEVICES),
    *(f"workload.{name}" for name in WORKLOAD),
)
FIELDS = (*NUMBERS, "core_techniques", "in_target.PAPER")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What shows that an engine has a technique: a text, its address, and since when."""

    text: str = ""
    date: str = ""

    def entries(self) -> list[dict[str, str]]:
        """Return the entry's evidence as the files write it."""
        words = self.text.split()
        address = next((word for word in words if word.startswith(("http://", "https://"))), "")
        told = " ".join(word for word in words if word != address).strip(" ,;") or address
        return [{"text": told} | ({"url": address} if address else {})] if told else []


@dataclass(frozen=True, slots=True)
class Changed:
    """A field's value before and after."""

    field: str
    before: str
    after: str

    def sentence(self) -> Message:
        """Return "decode = 0.6 (before: 0.5)" in words of any language."""
        table, _, name = self.field.partition(".")
        field: Any = name or table
        if table == "in_target":
            field = message("{field} ({paper})", words=("field",), field="in_target", paper=name)
            return message(
                "{field} = {value}, before: {before}",
                words=("value", "before"), field=field, value=self.after, before=self.before,
            )  # fmt: skip
        return message(
            "{field} = {value}, before: {before}",
            words=("field",),
            field=field,
            value=_list(self.after),
            before=_list(self.before),
        )


def joined(changes: Sequence[Changed]) -> Message:
    """Return all changes as one message."""
    told = changes[0].sentence()
    for other in changes[1:]:
        told = message("{one}; {other}", one=told, other=other.sentence())
    return told


def value_of(record: Mapping[str, Any], field: str) -> str:
    """Return a field's value as a person would type it; "" for none."""
    table, _, name = field.partition(".")
    if table == "in_target":
        held = newest_entry(record, name)
        return str(held["state"]) if held else InTarget.NO.value
    value = record.get(table, {}).get(name) if name else record.get(table)
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else "" if value is None else str(value)


def newest_entry(record: Mapping[str, Any], paper: str) -> Mapping[str, Any] | None:
    """Return what a target's record says of a paper last."""
    known = [entry for entry in record.get("engine", ()) if entry.get("paper") == paper]
    return max(known, key=lambda entry: str(entry.get("date", "")), default=None)


def with_field(
    own: Mapping[str, Any],
    record: Mapping[str, Any],
    field: str,
    text: str,
    *,
    why: str,
    evidence: Evidence,
) -> dict[str, Any]:
    """Return a person's own record with a field set; `record` is the whole one it belongs to.

    Raises `UsageError` for a field that there isn't and a text that means no value.
    """
    changed = copy.deepcopy(dict(own))
    table, _, name = field.partition(".")
    if field in NUMBERS:
        changed.setdefault(table, {})[name] = _number(field, text, whole=table == "workload")
    elif field == "core_techniques":
        changed[field] = [part for piece in text.split(",") if (part := piece.strip())]
        unknown = [part for part in changed[field] if part not in set(Technique)]
        if unknown:
            raise _not_one_of(field, list(Technique), unknown[0])
    elif table == "in_target" and name:
        entry = _entry(record, name, text, why=why, evidence=evidence)
        others = [
            held
            for held in changed.get("engine", ())
            if (held.get("paper"), held.get("date")) != (name, entry["date"])
        ]
        changed["engine"] = [*others, entry]
    else:
        raise UsageError(
            message(
                "{field!r} can't be set. Fields: {fields}.", field=field, fields=", ".join(FIELDS)
            )
        )
    return changed


def _entry(
    record: Mapping[str, Any], paper: str, state: str, *, why: str, evidence: Evidence
) -> dict[str, Any]:
    if state not in set(InTarget):
        raise _not_one_of("in_target", list(InTarget), state)
    shown = evidence.entries()
    if not shown:
        raise UsageError(
            message(
                "What the engine has needs evidence: the pull request, the documentation, the "
                "address."
            )
        )
    held = newest_entry(record, paper) or {}
    since = evidence.date or date.today().isoformat()
    if since < str(held.get("date", "")):
        raise UsageError(
            message(
                "The newest entry of {paper} is of {date}: give that date or a later one.",
                paper=paper,
                date=held["date"],
            )
        )
    entry: dict[str, Any] = {
        "paper": paper,
        "state": state,
        "date": since,
        "why": {"en": why, "zh": why},
        "evidence": shown,
    }
    # What the engine does today, and how much the paper matters to it, is another matter: it stays.
    return entry | {key: held[key] for key in ("today", "relevance") if held.get(key) is not None}


def _number(field: str, text: str, *, whole: bool) -> float | int:
    try:
        return int(text) if whole else float(text)
    except ValueError:
        raise UsageError(
            message("{field} is a number, not {text!r}.", field=field, text=text)
        ) from None


def _not_one_of(field: str, choices: Sequence[str], text: str) -> UsageError:
    return UsageError(
        message(
            "{field} is one of {choices}, not {text!r}.",
            words=("field",),
            field=field,
            choices=", ".join(choices),
            text=text,
        )
    )


def _list(text: str) -> Any:
    """Return a list of codes as a message, so that each is said in words."""
    codes = [part for piece in text.split(",") if (part := piece.strip())]
    if len(codes) < 2:
        return message("{value}", words=("value",), value=text) if text else message("none yet")
    told: Message = message("{value}", words=("value",), value=codes[0])
    for code in codes[1:]:
        told = message("{one}, {other}", words=("other",), one=told, other=code)
    return told


def told_in(changes: Sequence[Changed], language: str) -> str:
    """Return the changes in a language."""
    return say(joined(changes), language)
