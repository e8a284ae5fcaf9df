"""The formats that a report can be written in: one module each, named as the format.

A module holds `FORMAT`, and imports what it needs inside its function: asking which formats there
are loads none of them.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from analyzers.message import message
from app.errors import UsageError
from app.reports.model import ReportModel


@dataclass(frozen=True, slots=True)
class Format:
    """How to write a report: same model, same bytes."""

    title: str
    suffix: str
    media_type: str
    render: Callable[[ReportModel], bytes]


FORMATS: tuple[str, ...] = tuple(
    sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name[0] != "_")
)


def format_of(output: Path) -> str:
    """Return the format that a file's name asks for; a name without an ending is Markdown."""
    ending = output.suffix.lower()
    if not ending:
        return "md"
    named = {load_format(name).suffix: name for name in FORMATS}
    return named.get(ending, ending.lstrip("."))


def load_format(name: str) -> Format:
    """Return a format by its name; raises `UsageError`, which lists those there are."""
    if name not in FORMATS:
        raise UsageError(
            message(
                "There is no report format {name!r}. There are: {formats}.",
                name=name,
                formats=", ".join(FORMATS),
            )
        )
    found = importlib.import_module(f"{__name__}.{name}").FORMAT
    assert isinstance(found, Format)
    return found
