"""Benchmarks: what was claimed, what was measured, and the runs behind it."""

from __future__ import annotations

import streamlit as st

from app.web.components import context, flash, url
from app.web.components.bench_compare import compare
from app.web.components.bench_files import files
from app.web.components.bench_history import measured_over_time
from app.web.components.bench_queue import queue
from app.web.components.bench_roofline import roofline
from app.web.components.bench_runs import run_table
from app.web.components.header import header
from app.web.components.run_record import run_record

_ = context.words()
with header(_("Benchmarks")):
    pass
flash.show()
asked = st.query_params.get("run", "")
if asked:
    if st.button(_("Back to the benchmarks"), key="bench-back"):
        del st.query_params["run"]
        st.rerun()
    with context.errors_shown():
        run_record(asked, _)
    st.stop()
sections = {
    "claims": (_("Claimed and measured"), compare),
    "roofline": (_("Roofline"), roofline),
    "history": (_("History"), measured_over_time),
    "runs": (_("Runs"), run_table),
    "queue": (_("Measure here"), queue),
    "files": (_("Import and export"), files),
}
section = url.sections(_("Section"), "show", list(sections), lambda name: sections[name][0])
sections[section][1](_)
