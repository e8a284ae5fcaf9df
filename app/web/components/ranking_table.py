"""The ranking as a table; a click on a row opens its paper."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import pandas as pd
import streamlit as st

from app.i18n import Translate
from app.labels import VERDICT_ICONS, label
from app.reports.text import short_device, short_name
from app.web.components.cells import harmless_cells
from app.web.components.text import arrow, capital, clean, interval, ratio

Row = Mapping[str, Any]

BadgeColor = Literal["green", "blue", "orange", "violet", "red", "gray"]
ADVICE_COLORS: dict[str, BadgeColor] = {
    "do_now": "green",
    "high_value": "green",
    "steady": "blue",
    "measure_first": "orange",
    "long_term": "violet",
    "careful": "red",
    "not_recommended": "gray",
    "already_there": "gray",
}
_ON_LIGHT = {
    "green": "#0b6b45",
    "blue": "#1d5aa8",
    "orange": "#9a5110",
    "violet": "#6a3ea1",
    "red": "#a8323f",
    "gray": "#5d6673",
}
_ON_DARK = {
    "green": "#72cfa6",
    "blue": "#86b9f2",
    "orange": "#eeaa72",
    "violet": "#c1a0ee",
    "red": "#ef8f98",
    "gray": "#a3acb8",
}
FEW = ("rank", "moved", "paper", "advice", "why", "score", "interval", "run", "speedups", "verdict")
ALL = (
    "rank", "moved", "paper", "advice", "why", "score", "interval", "report", "claimed", "run",
    "speedups", "verdict", "technique", "complexity", "relevance", "in_target",
)  # fmt: skip
_ROW_HEIGHT = 61
"""Over four times the base font size, from where on the grid wraps its cells' text: three lines."""
_FEW_ROW_HEIGHT = 79
"""Four lines, which the narrower columns need."""


class Picked(NamedTuple):
    """What a person chose in the table: the paper that was clicked, the papers that were ticked."""

    clicked: str | None
    ticked: list[str]


def ranking_table(
    rows: Sequence[Row],
    version: int,
    devices: Mapping[str, str],
    _: Translate,
    *,
    few: bool = False,
) -> Picked:
    """Show the ranking; return what was chosen in it.

    All columns need a window of 1440 pixels; the `few` ones, the decision and its grounds, 1024.
    """
    frame = harmless_cells(ranking_frame(rows, _, devices))
    height = _FEW_ROW_HEIGHT if few else _ROW_HEIGHT
    # A new catalog is a new table: a selection by position would point at another paper.
    event = st.dataframe(
        frame.style.apply(_advice_colors, rows=rows, subset=["advice"]),
        hide_index=True,
        key=table_key(rows, version),
        on_select="rerun",
        selection_mode=["multi-row", "single-cell"],
        row_height=height,
        height="content" if len(rows) <= 25 else 25 * height,
        placeholder="–",
        column_config=_columns(_, frame, few=few),
        column_order=_order(rows, few),
        alt=_("Papers in the order in which they are worth building"),
    )
    cells = event["selection"]["cells"]
    ticked = [str(rows[n]["paper_id"]) for n in event["selection"]["rows"] if n < len(rows)]
    if cells and 0 <= cells[0][0] < len(rows):
        return Picked(str(rows[cells[0][0]]["paper_id"]), ticked)
    return Picked(None, ticked)


def _order(rows: Sequence[Row], few: bool) -> list[str]:
    """Return the columns to show: the weighted score where there is one, the change where known."""
    shown = list(FEW if few else ALL)
    if any("score_weighted" in row for row in rows):
        shown.insert(shown.index("score"), "weighted")
    if all(row.get("moved") is None for row in rows):
        shown.remove("moved")
    return shown


def table_key(rows: Sequence[Row], version: int) -> str:
    """Return the key of the table with these rows, in this order, of this catalog."""
    ids = "\n".join(str(row["paper_id"]) for row in rows)
    return f"ranking-{version}-{hashlib.sha256(ids.encode()).hexdigest()[:12]}"


