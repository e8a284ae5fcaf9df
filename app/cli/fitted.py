"""Tables that fit the window: a narrow one gets fewer columns, never half words."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping, Sequence

from app.cli.output import note, print_table
from app.i18n import translator

SHORTENED = "title"
"""The one column whose text may be cut: all others are names to type, words or figures."""
_FEWEST, _MOST = 16, 36
"""Letters of a title: the fewest that still tell something, and the most that are shown."""
_GAP = 2
_WIDTH_OF_A_PIPE = 200


def print_fitted(
    rows: Sequence[Mapping[str, str]],
    columns: Mapping[str, str],
    *,
    spared: Sequence[str],
    language: str,
) -> None:
    """Print rows under the headings of `columns`; what doesn't fit is named on stderr.

    `spared` are the columns that a narrow window does without, in this order.
    """
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else _WIDTH_OF_A_PIPE
    shown, letters = fitting(rows, columns, spared, width)
    cut = [row | {SHORTENED: shortened(row.get(SHORTENED, ""), letters)} for row in map(dict, rows)]
    print_table(cut, shown, whole=True)
    if left_out := [heading for name, heading in columns.items() if name not in shown]:
        _ = translator(language)
        told = _("Left out in a window of {width} columns: {names}. --json has everything.")
        note(told.format(width=width, names=", ".join(left_out)))


def fitting(
    rows: Sequence[Mapping[str, str]], columns: Mapping[str, str], spared: Sequence[str], width: int
) -> tuple[dict[str, str], int]:
    """Return the columns that fit into `width` places, and how many of these are the title's."""
    from rich.cells import cell_len

    needs = {
        name: max(cell_len(text) for text in (heading, *(row[name] for row in rows)))
        for name, heading in columns.items()
    }
    full = min(needs.get(SHORTENED, 0), _MOST)
    shown = dict(columns)
    for name in ("", *spared):
        shown.pop(name, None)
        others = sum(needs[kept] + _GAP for kept in shown if kept != SHORTENED)
        room = width - others if SHORTENED in shown else full
        if others <= width + _GAP and room >= min(_FEWEST, full):
            return shown, min(room, full)
    return shown, full


def shortened(text: str, places: int) -> str:
    """Return a text in at most `places` of the screen, with an ellipsis where it is cut."""
    from rich.cells import cell_len, set_cell_size

    return text if cell_len(text) <= places else set_cell_size(text, places - 1).rstrip() + "…"
