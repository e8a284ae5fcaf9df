"""What is wrong with a target's record: one sentence a mistake, saying what would be right."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

from analyzers.facts import DeviceClass, InTarget, Part, Technique
from analyzers.message import Message, message

PARTS_OF = {
    Part.WHOLE_RUN: (Part.PREFILL, Part.DECODE),
    Part.PREFILL: (Part.PREFILL_ATTENTION, Part.PREFILL_LINEARS),
    Part.DECODE: (Part.DECODE_ATTENTION, Part.DECODE_LINEARS, Part.SAMPLING),
}
"""What each share is made of; the parts may leave something over, never take more."""
COUNTS_FROM = "counts_from"
_ROUNDING = 1e-6
_DATE = re.compile(r"\d{4}-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?")
_MOST = 10**9
_TOKENS = ("prompt_tokens", "generated_tokens", "batch")


def problems(record: Mapping[str, Any]) -> list[Message]:
    """Return the mistakes of a record, its rules of relevance apart; none if it can be used."""
    return [
        *_shares(_table(record, "shares")),
        *_devices(_table(record, "devices")),
        *_techniques(record),
        *_workload(_table(record, "workload")),
        *_dates(record),
        *_entries(record),
    ]


def _table(record: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = record.get(name)
    return value if isinstance(value, Mapping) else {}


def _shares(shares: Mapping[str, Any]) -> Iterator[Message]:
    wrong = False
    for name, value in shares.items():
        if name not in set(Part):
            yield _unknown("shares", name, Part)
        elif not _is_number(value) or not 0 < value <= 1:
            wrong = True
            yield message(
                "The share of {part} is {value}, and it isn't in 0 … 1: it is a fraction of the "
                "whole run's time, more than 0 and at most 1.",
                words=("part",),
                part=name,
                value=_shown(value),
            )
    missing = [part.value for part in Part if part.value not in shares]
    if missing:
        wrong = True
        yield message("[shares] lacks {parts}.", parts=", ".join(missing))
    if wrong:
        return
    if abs(shares[Part.WHOLE_RUN] - 1) > _ROUNDING:
        yield message(
            "The share of the whole run is 1, not {value}.", value=_shown(shares["whole_run"])
        )
        return
    for whole, parts in PARTS_OF.items():
        total = sum(shares[part] for part in parts)
        if total > shares[whole] + _ROUNDING:
            yield message(
                "The parts of {whole} take {total} together, more than its own {share}: lower one "
                "of them ({parts}).",
                words=("whole",), whole=whole.value, total=_shown(total),
                share=_shown(shares[whole]), parts=", ".join(part.value for part in parts),
            )  # fmt: skip


def _devices(devices: Mapping[str, Any]) -> Iterator[Message]:
    if COUNTS_FROM not in devices:
        yield message("[devices] lacks {parts}.", parts=COUNTS_FROM)
    for name, value in devices.items():
        if name != COUNTS_FROM and name not in set(DeviceClass):
            yield _unknown("devices", name, DeviceClass)
        elif not _is_number(value) or not 0 <= value <= 1:
            yield message(
                "The weight of {device} is {value}, and it isn't in 0 … 1: 0 counts for nothing, 1 "
                "in full.",
                words=("device",), device=name, value=_shown(value),
            )  # fmt: skip


def _techniques(record: Mapping[str, Any]) -> Iterator[Message]:
    core = record.get("core_techniques")
    if not isinstance(core, list):
        yield message('core_techniques is a list of techniques, such as ["attention"].')
        core = []
    for name in core:
        if name not in set(Technique):
            yield _unknown("core_techniques", name, Technique)
    parts = _table(record, "default_parts")
    if Technique.OTHER.value not in parts:
        yield message("[default_parts] lacks {parts}.", parts=Technique.OTHER.value)
    for name, pair in parts.items():
        if name not in set(Technique):
            yield _unknown("default_parts", name, Technique)
        elif not isinstance(pair, list) or len(pair) != 2 or not set(pair) <= set(Part):
            yield message(
                "default_parts.{name} is two of {parts}: the narrow part and the wide one.",
                name=name, parts=_named(Part),
            )  # fmt: skip


def _workload(workload: Mapping[str, Any]) -> Iterator[Message]:
    for name in _TOKENS:
        value = workload.get(name)
        if value is not None and (
            not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= _MOST
        ):
            yield message(
                "workload.{name} is a whole number from 1, not {value}.",
                name=name, value=_shown(value)[:40],
            )  # fmt: skip


def _dates(record: Mapping[str, Any]) -> Iterator[Message]:
    if not is_date(record.get("date")):
        yield _bad_date("date", record.get("date"))


def _entries(record: Mapping[str, Any]) -> Iterator[Message]:
    for entry in record.get("engine", ()):
        paper = str(entry.get("paper", ""))
        if not paper:
            yield message("An entry of [[engine]] names no paper.")
        if entry.get("state") not in set(InTarget):
            yield message(
                "The engine entry of {paper} has the state {state}: it is one of {known}.",
                paper=paper, state=_shown(entry.get("state")), known=_named(InTarget),
            )  # fmt: skip
        if not is_date(entry.get("date")):
            yield _bad_date(f"engine, {paper}", entry.get("date"))
        relevance = entry.get("relevance")
        if relevance is not None and (not _is_number(relevance) or not 0 <= relevance <= 1):
            yield message(
                "The relevance of {paper} is {value}, and it isn't in 0 … 1.",
                paper=paper, value=_shown(relevance),
            )  # fmt: skip


def is_date(value: Any) -> bool:
    """Whether a value is a date as the files write it: 2026-11 or 2026-11-24."""
    return isinstance(value, str) and _DATE.fullmatch(value) is not None


def _bad_date(where: str, value: Any) -> Message:
    return message(
        "{where}: {value} is no date: write it as 2026-11 or 2026-11-24.",
        where=where, value=_shown(value),
    )  # fmt: skip


def _unknown(where: str, name: Any, known: type[StrEnum]) -> Message:
    return message(
        "{where} has no {name}: it is one of {known}.",
        where=where, name=_shown(name), known=_named(known),
    )  # fmt: skip


def _named(known: type[StrEnum]) -> str:
    return ", ".join(item.value for item in known)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _shown(value: Any) -> str:
    return (
        f"{value:.4g}" if isinstance(value, float) else "nothing" if value is None else str(value)
    )
