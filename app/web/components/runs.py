"""What was measured: speedups against each baseline as a chart, and every run as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from app.i18n import Translate
from app.labels import ROLES, label
from app.web.components import url
from app.web.components.bench_pick import picked
from app.web.components.run_figures import figures_by_case
from app.web.components.text import clean, microseconds, plain, ratio

Record = Mapping[str, Any]


def runs(measured: Sequence[Record], _: Translate) -> None:
    """Show the newest runs of a paper's prototypes, one device at a time."""
    if not measured:
        st.info(_("Nothing has been measured yet. Run the prototype, or import runs."))
        return
    newest = sorted(measured, key=lambda run: str(run["started_at"]), reverse=True)
    devices = {str(run["device_id"]): clean(run["device_name"]) for run in newest}
    device = url.choose(
        _("Measured on"),
        "on",
        list(devices),
        devices.__getitem__,
        default=next(iter(devices)),
        width=420,
    )
    here = [run for run in measured if run["device_id"] == device]
    rows = speedup_rows(here, _)
    if rows:
        st.altair_chart(
            speedup_chart(rows, _),
            height=_chart_height(rows),
            alt=_("Speedup of the prototype against each baseline, case by case"),
        )
    st.caption(plain(_("A click on a row opens the run's record.")))
    opened = picked(run_frame(here, _), "paper-runs", {}, _("Measured runs on this device"))
    if opened is not None:
        st.switch_page("views/benchmarks.py", query_params={"run": here[opened]["id"]})
    figures_by_case(here, _)


def speedup_rows(measured: Sequence[Record], _: Translate) -> list[dict[str, Any]]:
    """Return a row for each speedup of the implementation that ships."""
    return [
        {
            "case": run["case"],
            "baseline": clean(baseline["name"]),
            "roles": ", ".join(label(role, _, ROLES) for role in _roles(baseline)),
            "speedup": baseline["speedup"]["median"],
            "low": baseline["speedup"]["low"],
            "high": baseline["speedup"]["high"],
        }
        for run in measured
        if run.get("shipped")
        for baseline in run.get("baselines") or ()
        if baseline.get("speedup")
    ]


def _roles(baseline: Record) -> Sequence[str]:
    roles: Sequence[str] = baseline.get("roles") or [baseline.get("role") or ""]
    return roles


def speedup_chart(rows: Sequence[Record], _: Translate) -> alt.LayerChart | alt.FacetChart:
    """Return the chart: a point and its interval for each case and baseline, a line at 1x."""
    frame = pd.DataFrame(list(rows))
    color = alt.Color(
        "baseline:N", title=_("Against"), legend=alt.Legend(orient="top", labelLimit=320)
    )
    tooltip = [
        alt.Tooltip("case:N", title=_("Case")),
        alt.Tooltip("baseline:N", title=_("Baseline")),
        alt.Tooltip("roles:N", title=_("Role")),
        alt.Tooltip("speedup:Q", title=_("Speedup"), format=".3f"),
        alt.Tooltip("low:Q", title=_("95 % low"), format=".3f"),
        alt.Tooltip("high:Q", title=_("95 % high"), format=".3f"),
    ]
    y = alt.Y("case:N", title=None, sort=None, axis=alt.Axis(labelLimit=260))
    offset = alt.YOffset("baseline:N")
    ends = [*frame["low"], *frame["high"], 1.0]
    scale = alt.Scale(type="log", domain=[min(ends) / 1.2, max(ends) * 1.2])
    base = alt.Chart(frame).encode(y=y, yOffset=offset, color=color, tooltip=tooltip)
    title = _("speedup: how many times as fast as the baseline (log scale)")
    bars = base.mark_rule(strokeWidth=3, opacity=0.55).encode(
        x=alt.X("low:Q", scale=scale, title=title), x2="high:Q"
    )
    points = base.mark_point(filled=True, size=55, opacity=1).encode(x=alt.X("speedup:Q"))
    even = (
        alt.Chart(pd.DataFrame({"x": [1.0]}))
        .mark_rule(color="#7d8793", strokeDash=[4, 3])
        .encode(x="x:Q")
    )
    return alt.layer(even, bars, points)


def _chart_height(rows: Sequence[Record]) -> int:
    lines = len({row["case"] for row in rows}) * len({row["baseline"] for row in rows})
    return 130 + 15 * max(lines, 4)


def run_frame(measured: Sequence[Record], _: Translate) -> pd.DataFrame:
    """Return every run in words: state, gates, time, and the speedup against each role."""
    rows = []
    for run in measured:
        row: dict[str, str | None] = {
            _("Case"): clean(run["case"]),
            _("Implementation"): clean(run["implementation"])
            + (" · " + _("shipped") if run.get("shipped") else ""),
            _("State"): label(run["status"], _)
            + (" · " + _("quick") if run.get("provisional") else "")
            + (" · " + _("stale") if run.get("stale") else ""),
            _("Quality"): _gate(run.get("quality_pass"), _),
            _("Time"): microseconds((run.get("time_us") or {}).get("median")),
        }
        for role, name in (
            ("paper", _("vs paper's kind")),
            ("strongest", _("vs strongest")),
            ("engine", _("vs engine's")),
        ):
            found = against(run, role)
            row[name] = None if found is None else ratio(found["median"])
        fraction = run.get("roofline_fraction")
        row[_("Of roofline")] = None if fraction is None else f"{100 * fraction:.0f} %"
        row[_("Trouble")] = clean((run.get("error") or {}).get("message") or "") or None
        rows.append(row)
    frame = pd.DataFrame(rows)
    return frame if frame[_("Trouble")].notna().any() else frame.drop(columns=_("Trouble"))


def _gate(passed: bool | None, _: Translate) -> str | None:
    return None if passed is None else _("passed") if passed else _("failed")


def against(run: Record, role: str) -> Mapping[str, float] | None:
    """Return a run's speedup over the baseline in `role`, {"median", "low", "high"}, if any."""
    for baseline in run.get("baselines") or ():
        if role in _roles(baseline) and baseline.get("speedup"):
            speedup: Mapping[str, float] = baseline["speedup"]
            return speedup
    return None
