"""The workbench's entry: one run of this script draws one page in one language."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from app.web.components import access, context, url

# Not named "pages": Streamlit would serve files there on its own, without this router.
VIEWS = Path(__file__).parent / "views"

# An image of our own: a named icon would be fetched from a font server.
st.set_page_config(
    page_title="Assay", page_icon=str(Path(__file__).parent / "icon.png"), layout="wide"
)
st.logo(str(Path(__file__).parent / "logo.svg"), size="large")
context.settle_language()
_ = context.words()
page = st.navigation(
    [
        st.Page(VIEWS / "ranking.py", title=_("Ranking"), url_path="ranking", default=True),
        st.Page(VIEWS / "paper.py", title=_("Paper"), url_path="paper"),
        st.Page(VIEWS / "inbox.py", title=_("Inbox"), url_path="inbox"),
        st.Page(VIEWS / "benchmarks.py", title=_("Benchmarks"), url_path="benchmarks"),
        st.Page(VIEWS / "report.py", title=_("Report"), url_path="report"),
        st.Page(VIEWS / "add.py", title=_("Add papers"), url_path="add"),
        st.Page(VIEWS / "jobs.py", title=_("Jobs"), url_path="jobs"),
        st.Page(VIEWS / "settings.py", title=_("Settings"), url_path="settings"),
    ],
    position="top",
)
url.note_page(page.url_path)
with context.errors_shown():
    if access.gate(_):
        page.run()