def ranking_frame(
    rows: Sequence[Row], _: Translate, devices: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """Return the table's words and figures, one row a paper; `devices` are names by id."""
    return pd.DataFrame(
        [
            {
                "rank": row["rank"],
                "moved": move(row.get("moved"), _),
                "paper": clean(short_name(row["title"])),
                "advice": label(row["recommendation"], _),
                "why": clean(capital(row["why"])),
                "weighted": row.get("score_weighted"),
                "score": row["score"],
                "interval": interval(*(row["score_interval"] or (None, None))),
                "report": row["score_report"],
                "claimed": row["score_claimed"],
                "run": _ratio(row["run_speedup"]),
                "speedups": arrow(ratio(row["claimed_speedup"]), ratio(row["measured_speedup"])),
                "verdict": verdict(row, _, devices),
                "technique": label(row["technique"], _) or None,
                "complexity": label(row["complexity"], _) or None,
                "relevance": row["relevance"],
                "in_target": label(row["in_target"], _) or None,
            }
            for row in rows
        ]
    )


def _advice_colors(column: pd.Series, rows: Sequence[Row]) -> list[str]:
    palette = _ON_DARK if st.context.theme.type == "dark" else _ON_LIGHT
    return [
        f"color: {palette[ADVICE_COLORS[row['recommendation']]]}; font-weight: 600" for row in rows
    ]


def verdict(row: Row, _: Translate, devices: Mapping[str, str] | None = None) -> str:
    """Return a verdict as sign and word; one from a quick run, or of another device, says so.

    `devices` are names by id. Another device: not the one whose measurement the score counts.
    """
    code = row["verdict"]
    text = f"{VERDICT_ICONS.get(code, '')} {label(code, _)}".strip()
    if row.get("provisional"):
        text = _("{verdict} · quick").format(verdict=text)
    speaker = row.get("verdict_device")
    if speaker in (None, row.get("device")):
        return text
    device = short_device((devices or {}).get(speaker, speaker))
    return _("{verdict} (on {device})").format(verdict=text, device=device)


def move(value: int | str | None, _: Translate) -> str | None:
    """Return by how many ranks a paper rose or fell since the last report, as sign and number."""
    if value is None:
        return None
    if isinstance(value, str):
        return _("new")
    return f"▲ {value}" if value > 0 else f"▼ {-value}" if value < 0 else "="


def _ratio(value: float | None) -> str | None:
    return None if value is None else ratio(value)


_DIGIT = 8
"""Pixels that a figure takes; the columns of ranks have room for three."""
_INTERVAL, _MINUS = 10, 12
"""Letters that the column of ranges has room for, and the pixels of one more."""


def _columns(_: Translate, frame: pd.DataFrame, *, few: bool) -> dict[str, Any]:
    column = st.column_config
    # What ranks beyond the thousand take, and a weighted score, the reason gives up.
    figures = max(0, len(str(frame["rank"].max())) - 3)
    moves = max(0, max((len(m) for m in frame["moved"] if isinstance(m, str)), default=0) - 5)
    below_zero = max(map(len, frame["interval"]), default=0) > _INTERVAL  # both ends
    gives = _DIGIT * (figures + moves) + (20 if frame["weighted"].notna().any() else 0)
    gives += _MINUS if below_zero else 0
    return {
        "rank": column.NumberColumn("#", width=34 + _DIGIT * figures),
        "moved": column.TextColumn(
            "±",
            width=44 + _DIGIT * moves,
            help=_("Ranks gained or lost since the last report."),
        ),
        "paper": column.TextColumn(_("Paper"), width=112 if few else 124),
        "advice": column.TextColumn(_("Recommendation"), width=108 if few else 112),
        "why": column.TextColumn(_("Why"), width=(172 if few else 176) - gives),
        "weighted": column.NumberColumn(
            _("Weighted"), width=64, format="%.2f", help=_("The score by the weights you chose.")
        ),
        "score": column.NumberColumn(
            _("Score"), width=52, format="%.2f", help=_("What is believed today: −3 to 10.")
        ),
        "interval": column.TextColumn(
            _("90 % range"),
            width=76 + (_MINUS if below_zero else 0),
            help=_("The score lies in this range with a probability of 90 %."),
        ),
        "report": column.NumberColumn(
            _("Report"), width=50, format="%.1f", help=_("The score in the report of August 2025.")
        ),
        "claimed": column.NumberColumn(
            _("Claimed"), width=56, format="%.2f", help=_("The score if the claims were true.")
        ),
        "run": column.TextColumn(
            _("Whole run"), width=70, help=_("Believed speedup of a whole run of the engine.")
        ),
        "speedups": column.TextColumn(
            _("Claim → test"),
            width=86,
            help=_("The headline claim, and what the prototype measured against its baseline."),
        ),
        "verdict": column.TextColumn(_("Verdict"), width=86),
        "technique": column.TextColumn(_("Technique"), width=88),
        "complexity": column.TextColumn(_("Complexity"), width=74),
        "relevance": column.NumberColumn(_("Relevance"), width=66, format="%.2f"),
        "in_target": column.TextColumn(
            _("In engine"), width=58, help=_("Whether the engine has it already.")
        ),
    }
