"""The picture of claims beside measurements.

A row is a claim on a device. Its words stand on both sides, as the labels of two axes: what is
claimed on the left, the verdict with its figures on the right. Colours only repeat the verdict.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from app.i18n import Translate
from app.reports.text import shorten
from app.web.components.text import clean, ratio

Row = Mapping[str, Any]

MUTED = "#7d8793"
_GOOD, _OPEN, _BAD = "#2f9468", "#c07a1e", "#cf5563"
COLORS = {
    "confirmed": _GOOD,
    "partly": _GOOD,
    "unclear": _OPEN,
    "not_reproduced": _BAD,
    "contradicted": _BAD,
    "below_quality": _BAD,
}
_LABEL_LENGTH = 42
_TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 3, 5, 10, 20, 30, 50, 100, 200, 500, 1000)
# Two lines a label: half a line up puts their middle on the row.
_PLAIN: dict[str, Any] = {
    "labelLineHeight": 13,
    "labelOffset": -6,
    "ticks": False,
    "domain": False,
    "grid": False,
}


def compare_chart(rows: Sequence[Row], _: Translate) -> alt.LayerChart | alt.FacetChart:
    """Return the picture of `rows`, from the top in their order."""
    kinds = {
        "claimed": _("claimed"),
        "measured": _("measured, with its 95 % interval"),
        "engine": _("over the engine's way today"),
    }
    frame = pd.DataFrame([_values(number, row, kinds, _) for number, row in enumerate(rows)])
    ids = list(frame["row"])
    domain = _domain(rows)
    frame["room_high"] = frame["room_high"].fillna(domain[1])  # "at least" has no end above
    x = alt.Scale(type="log", domain=domain)
    title = _("speedup: how many times as fast as the baseline (log scale)")
    left = alt.Axis(labelExpr=_lookup(ids, frame["claim"]), labelLimit=250, **_PLAIN)
    right = alt.Axis(
        labelExpr=_lookup(ids, frame["told"]),
        labelLimit=230,
        orient="right",
        labelColor=_colored(ids, frame["color"]),
        **_PLAIN,
    )
    # Two layers carry the words of their side; the others stand on the same rows without.
    base = alt.Chart(frame).encode(y=alt.Y("row:N", sort=ids, title=None, axis=None))
    claims = alt.Chart(frame).encode(y=alt.Y("row:N", sort=ids, title=None, axis=left))
    verdicts = alt.Chart(frame).encode(y=alt.Y("row:N", sort=ids, title=None, axis=right))
    color = alt.Color("color:N", scale=None)
    shape = alt.Scale(domain=list(kinds.values()), range=["diamond", "circle", "stroke"])

    def shaped(kind: str) -> alt.Shape:
        return alt.Shape(
            f"{kind}_word:N",
            scale=shape,
            title=None,
            legend=alt.Legend(orient="top", labelLimit=320, symbolStrokeWidth=2),
        )

    at = alt.X("claimed:Q", scale=x, title=title, axis=_ratios(domain))
    tooltip = _tooltip(_)
    even = (
        alt.Chart(pd.DataFrame({"x": [1.0]}))
        .mark_rule(color=MUTED)
        .encode(x=alt.X("x:Q", scale=x, axis=_ratios(domain), title=title))
    )
    room = base.mark_rule(color=MUTED, strokeDash=[3, 3], strokeWidth=1.5).encode(
        x=alt.X("room_low:Q", scale=x), x2="room_high:Q"
    )
    gap = verdicts.mark_rule(strokeWidth=2, opacity=0.45).encode(
        x=alt.X("claimed:Q", scale=x), x2="measured:Q", color=color
    )
    interval = base.mark_rule(strokeWidth=5, opacity=0.6).encode(
        x=alt.X("low:Q", scale=x), x2="high:Q", color=color
    )
    claimed = claims.mark_point(size=110, strokeWidth=2, color=MUTED, filled=False).encode(
        x=at, shape=shaped("claimed"), tooltip=tooltip
    )
    engine = base.mark_point(size=160, strokeWidth=2.5, angle=90).encode(
        x=alt.X("engine:Q", scale=x), shape=shaped("engine"), color=color, tooltip=tooltip
    )
    measured = base.mark_point(size=110, filled=True, opacity=1).encode(
        x=alt.X("measured:Q", scale=x), shape=shaped("measured"), color=color, tooltip=tooltip
    )
    layers = alt.layer(even, room, gap, interval, claimed, engine, measured)
    resolved: alt.LayerChart = layers.resolve_axis(y="independent")
    return resolved


def _values(number: int, row: Row, kinds: Mapping[str, str], _: Translate) -> dict[str, Any]:
    told = row["told"]
    return {
        "row": f"r{number:03}",
        "claim": [shorten(clean(part), _LABEL_LENGTH) for part in row["labels"]],
        "told": [shorten(clean(part), _LABEL_LENGTH) for part in told],
        "paper": clean(row["name"]),
        "subject": clean(row["subject"] or ""),
        "verdict": clean(told[0]),
        "why": clean(_("; ").join(row["reasons"])),
        "device": clean(row["device_name"] or "–"),
        "claimed": row["claimed"],
        "room_low": row["claimed_low"] or row["claimed"],
        "room_high": row["claimed_high"],
        "measured": row["measured"],
        "low": row["low"],
        "high": row["high"],
        "engine": row["engine"],
        "claimed_text": told_claim(row),
        "measured_text": ratio(row["measured"]),
        "engine_text": ratio(row["engine"]),
        "color": COLORS.get(row["verdict"], MUTED),
        **{f"{kind}_word": word for kind, word in kinds.items()},
    }


def told_claim(row: Row) -> str:
    """Return the claim's words of a row."""
    return clean(row["labels"][1])


def _tooltip(_: Translate) -> list[alt.Tooltip]:
    return [
        alt.Tooltip("paper:N", title=_("Paper")),
        alt.Tooltip("subject:N", title=_("Claim")),
        alt.Tooltip("claimed_text:N", title=_("Claimed")),
        alt.Tooltip("measured_text:N", title=_("Measured")),
        alt.Tooltip("engine_text:N", title=_("vs engine's")),
        alt.Tooltip("verdict:N", title=_("Verdict")),
        alt.Tooltip("why:N", title=_("Why")),
        alt.Tooltip("device:N", title=_("Device")),
    ]


def _domain(rows: Sequence[Row]) -> list[float]:
    names = ("claimed", "claimed_low", "claimed_high", "low", "high", "engine")
    ends = [row[name] for row in rows for name in names if row[name]] + [1.0]
    return [min(ends) / 1.15, max(ends) * 1.2]


def _ratios(domain: Sequence[float]) -> alt.Axis:
    low, high = domain
    return alt.Axis(
        values=[tick for tick in _TICKS if low <= tick <= high], labelExpr="datum.label + 'x'"
    )


def _lookup(ids: Sequence[str], words: Sequence[Sequence[str]]) -> str:
    """Return the Vega expression that gives a label's lines; JSON is a literal of its language."""
    return f"({json.dumps(dict(zip(ids, words, strict=True)))})[datum.value]"


def _colored(ids: Sequence[str], colors: Sequence[str]) -> Any:
    """Return the colour of each label, as Vega-Lite's condition on the row's id."""
    own: dict[str, list[str]] = {}
    for row, color in zip(ids, colors, strict=True):
        own.setdefault(color, []).append(row)
    return {
        "condition": [
            {"test": f"indexof({json.dumps(rows)}, datum.value) >= 0", "value": color}
            for color, rows in own.items()
        ],
        "value": MUTED,
    }
