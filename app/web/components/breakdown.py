"""A score's breakdown: a waterfall of its criteria, and a table of their reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from app.i18n import Translate
from app.labels import label
from app.web.components import url
from app.web.components.text import capital, clean, plain, score, together

Record = Mapping[str, Any]

_GAIN, _LOSS, _TOTAL, _MISSING = "#3b8f6b", "#c2604a", "#2a7f9e", "#9aa3ad"
_MUTED = "#7d8793"


def breakdown(shown: Record, _: Translate) -> None:
    """Show how the score (believed, claimed or the report's) comes about."""
    kinds = [kind for kind in ("believed", "claimed", "report") if shown["score"][kind]]
    names = {
        "believed": _("believed today"),
        "claimed": _("if the claims were true"),
        "report": _("report of August 2025"),
    }
    kind = url.sections(_("Score"), "score", kinds, names.__getitem__)
    scored = shown["score"][kind]
    left, right = st.columns([6, 5], gap="medium")
    with left:
        st.altair_chart(waterfall(scored, _), alt=in_words(scored, _), height=240)
    with right:
        _reasons(scored["breakdown"], _)
        st.caption(plain(_("Rubric {rubric}.").format(rubric=scored["rubric"])))
    if kind == "believed":
        _belief(shown["belief"], _)


def waterfall(scored: Record, _: Translate) -> alt.LayerChart | alt.FacetChart:
    """Return the chart: each criterion starts where the one before ended; the total stands last."""
    frame = pd.DataFrame(waterfall_rows(scored, _))
    order = list(frame["name"])
    y = alt.Y("name:N", sort=order, title=None, axis=alt.Axis(labelLimit=190, ticks=False))
    x = alt.X("start:Q", title=_("points"), scale=alt.Scale(zero=True), axis=alt.Axis(tickCount=8))
    tooltip = [
        alt.Tooltip("name:N", title=_("Criterion")),
        alt.Tooltip("label:N", title=_("Points")),
        alt.Tooltip("reason:N", title=_("Reason")),
    ]
    base = alt.Chart(frame).encode(y=y)
    bars = base.mark_bar(size=20, cornerRadius=2).encode(
        x=x, x2="end:Q", color=alt.Color("color:N", scale=None), tooltip=tooltip
    )
    # What nobody knows yet: where the criterion could lie, grey and hollow.
    ghosts = (
        base.transform_filter("datum.missing")
        .mark_bar(size=20, color=_MISSING, opacity=0.22, stroke=_MISSING, strokeDash=[4, 3])
        .encode(x="ghost_low:Q", x2="ghost_high:Q", tooltip=tooltip)
    )
    ends = base.mark_tick(thickness=2, size=20).encode(
        x="end:Q", color=alt.Color("color:N", scale=None), tooltip=tooltip
    )
    ranges = (
        base.transform_filter("datum.high > datum.low")
        .mark_rule(strokeWidth=2, color=_MUTED)
        .encode(x="low:Q", x2="high:Q", tooltip=tooltip)
    )
    texts = base.mark_text(align="left", dx=7, fontSize=12, color=_MUTED).encode(
        x="right:Q", text="label:N"
    )
    zero = alt.Chart(pd.DataFrame({"x": [0]})).mark_rule(color=_MUTED, opacity=0.6).encode(x="x:Q")
    return alt.layer(zero, ghosts, bars, ends, ranges, texts)


def waterfall_rows(scored: Record, _: Translate) -> list[dict[str, Any]]:
    """Return a row a criterion and one for the total; x runs in points of the score."""
    rows: list[dict[str, Any]] = []
    reached = 0.0
    for criterion in scored["breakdown"]:
        points = criterion["points"]
        missing = bool(criterion["missing"])
        rows.append(
            _row(
                label(criterion["name"], _),
                reached,
                points,
                (reached + criterion["low"], reached + criterion["high"]),
                _MISSING if missing else _GAIN if points >= 0 else _LOSS,
                _("{points}, evidence missing").format(points=_signed(points))
                if missing
                else _signed(points),
                criterion["reason"],
                # a criterion that has a range of its own shows that
                ghost=(reached + criterion["minimum"], reached + criterion["maximum"])
                if missing and criterion["low"] == criterion["high"]
                else None,
            )
        )
        reached += points
    total = _("score {score}").format(score=score(scored["value"]))
    rows.append(
        _row(_("total"), 0.0, scored["value"], (scored["low"], scored["high"]), _TOTAL, total, "")
    )
    return rows


def _row(
    name: str,
    start: float,
    points: float,
    bounds: tuple[float, float],
    color: str,
    text: str,
    reason: str,
    *,
    ghost: tuple[float, float] | None = None,
) -> dict[str, Any]:
    end = start + points
    ghost_low, ghost_high = ghost or (start, start)
    return {
        "name": name,
        "start": start,
        "end": end,
        "low": bounds[0],
        "high": bounds[1],
        "missing": ghost is not None,
        "ghost_low": ghost_low,
        "ghost_high": ghost_high,
        "right": max(start, end, bounds[1], ghost_high),
        "color": color,
        "label": text,
        "reason": clean(reason),
    }


def in_words(scored: Record, _: Translate) -> str:
    """Return what the chart shows, for those who hear it."""
    parts = [
        f"{label(c['name'], _)} {_signed(c['points'])}"
        + (" (" + _could_be(c, _) + ")" if c["missing"] else "")
        for c in scored["breakdown"]
    ]
    return clean(_("Score {score}: ").format(score=score(scored["value"])) + _(", ").join(parts))


def _could_be(criterion: Record, _: Translate) -> str:
    low, high = f"{criterion['minimum']:g}".replace("-", "−"), f"{criterion['maximum']:g}"
    return _("evidence missing, could be {low} to {high}").format(low=low, high=high)


def _reason(criterion: Record, _: Translate) -> str:
    if criterion["missing"]:
        told = plain(f"○ {capital(criterion['reason'])}: {_could_be(criterion, _)}")
        return f":gray[{told}]"
    told = _("{reason} (scale {low} to {high})").format(
        reason=capital(criterion["reason"]),
        low=f"{criterion['minimum']:g}".replace("-", "−"),
        high=f"{criterion['maximum']:g}",
    )
    return plain(told)


def _reasons(criteria: Sequence[Record], _: Translate) -> None:
    st.table(
        pd.DataFrame(
            [
                {
                    _("Criterion"): together(plain(label(c["name"], _))),
                    _("Points"): plain(_signed(c["points"])),
                    _("Reason"): _reason(c, _),
                }
                for c in criteria
            ]
        ),
        hide_index=True,
        border="horizontal",
        alt=_("Points and reasons of each criterion"),
    )


def _belief(belief: Record, _: Translate) -> None:
    if not belief["known"]:
        st.caption(plain(_("Neither a claim nor a measurement speaks for its speed yet.")))
        return
    parts = [
        _("Of the belief, {claim} % rests on the headline claim, {measured} % on runs.").format(
            claim=round(100 * belief["claim_weight"]),
            measured=round(100 * belief["measured_weight"]),
        )
    ]
    doubts = (belief["headline"] or {}).get("doubts") or []
    if doubts:
        parts.append(_("Doubts about the claim: {doubts}.").format(doubts=_("; ").join(doubts)))
    st.caption(plain(" ".join(parts)))


def _signed(points: float) -> str:
    rounded = round(points, 2) + 0.0
    return f"{rounded:+.2f}".replace("-", "−") if rounded else "0.00"
