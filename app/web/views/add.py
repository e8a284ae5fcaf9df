"""Add papers: what to fetch and analyse, and how far that is."""

from __future__ import annotations

import streamlit as st

from app.web.components import context, flash
from app.web.components.adding import adding
from app.web.components.header import header
from app.web.components.jobs import live_jobs

_ = context.words()
with header(_("Add papers")):
    pass
flash.show()
adding(_)
st.subheader(_("What is being added"), anchor=False)
live_jobs(lambda view: view.kind == "add", _, ended=5, nothing=_("Nothing has been added yet."))
