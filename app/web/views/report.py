"""Report: the priority report in either language, to read and to take away."""

from __future__ import annotations

import streamlit as st

from app.web.components import catalog, context, empty, flash
from app.web.components.header import header
from app.web.components.report import kept_reports, preview, report_options
from app.workflows.settings import default_target

_ = context.words()
with header(_("Report")):
    pass
flash.show()
if not catalog.ranking():
    empty.no_papers(_)
    st.stop()
engine = default_target()
with context.errors_shown():
    language, chosen, since, engine = report_options(_)
    preview(language, chosen, since, engine, _)
st.subheader(_("Saved reports"), anchor=False)
kept_reports(engine, _)
