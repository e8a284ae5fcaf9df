"""Facts that differ by target: one field for each, such as "relevance" and "relevance.vllm".

The plain field is the default target's: the seed was judged for it, and so were all catalogs before
there was a second target.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from analyzers.targets import DEFAULT_TARGET

BY_TARGET = ("relevance", "in_target")
Row = TypeVar("Row")


def field_of(field: str, target: str) -> str:
    """Return the field that holds `field` for a target."""
    return field if target == DEFAULT_TARGET else f"{field}.{target}"


def split_field(field: str) -> tuple[str, str]:
    """Return (field, target) of a stored field's name; other fields belong to the default."""
    plain, _, target = field.partition(".")
    return (plain, target) if target and plain in BY_TARGET else (field, DEFAULT_TARGET)


def for_target(rows: Mapping[str, Row], target: str) -> dict[str, Row]:
    """Return a paper's facts as one target sees them, under their plain names."""
    seen: dict[str, Row] = {}
    for field, row in rows.items():
        plain, whose = split_field(field)
        if plain not in BY_TARGET:
            seen[field] = row
        elif whose == target:
            seen[plain] = row
    return seen
