"""Every run as a table: filters in the address, a click opens the run's record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from app.i18n import Translate
from app.labels import RUN_STATES, label
from app.web.components import bench_data, url
from app.web.components.bench_pick import picked
from app.web.components.runs import against
from app.web.components.text import clean, microseconds, moment, plain, ratio

Record = Mapping[str, Any]

RUN_ICONS = {
    "ok": "✓",
    "quality_only": "◇",
    "below_quality": "▽",
    "broken": "✗",
    "implausible": "✗",
    "not_runnable": "⊘",
    "cancelled": "⊘",
}
"""A run's end is never told by colour alone; every other end is trouble."""


def chosen_runs(_: Translate) -> list[dict[str, Any]]:
    """Show the filters; return the runs that pass, the newest first."""
    listed = bench_data.runs()
    states = [code for code in STATES if any(run["status"] == code for run in listed)]
    kinds = {"": _("Full and quick"), "full": _("Full"), "quick": _("Quick"), "stale": _("Stale")}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        names = sorted({str(run["prototype"]) for run in listed})
        prototype = bench_data.choose_prototype(names, _("Prototype"), _("All prototypes"))
        devices = bench_data.devices_of(listed)
        device = bench_data.choose_device(devices, _("Measured on"), _("All devices"))
        state = url.choose(
            _("State"),
            "state",
            ["", *states],
            lambda code: label(code, _) if code else _("Any state"),
            width=220,
        )
        kind = url.choose(_("How thorough"), "kind", list(kinds), kinds.__getitem__, width=170)
    return [
        run
        for run in listed
        if (not prototype or run["prototype"] == prototype)
        and (not device or run["device_id"] == device)
        and (not state or run["status"] == state)
        and (not kind or _is(run, kind))
    ]


STATES = (*RUN_STATES, "below_quality")


def _is(run: Record, kind: str) -> bool:
    if kind == "stale":
        return bool(run["stale"])
    return bool(run.get("provisional")) is (kind == "quick")


def run_table(_: Translate) -> None:
    """Show the filters, how many runs pass, and the runs."""
    shown = chosen_runs(_)
    if not shown:
        st.info(_("No run matches. Loosen a filter, measure, or import runs."))
        return
    st.caption(
        plain(_("Runs: {count}. A click on a row opens its record.").format(count=len(shown)))
    )
    opened = picked(run_frame(shown, _), "runs", _columns(_), _("Runs, the newest first"))
    if opened is not None:
        st.query_params["run"] = shown[opened]["id"]
        st.rerun()


def run_frame(listed: Sequence[Record], _: Translate) -> pd.DataFrame:
    """Return the runs in words and figures."""
    return pd.DataFrame(
        [
            {
                "at": moment(run["at"]),
                "prototype": clean(run["prototype"]),
                "case": clean(run["case"]),
                "state": state_words(run, _),
                "time": microseconds((run.get("time_us") or {}).get("median")),
                **{
                    role: ratio((against(run, role) or {}).get("median"))
                    for role in ("paper", "strongest", "engine")
                },
                "implementation": clean(run["implementation"]),
                "device": clean(run["device_name"]),
            }
            for run in listed
        ]
    )


def state_words(run: Record, _: Translate) -> str:
    """Return how a run ended as icon and word; one that counts for less says so."""
    status = run["status"]
    marks = [_("quick")] if run.get("provisional") else []
    marks += [_("stale")] if run.get("stale") else []
    return " · ".join([f"{RUN_ICONS.get(status, '!')} {label(status, _)}", *marks])


def _columns(_: Translate) -> dict[str, Any]:
    column = st.column_config
    return {
        "at": column.TextColumn(_("When"), width=120),
        "prototype": column.TextColumn(_("Prototype"), width=85),
        "case": column.TextColumn(_("Case"), width=215),
        "state": column.TextColumn(_("State"), width=120),
        "time": column.TextColumn(_("Time"), width=75),
        "paper": column.TextColumn(_("vs paper's kind"), width=85),
        "strongest": column.TextColumn(_("vs strongest"), width=85),
        "engine": column.TextColumn(_("vs engine's"), width=85),
        "implementation": column.TextColumn(_("Implementation"), width=125),
        "device": column.TextColumn(_("Device"), width=170),
    }
