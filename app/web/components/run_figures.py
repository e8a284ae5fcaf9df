"""Figures that a run tells beside its time, and what the paper prints for the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from app.i18n import Translate
from app.web.components import url
from app.web.components.cells import harmless_cells
from app.web.components.text import clean

Record = Mapping[str, Any]


def told_figures(run: Record, _: Translate) -> None:
    """Show the figures of a run as a table; nothing where it has none."""
    if not _has(run):
        return
    st.subheader(_("Figures"), anchor=False)
    st.dataframe(_table(run, _), hide_index=True, width="stretch")


def figures_by_case(measured: Sequence[Record], _: Translate) -> None:
    """Show the figures of one run after another's choice; nothing where no run has any."""
    having = {f"{run['case']} · {run['implementation']}": run for run in measured if _has(run)}
    if not having:
        return
    st.subheader(_("Figures"), anchor=False)
    names = list(having)
    name = url.choose(_("Run"), "figures", names, clean, default=names[0], width=420)
    st.dataframe(_table(having[name], _), hide_index=True, width="stretch")


def _table(run: Record, _: Translate) -> pd.DataFrame:
    return harmless_cells(pd.DataFrame(figure_rows(run, _)))


def _has(run: Record) -> bool:
    return isinstance(run.get("figures"), list) and bool(run["figures"])


def figure_rows(run: Record, _: Translate) -> list[dict[str, str]]:
    """Return one row a figure: what it is, here, in the paper, and what to know about it."""
    found = run.get("figures")
    return [
        {
            _("Figure"): clean(str(figure.get("name", ""))),
            _("Here"): amount(figure.get("value"), figure.get("unit")),
            _("In the paper"): amount(figure.get("paper"), figure.get("unit")),
            _("Remark"): clean(str(figure.get("note") or "")),
        }
        for figure in (found if isinstance(found, list) else [])
        if isinstance(figure, Mapping)
    ]


def amount(value: Any, unit: Any) -> str:
    """Return a value with its unit: 4 digits, and a dash where there is none."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return "–"
    text = f"{value:.4g}"
    return clean(f"{text}{unit}" if unit == "x" else f"{text} {unit}".strip()) if unit else text
