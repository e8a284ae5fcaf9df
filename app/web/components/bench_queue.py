"""Measure here: start a run of any prototype, and follow the queue."""

from __future__ import annotations

import streamlit as st

from app.i18n import Translate
from app.web.components import bench_data
from app.web.components.jobs import live_jobs
from app.web.components.measure import start_run
from app.web.components.text import plain

_ENDED = 10


def queue(_: Translate) -> None:
    """Show the form and the benchmark jobs: those that run or wait, then the last ones."""
    known = bench_data.prototypes()
    if known:
        start_run([prototype["name"] for prototype in known], _)
        st.caption(
            plain(_("One device runs one benchmark at a time; what waits starts by itself."))
        )
    else:
        st.warning(_("The prototypes can't be listed here: type `assay doctor` to see why."))
    live_jobs(
        lambda view: view.kind == "benchmark",
        _,
        ended=_ENDED,
        nothing=_("No benchmark runs or waits, and none has ended yet."),
    )
