"""The samples behind a run's time: a summary, the method, and a picture of their course."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median, quantiles
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from app.i18n import Translate
from app.web.components.bench_roofline import is_number
from app.web.components.cells import harmless_cells
from app.web.components.text import clean, microseconds, plain

Record = Mapping[str, Any]

_MOST = 2000
"""More points than that are no picture: every n-th stands for its neighbours."""


def samples(run: Record, _: Translate) -> None:
    """Show how the times were taken and how they spread; nothing where none was taken."""
    series = sample_series(run)
    if not series:
        return
    st.subheader(_("Samples"), anchor=False)
    method = run.get("method")
    if isinstance(method, dict) and method.get("summary"):
        st.caption(plain(method["summary"]))
    scopes = run.get("scopes")
    told = scopes.get("setup_us") if isinstance(scopes, dict) else None
    set_up = told if isinstance(told, dict) else {}
    rows = [summary(name, values, numbers(set_up.get(name)), _) for name, values in series.items()]
    st.dataframe(
        harmless_cells(pd.DataFrame(rows)),
        hide_index=True,
        height="content",
        placeholder="–",
        alt=_("Summary of the samples of the implementation and of each baseline"),
    )
    st.altair_chart(
        samples_chart(series, _),
        height=300,
        alt=_("Time of each sample in the order in which they were taken"),
    )


def sample_series(run: Record) -> dict[str, list[float]]:
    """Return the samples in µs of the implementation and its baselines, those that have any."""
    series = {clean(run["implementation"]): numbers(run.get("samples"))}
    for baseline in run.get("baselines") or ():
        if isinstance(baseline, dict):
            series[clean(baseline.get("name", ""))] = numbers(baseline.get("samples"))
    positive = {name: [v for v in values if v > 0] for name, values in series.items()}
    return {name: values for name, values in positive.items() if values}


def numbers(value: Any) -> list[float]:
    """Return the numbers in a list or in its lists, one after another (a list a process)."""
    if is_number(value):
        return [float(value)]
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [number for item in value for number in numbers(item)]
    return []


def summary(
    name: str, values: list[float], set_up: list[float], _: Translate
) -> dict[str, str | None]:
    """Return the samples of one in words: how many, median, spread, ends, what set-up takes."""
    quarters = quantiles(values, n=4) if len(values) > 1 else [values[0]] * 3
    middle = median(values)
    return {
        _("Of"): name,
        _("Samples"): str(len(values)),
        _("Median"): microseconds(middle),
        _("Middle half"): f"{microseconds(quarters[0])} – {microseconds(quarters[2])}",
        _("Smallest"): microseconds(min(values)),
        _("Largest"): microseconds(max(values)),
        _("Set-up"): microseconds(median(set_up)) if set_up else None,
        _("Spread"): f"{100 * (quarters[2] - quarters[0]) / middle:.1f} %" if middle else "–",
    }


def samples_chart(series: Mapping[str, list[float]], _: Translate) -> alt.Chart:
    """Return the picture of every sample over the median of its own: drift and outliers are seen,
    and what drifts together is the machine."""
    frame = pd.DataFrame(
        [
            {"number": number, "share": value / median(values), "time": value, "of": name}
            for name, values in series.items()
            for number, value in list(enumerate(values, start=1))[:: 1 + len(values) // _MOST]
        ]
    )
    ends = [frame["share"].min() / 1.01, frame["share"].max() * 1.01]
    chart: alt.Chart = (
        alt.Chart(frame)
        .mark_line(point=alt.OverlayMarkDef(size=18), strokeWidth=1, opacity=0.8)
        .encode(
            x=alt.X("number:Q", title=_("sample")),
            y=alt.Y(
                "share:Q",
                title=_("time over its own median"),
                scale=alt.Scale(type="log", domain=ends, nice=False),
                axis=alt.Axis(tickCount=6, format=".3~g"),
            ),
            color=alt.Color("of:N", title=_("Of"), legend=alt.Legend(orient="top", labelLimit=260)),
            tooltip=[
                alt.Tooltip("of:N", title=_("Of")),
                alt.Tooltip("number:Q", title=_("sample")),
                alt.Tooltip("time:Q", title=_("Time (µs)"), format=".4g"),
            ],
        )
    )
    return chart
