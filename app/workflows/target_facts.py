"""Facts that differ by target: one field for each, such as "relevance" and "relevance.vllm".

The plain field is the default target's: the seed was judged for it, and so were all catalogs before
there was a second target.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from analyzers.targets import DEFAULT_TARGET, Target

BY_TARGET = ("relevance", "in_target", "meaning")
Row = TypeVar("Row")


def field_of(field: str, target: str) -> str:
    """Return the field that holds `field` for a target."""
    return field if target == DEFAULT_TARGET else f"{field}.{target}"


def split_field(field: str) -> tuple[str, str]:
    """Return (field, target) of a stored field's name; other fields belong to the default."""
    plain, _, target = field.partition(".")
    return (plain, target) if target and plain in BY_TARGET else (field, DEFAULT_TARGET)


def row_of(rows: Mapping[str, Row], field: str, target: Target) -> Row | None:
    """Return the fact that holds for a target: its own, else that of the target it stands on."""
    own = rows.get(field_of(field, target.name))
    return rows.get(field_of(field, target.base)) if own is None and target.base else own


def for_target(rows: Mapping[str, Row], target: str, base: str = "") -> dict[str, Row]:
    """Return a paper's facts as one target sees them, under their plain names.

    Where there is no fact of its own, that of the target it stands on (`base`) holds.
    """
    seen = for_target(rows, base) if base else {}
    for field, row in rows.items():
        plain, whose = split_field(field)
        if plain not in BY_TARGET:
            seen[field] = row
        elif whose == target:
            seen[plain] = row
    return seen
