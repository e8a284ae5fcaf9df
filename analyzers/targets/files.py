"""A target's record as its files say it: a person's own file, whole or on top of a shipped one."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from copy import deepcopy
from functools import lru_cache
from pathlib import Path
from typing import Any

SHIPPED = Path(__file__).parent
LOG = "edits"
"""The key under which a person's file tells who changed what, and why; no rule reads it."""

TABLES = ("title", "shares", "devices", "workload", "default_parts", "relevance")
MAX_BYTES = 1 << 20
"""Of a target file; the shipped ones have 20 KB."""
_DEEP = re.compile(r"""(?<![\w'"-])(?:[\w'"-]++[ \t]*+\.[ \t]*+){24}""")
"""A dotted key of so many parts: tomllib takes seconds for thousands."""


def read_toml(path: Path) -> dict[str, Any]:
    """Return what a TOML file says, from anywhere: bounded in size and depth.

    Raises `OSError` and `ValueError` for a file that can't be read.
    """
    with path.open("rb") as stream:
        content = stream.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ValueError(f"it is larger than {MAX_BYTES >> 20} MB")
    text = content.decode("utf-8")
    if _DEEP.search(text):
        raise ValueError("its tables are nested too deep")
    return deepcopy(_parsed(text))


@lru_cache(maxsize=16)
def _parsed(text: str) -> dict[str, Any]:
    # Every view of a page asks for its target, and parsing takes longer than all else it does then.
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("its tables are nested too deep") from None


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
    record = read_toml(path)
    require_shape(record)
    base = record.get("base")
    if base is None:
        return record
    under = _file(SHIPPED, str(base))
    if under is None:
        raise ValueError(f"base = {base!r} is no target that ships with the project")
    return on_top(read_toml(under), record)


def require_shape(record: Mapping[str, Any]) -> None:
    """Raise `ValueError` unless what is text, a table or a list of tables is one.

    What the values may be is checked later; who reads a record can count on its shape.
    """
    for key in ("base", "name", "date"):
        if not isinstance(record.get(key, ""), str):
            raise ValueError(f"{key} is no text")
    for key in TABLES:
        if not isinstance(record.get(key, {}), Mapping):
            raise ValueError(f"{key} is no table: write it as [{key}]")
    _require_texts("title", record.get("title", {}))
    for item in _tables(record, LOG):
        for key in ("at", "who", "why"):
            if not isinstance(item.get(key), str):
                raise ValueError(f"an entry of [[{LOG}]] has no {key}, or it is no text")
        for change in _tables(item, "changes"):
            _require_texts(f"a change of an entry of [[{LOG}]]", change)
            if not change.keys() >= {"field", "before", "after"}:
                raise ValueError(f"a change of an entry of [[{LOG}]] lacks field, before or after")
    for entry in _tables(record, "engine"):
        for key in ("paper", "date", "state"):
            if not isinstance(entry.get(key), str):
                raise ValueError(f"an entry of [[engine]] has no {key}, or it is no text")
        for key in ("why", "today"):
            _require_texts(f"{key} of an entry of [[engine]]", entry.get(key, {}))
        shown = entry.get("evidence", [])
        if not isinstance(shown, list):
            raise ValueError("evidence of an entry of [[engine]] is no list")
        for item in shown:
            _require_texts("evidence of an entry of [[engine]]", item)


def _tables(record: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    entries = record.get(key, [])
    if not isinstance(entries, list) or not all(isinstance(e, Mapping) for e in entries):
        raise ValueError(f"{key} is no list of tables: write each as [[{key}]]")
    return entries


def _require_texts(where: str, value: Any) -> None:
    if not isinstance(value, Mapping) or not all(isinstance(v, str) for v in value.values()):
        raise ValueError(f"{where} is no table of texts")


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
        record = read_toml(path) if path else {}
        if path:
            read_record(path)
    except (OSError, ValueError):
        return False
    return record.get("base") in (None, record.get("name")) or "relevance" in record


def _file(place: Path, name: str) -> Path | None:
    if "/" in name or "\\" in name or name.startswith("."):
        return None
    path = place / f"{name}.toml"
    try:
        return path if path.is_file() else None
    except (OSError, ValueError):  # a name that no disk can hold
        return None
