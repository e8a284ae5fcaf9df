"""Inbox: new papers against the shortlist, decided one by one; the watches that bring them."""

from __future__ import annotations

import streamlit as st

from app.web.components import context, flash
from app.web.components.header import header
from app.web.components.inbox_queue import load_queue, triage
from app.web.components.jobs import live_jobs
from app.web.components.watches import digests, watches

_ = context.words()
with header(_("Inbox")):
    digests(_)
flash.show()
with context.errors_shown():
    triage(load_queue(), _)
st.subheader(_("Watches"), anchor=False)
with context.errors_shown():
    watches(_)
live_jobs(lambda view: view.kind == "watch", _, ended=1)
