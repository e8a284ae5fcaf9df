"""One job in full: when it was what, and what its programs printed."""

from __future__ import annotations

from contextlib import suppress

import streamlit as st

from app import jobs
from app.i18n import Translate
from app.jobs.context import log_file
from app.web.components import context
from app.web.components.text import moment, plain

LOG_CHARACTERS = 20_000
"""So much of a log's end is shown."""


def job_record(job_id: str, _: Translate) -> None:
    """Show a job's times and the end of its log; nothing for a job that isn't there."""
    job = jobs.get(context.engine(), job_id)
    if job is None:
        return
    view = jobs.describe(job, context.language())
    times = [
        (_("Asked for: {time}"), view.asked_at),
        (_("begun: {time}"), view.started_at),
        (_("ended: {time}"), view.ended_at),
    ]
    told = " · ".join(words.format(time=moment(at)) for words, at in times if at)
    st.caption(plain(told))
    # The id is that of a row, so that no path can be asked for.
    log = log_file(job.id)
    with suppress(OSError):
        text = log.read_text(encoding="utf-8", errors="replace")[-LOG_CHARACTERS:].strip()
        if text:
            with st.expander(_("What its programs printed")):
                st.code(text, language=None, wrap_lines=True)
