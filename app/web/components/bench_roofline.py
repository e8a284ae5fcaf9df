"""How near each case comes to what the device can do at most, as it was measured on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from app.i18n import Translate
from app.web.components import bench_data
from app.web.components.bench_chart import MUTED
from app.web.components.text import clean, microseconds, plain

Record = Mapping[str, Any]

_RATES = {"copy_bytes_per_s": "B/s", "matmul_flops_per_s": "FLOP/s"}


def roofline(_: Translate) -> None:
    """Show one device: a point for each case, as a share of the measured ceiling."""
    listed = bench_data.runs()
    known = [run for run in listed if is_number(run.get("roofline_fraction"))]
    if not known:
        st.info(
            _("No run here tells how near it came to the device's limit. Measure, or import runs.")
        )
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        device = bench_data.choose_device(bench_data.devices_of(known), _("Measured on"), None)
        here = newest([run for run in known if run["device_id"] == device])
        names = sorted({str(run["prototype"]) for run in here})
        prototype = bench_data.choose_prototype(names, _("Prototype"), _("All prototypes"))
    chosen = [run for run in here if not prototype or run["prototype"] == prototype]
    st.markdown(plain(ceilings(chosen[0], _)))
    frame = roofline_frame(chosen, by_case=bool(prototype) or len(names) == 1)
    st.altair_chart(
        roofline_chart(frame, _),
        height=110 + 17 * frame["row"].nunique(),
        alt=_("Share of the device's measured limit that each case reaches"),
    )
    st.caption(
        plain(
            _(
                "100 % is the time that moving the case's bytes, or doing its arithmetic, takes at "
                "the rates measured on this device. A short call can't come near: starting it "
                "takes longer."
            )
        )
    )


def newest(listed: Sequence[Record]) -> list[Record]:
    """Return the newest run of each case and implementation; full runs before quick ones."""
    held: dict[tuple[str, ...], Record] = {}
    for run in listed:  # the newest first
        key = tuple(str(run[name]) for name in ("prototype", "case", "implementation", "scope"))
        if key not in held or (held[key].get("provisional") and not run.get("provisional")):
            held[key] = run
    return list(held.values())


def ceilings(run: Record, _: Translate) -> str:
    """Return the device's measured limits in a sentence."""
    rates = run["rates"]
    told = {
        name: _si(rates[name], unit) for name, unit in _RATES.items() if is_number(rates.get(name))
    }
    if len(told) < len(_RATES):
        return _("The limits of this device are not told by the run.")
    return _("Measured limits of this device: copy {copy}, matrix product {matmul}.").format(
        copy=told["copy_bytes_per_s"], matmul=told["matmul_flops_per_s"]
    )


def _si(value: float, unit: str) -> str:
    for prefix, scale in (("P", 1e15), ("T", 1e12), ("G", 1e9), ("M", 1e6)):
        if value >= scale:
            return f"{value / scale:.3g} {prefix}{unit}"
    return f"{value:.3g} {unit}"


def bound_by(run: Record) -> str | None:
    """Return "memory" or "arithmetic": what the measured rates say takes longer; None unknown."""
    roof = run.get("roofline")
    if isinstance(roof, dict) and roof.get("bound") in ("memory", "arithmetic"):
        return str(roof["bound"])
    rates, moved, flops = run["rates"], run.get("bytes"), run.get("flops")
    copy, matmul = rates.get("copy_bytes_per_s"), rates.get("matmul_flops_per_s")
    if not (is_number(moved) and is_number(flops) and is_number(copy) and is_number(matmul)):
        return None
    if copy <= 0 or matmul <= 0:
        return None
    return "memory" if moved / copy >= flops / matmul else "arithmetic"


def roofline_frame(listed: Sequence[Record], *, by_case: bool) -> pd.DataFrame:
    """Return a row for each run: its share of the limit and what a tooltip says of it."""
    return pd.DataFrame(
        [
            {
                "row": clean(run["case"] if by_case else run["prototype"]),
                "prototype": clean(run["prototype"]),
                "case": clean(run["case"]),
                "implementation": clean(run["implementation"]),
                "share": run["roofline_fraction"],
                "time": microseconds((run.get("time_us") or {}).get("median")),
                "bound": bound_by(run) or "",
            }
            for run in sorted(listed, key=lambda r: (r["prototype"], -r["roofline_fraction"]))
        ]
    )


def roofline_chart(frame: pd.DataFrame, _: Translate) -> alt.LayerChart | alt.FacetChart:
    """Return the picture: rows from the top, the limit as a line at 100 %."""
    bounds = {"memory": _("memory"), "arithmetic": _("arithmetic"), "": "–"}
    frame = frame.assign(bound=[bounds[code] for code in frame["bound"]])
    points = (
        alt.Chart(frame)
        .mark_point(filled=True, size=70, opacity=0.9)
        .encode(
            y=alt.Y("row:N", sort=None, title=None, axis=alt.Axis(labelLimit=280, grid=True)),
            x=alt.X(
                "share:Q",
                title=_("share of the device's measured limit"),
                axis=alt.Axis(format=".0%", tickCount=10),
                scale=alt.Scale(domain=[0, max(1.0, float(frame["share"].max()))]),
            ),
            color=alt.Color(
                "implementation:N",
                title=_("Implementation"),
                legend=alt.Legend(orient="top", labelLimit=260),
            ),
            shape=alt.Shape("implementation:N", title=_("Implementation")),
            tooltip=[
                alt.Tooltip("prototype:N", title=_("Prototype")),
                alt.Tooltip("case:N", title=_("Case")),
                alt.Tooltip("implementation:N", title=_("Implementation")),
                alt.Tooltip("share:Q", title=_("Of roofline"), format=".1%"),
                alt.Tooltip("time:N", title=_("Time")),
                alt.Tooltip("bound:N", title=_("Limited by")),
            ],
        )
    )
    limit = (
        alt.Chart(pd.DataFrame({"x": [1.0]})).mark_rule(color=MUTED, strokeWidth=2).encode(x="x:Q")
    )
    return alt.layer(limit, points)


def is_number(value: Any) -> bool:
    """Whether a field of a run, which comes from anywhere, is a number."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)
