"""A record as TOML text: what tomllib reads back as the same record."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def to_toml(record: Mapping[str, Any]) -> str:
    """Return a record of strings, numbers, booleans, lists and tables as TOML.

    Raises `ValueError` for anything else, such as None or a number that isn't finite.
    """
    return "\n".join(_table(record, ())).strip("\n") + "\n"


def _table(record: Mapping[str, Any], path: tuple[str, ...]) -> list[str]:
    """Return the lines of a table: first its own keys, then its tables, then lists of tables."""
    lines, below = [], []
    for key, value in record.items():
        inner = (*path, str(key))
        if isinstance(value, Mapping) and len(path) < 2:
            below += ["", f"[{_dotted(inner)}]", *_table(value, inner)]
        elif _is_tables(value) and not path:
            for entry in value:
                below += ["", f"[[{_dotted(inner)}]]", *_flat(entry)]
        else:
            lines.append(f"{_key(str(key))} = {_value(value)}")
    return lines + below


def _flat(record: Mapping[str, Any]) -> list[str]:
    return [f"{_key(str(key))} = {_value(value)}" for key, value in record.items()]


def _is_tables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, Mapping) for v in value)


def _dotted(path: tuple[str, ...]) -> str:
    return ".".join(map(_key, path))


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _string(name)


def _value(value: Any) -> str:
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float) and value - value == 0:
        return repr(value)
    if isinstance(value, list | tuple):
        if _is_tables(value):
            return "[\n" + "".join(f"    {_value(v)},\n" for v in value) + "]"
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, Mapping):
        inside = ", ".join(f"{_key(str(k))} = {_inline(v)}" for k, v in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    raise ValueError(f"{value!r} has no form in TOML")


def _inline(value: Any) -> str:
    """Return a value on one line: an inline table may not be broken."""
    return re.sub(r"\n *", "", _value(value)) if isinstance(value, list) else _value(value)


def _string(text: str) -> str:
    # JSON's escapes are TOML's, but for DEL and lone surrogates, which JSON lets through.
    written = json.dumps(text.encode("utf-8", "replace").decode(), ensure_ascii=False)
    return written.replace("\x7f", "\\u007f")
