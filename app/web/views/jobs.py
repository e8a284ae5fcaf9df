"""Jobs: what runs, what waits, and what came of the last ones."""

from __future__ import annotations

import streamlit as st

from app.web.components import context, flash
from app.web.components.header import header
from app.web.components.job_record import job_record
from app.web.components.jobs import live_jobs

_ = context.words()
asked = st.query_params.get("job", "")
with header(_("Jobs")):
    pass
flash.show()
if asked:
    live_jobs(
        lambda view: view.id == asked,
        _,
        ended=1,
        nothing=_("There is no such job among the newest ones."),
        details="none",
    )
    job_record(asked, _)
    if st.button(_("All jobs"), key="all-jobs"):
        del st.query_params["job"]
        st.rerun()
else:
    live_jobs(
        lambda view: True,
        _,
        ended=20,
        nothing=_("No job yet. A job starts when you run a prototype or add papers."),
        details="here",
    )
