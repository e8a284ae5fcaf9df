"""How a prototype's measurements changed: the same case over its runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from app.i18n import Translate
from app.web.components import bench_data, url
from app.web.components.bench_chart import MUTED
from app.web.components.bench_pick import picked
from app.web.components.bench_runs import state_words
from app.web.components.runs import against
from app.web.components.text import clean, microseconds, moment, ratio

Record = Mapping[str, Any]


def measured_over_time(_: Translate) -> None:
    """Show one case of one prototype: a point for each run, and the runs below."""
    listed = bench_data.runs()
    if not listed:
        st.info(_("Nothing has been measured yet. Run the prototype, or import runs."))
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        names = sorted({str(run["prototype"]) for run in listed})
        prototype = bench_data.choose_prototype(names, _("Prototype"), None)
        own = [run for run in listed if run["prototype"] == prototype]
        device = bench_data.choose_device(bench_data.devices_of(own), _("Measured on"), None)
        own = [run for run in own if run["device_id"] == device]
        counts = Counter(str(run["case"]) for run in own)
        cases = [case for case, _count in counts.most_common()]
        case = url.choose(
            _("Case"),
            "case",
            cases,
            lambda name: _("{case} (runs: {count})").format(case=clean(name), count=counts[name]),
            default=cases[0],
            width=360,
        )
        figures = {
            "time": _("Time"),
            "strongest": _("vs strongest"),
            "engine": _("vs engine's"),
            "paper": _("vs paper's kind"),
        }
        figure = url.choose(
            _("Figure"), "figure", list(figures), figures.__getitem__, default="time", width=160
        )
    runs = [run for run in own if run["case"] == case]
    rows = history_rows(runs, figure, _)
    if rows:
        st.altair_chart(
            history_chart(rows, _("Time (µs)") if figure == "time" else figures[figure], _),
            height=320,
            alt=_("{figure} of this case, run by run").format(figure=figures[figure]),
        )
    else:
        st.info(_("No run of this case has that figure."))
    opened = picked(history_frame(runs, _), "history", {}, _("Runs of this case, the newest first"))
    if opened is not None:
        st.query_params["run"] = runs[opened]["id"]
        st.rerun()


def standing(run: Record, _: Translate) -> str:
    """Return whether a run counts in full: "full", "quick (provisional)", "stale: …"."""
    if run["stale"]:
        return _("stale: the code is another now")
    return _("quick (provisional)") if run.get("provisional") else _("full")


def history_rows(listed: Sequence[Record], figure: str, _: Translate) -> list[dict[str, Any]]:
    """Return a row for each run that has the figure: when, how much, with which interval."""
    rows = []
    for run in listed:
        value = run.get("time_us") if figure == "time" else against(run, figure)
        if value is None:
            continue
        show = microseconds if figure == "time" else ratio
        rows.append(
            {
                "at": _utc(run["at"]),
                "when": moment(run["at"]),
                "value": value["median"],
                "low": value["low"],
                "high": value["high"],
                "told": f"{show(value['median'])} [{show(value['low'])}, {show(value['high'])}]",
                "implementation": clean(run["implementation"]),
                "standing": standing(run, _),
            }
        )
    return rows


def _utc(text: str) -> datetime:
    """Return a time in UTC; one that is none can't stand on the axis, so it is the epoch."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return datetime.fromtimestamp(0, UTC)
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def history_chart(
    rows: Sequence[Record], figure: str, _: Translate
) -> alt.LayerChart | alt.FacetChart:
    """Return the picture: a line for each implementation, a sign for how much a run counts."""
    frame = pd.DataFrame(list(rows))
    color = alt.Color(
        "implementation:N", title=_("Implementation"), legend=alt.Legend(orient="top")
    )
    base = alt.Chart(frame).encode(
        x=alt.X(
            "at:T",
            title=_("measured at (UTC)"),
            axis=alt.Axis(format="%Y-%m-%d %H:%M", tickCount=6, labelOverlap=True),
        ),
        color=color,
    )
    y = alt.Scale(
        type="log", domain=[frame["low"].min() / 1.1, frame["high"].max() * 1.1], nice=False
    )
    lines = base.mark_line(strokeWidth=1.5, opacity=0.5).encode(
        y=alt.Y("value:Q", scale=y, title=figure)
    )
    bars = base.mark_rule(strokeWidth=4, opacity=0.45).encode(
        y=alt.Y("low:Q", scale=y, title=figure), y2="high:Q"
    )
    kinds = [_("full"), _("quick (provisional)"), _("stale: the code is another now")]
    points = base.mark_point(filled=True, size=90, opacity=1).encode(
        y=alt.Y("value:Q", scale=y),
        shape=alt.Shape(
            "standing:N",
            title=_("Run"),
            scale=alt.Scale(domain=kinds, range=["circle", "triangle-up", "cross"]),
            legend=alt.Legend(
                orient="top", labelLimit=260, symbolFillColor=MUTED, symbolStrokeColor=MUTED
            ),
        ),
        tooltip=[
            alt.Tooltip("when:N", title=_("When")),
            alt.Tooltip("told:N", title=figure),
            alt.Tooltip("implementation:N", title=_("Implementation")),
            alt.Tooltip("standing:N", title=_("Run")),
        ],
    )
    return alt.layer(lines, bars, points)


def history_frame(listed: Sequence[Record], _: Translate) -> pd.DataFrame:
    """Return the runs of a case in words."""
    return pd.DataFrame(
        [
            {
                _("When"): moment(run["at"]),
                _("Implementation"): clean(run["implementation"]),
                _("State"): state_words(run, _),
                _("Time"): microseconds((run.get("time_us") or {}).get("median")),
                **{
                    name: ratio((against(run, role) or {}).get("median"))
                    for role, name in (
                        ("paper", _("vs paper's kind")),
                        ("strongest", _("vs strongest")),
                        ("engine", _("vs engine's")),
                    )
                },
            }
            for run in listed
        ]
    )
