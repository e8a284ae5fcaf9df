"""A target's record as its files say it: a person's own file, whole or on top of a shipped one."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

SHIPPED = Path(__file__).parent
LOG = "edits"
"""The key under which a person's file tells who changed what, and why; no rule reads it."""


def available_targets(folder: Path | None = None) -> list[str]:
    """Return the names of the shipped targets and of those in `folder`."""
    places = [SHIPPED, *([folder] if folder else [])]
    return sorted({file.stem for place in places for file in place.glob("*.toml")})


def is_shipped(name: str) -> bool:
    """Whether the project has a target of that name."""
    return _file(SHIPPED, name) is not None


def file_of(name: str, folder: Path | None = None) -> Path | None:
    """Return the file that speaks for a target, a person's own first; None for no such target."""
    return (_file(folder, name) if folder else None) or _file(SHIPPED, name)


def read_record(path: Path) -> dict[str, Any]:
    """Return the whole record of a target file, with the shipped one it stands on (`base`).

    Raises `OSError` and `ValueError` for a file that can't be read.
    """
    record = tomllib.loads(path.read_text(encoding="utf-8"))
    base = record.get("base")
    if base is None:
        return record
    under = _file(SHIPPED, str(base))
    if under is None:
        raise ValueError(f"base = {base!r} is no target that ships with the project")
    return on_top(tomllib.loads(under.read_text(encoding="utf-8")), record)


def on_top(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Return `base` with what `own` says: tables key by key, entries of [[engine]] one by one.

    An own entry takes the place of the base's entry of the same paper and date; other lists are
    replaced as a whole.
    """
    merged = dict(base)
    for key, value in own.items():
        held = merged.get(key)
        if key == "engine" and isinstance(value, list) and isinstance(held, list):
            merged[key] = merged_entries(held, value)
        elif isinstance(value, Mapping) and isinstance(held, Mapping):
            merged[key] = on_top(held, value)
        else:
            merged[key] = value
    return merged


def merged_entries(
    held: Iterable[Mapping[str, Any]], own: Iterable[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return the entries of [[engine]], the own ones in place of those of their paper and date."""
    by_moment = {(entry.get("paper"), entry.get("date")): dict(entry) for entry in held}
    by_moment |= {(entry.get("paper"), entry.get("date")): dict(entry) for entry in own}
    return list(by_moment.values())


def judged_targets(folder: Path | None = None) -> list[str]:
    """Return the targets that papers are weighed for one by one.

    One that stands on another and has no [relevance] of its own takes over that one's answers.
    Broken files are left out: whoever asks for such a target is told.
    """
    return [name for name in available_targets(folder) if _judges(file_of(name, folder))]


def _judges(path: Path | None) -> bool:
    try:
        record = tomllib.loads(path.read_text(encoding="utf-8")) if path else {}
        if path:
            read_record(path)
    except (OSError, ValueError):
        return False
    return record.get("base") in (None, record.get("name")) or "relevance" in record


def _file(place: Path, name: str) -> Path | None:
    if "/" in name or "\\" in name or name.startswith("."):
        return None
    path = place / f"{name}.toml"
    return path if path.is_file() else None
