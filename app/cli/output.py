"""Printing: tables for people, JSON for programs, progress on stderr."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from analyzers.message import Message, message

if TYPE_CHECKING:
    from app.workflows.moves import Move


def print_json(value: Any) -> None:
    """Print one JSON document."""
    json.dump(value, sys.stdout, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")


def print_table(rows: Sequence[Mapping[str, str]], columns: Mapping[str, str]) -> None:
    """Print rows under the headings of `columns`; cells are plain text, never markup."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(width=None if sys.stdout.isatty() else 200)
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name, heading in columns.items():
        numeric = name in ("rank", "score", "report", "claimed")
        table.add_column(heading, justify="right" if numeric else "left", no_wrap=numeric)
    for row in rows:
        table.add_row(*(Text(clean(row.get(name, ""))) for name in columns))
    console.print(table)


def moved(moves: Iterable[Move], lang: str | None = None) -> Iterator[str]:
    """Yield what happened to scores, a line each, in the language that was asked for."""
    from app.labels import say

    code = lang or language()
    for move in moves:
        yield say(move.sentence(), code)


def print_moves(moves: Sequence[Move], lang: str | None = None) -> None:
    """Print what happened to scores, or that nothing did."""
    from app.i18n import translator

    for line in moved(moves, lang):
        print(line)
    if not moves:
        _ = translator(lang or language())
        print(_("Recorded; no score moved."))


def clean(text: str) -> str:
    """Return text without control characters: a title must not drive the terminal."""
    return "".join(c if c.isprintable() or c in "\n\t" else "�" for c in text)


def language() -> str:
    """Return the language of what is said on stderr: that of `--lang`, else of `ASSAY_LANG`."""
    from app.i18n import LANGUAGES

    for name, value in pairwise(sys.argv):
        if name == "--lang" and value in LANGUAGES:
            return value
    asked = os.environ.get("ASSAY_LANG", "en").replace("-", "_").partition("_")[0].lower()
    return asked if asked in LANGUAGES else "en"


def error_line(reason: Message, source: str | None = None) -> None:
    """Say on stderr what went wrong, and with which source."""
    from app.labels import say

    code = language()
    told = say(reason, code)
    about = f"{source}: {told}" if source else told
    note(say(message("Error: {what}", what=about), code))


def note(text: str) -> None:
    """Say something to the person, on stderr."""
    print(clean(text), file=sys.stderr, flush=True)


def notes(lines: Iterable[object]) -> None:
    """Say several things, a line each."""
    for line in lines:
        note(str(line))
