"""Printing: tables for people, JSON for programs, progress on stderr."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any, TextIO

from analyzers.message import Message, message

if TYPE_CHECKING:
    from app.workflows.moves import Move


# Signs that show nothing, of which some drive a terminal (U+009B) or turn the direction of text.
_UNSEEN = re.compile(
    "[\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f"
    "\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb"
    "\U000110bd\U000110cd\U00013430-\U0001345f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff]"
)
_PIECES = 4096


def print_json(value: Any, *, on_one_line: bool = False) -> None:
    """Print one JSON document; signs that a terminal wouldn't show stand in it by their numbers.

    Programs read the same: `"\\u009b"` is that sign. Text may hold half a sign, too, which no
    encoding has.
    """
    encoder = json.JSONEncoder(ensure_ascii=False, indent=None if on_one_line else 2)
    pieces = encoder.iterencode(value)
    while text := "".join(islice(pieces, _PIECES)):
        sys.stdout.write(_UNSEEN.sub(lambda sign: json.dumps(sign[0])[1:-1], text))
    sys.stdout.write("\n")


def print_json_list(rows: Iterable[Any]) -> None:
    """Print what `print_json` prints of a list, row by row: a hundred thousand needn't be held."""
    encoder = json.JSONEncoder(ensure_ascii=False, indent=2)
    between = "[\n  "
    for row in rows:
        # Inside a text a line break is written out: those that are here stand between values.
        text = encoder.encode(row).replace("\n", "\n  ")
        sys.stdout.write(between + _UNSEEN.sub(lambda sign: json.dumps(sign[0])[1:-1], text))
        between = ",\n  "
    sys.stdout.write("[]\n" if between.startswith("[") else "\n]\n")


def print_table(
    rows: Sequence[Mapping[str, str]], columns: Mapping[str, str], *, whole: bool = False
) -> None:
    """Print rows under the headings of `columns`; cells are plain text, never markup.

    `whole` is for a table that was fitted to the window: no cell of it is broken or cut.
    """
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(width=None if sys.stdout.isatty() else 200)
    table = Table(
        box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, int(not whole))
    )
    for name, heading in columns.items():
        numeric = name in ("rank", "score", "report", "claimed", "measured", "run")
        table.add_column(heading, justify="right" if numeric else "left", no_wrap=numeric or whole)
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


class Cleaned:
    """A stream that takes text, and passes it on cleaned: whoever writes there, our words or not.

    The parser of arguments says again what it was given, such as the name of a file.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: object) -> int:
        """Write the text; what would drive a terminal is replaced. Raises `TypeError` for bytes."""
        if not isinstance(text, str):  # who writes finds out so what kind of stream this is
            raise TypeError("text is written here")
        self._stream.write(clean(text))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        """All else is the stream's."""
        return getattr(self._stream, name)


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
    named = "�".join(source.splitlines()) if source else ""  # a file's name may hold lines
    about = f"{named}: {told}" if named else told
    note(say(message("Error: {what}", what=about), code))


def note(text: str) -> None:
    """Say something to the person, on stderr."""
    print(clean(text), file=sys.stderr, flush=True)


def notes(lines: Iterable[object]) -> None:
    """Say several things, a line each."""
    for line in lines:
        note(str(line))
