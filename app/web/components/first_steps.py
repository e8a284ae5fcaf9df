"""What to do first: load the ten papers, add one's own, measure."""

from __future__ import annotations

import streamlit as st

from app.i18n import Translate
from app.web.components import access, context, flash
from app.web.components.text import plain, strong
from app.workflows.opening import init_catalog
from app.workflows.ranked import Ranking

_MEASURED = "sampling"
"""The paper whose prototype a first measurement is made with: it runs on any CPU."""


def start(_: Translate) -> None:
    """Say in three steps what to do with an empty catalog; the first is one click."""
    flash.show()
    st.info(_("The catalog has no papers yet. Three steps, and it ranks them."))
    first, second, third = st.columns(3, gap="medium")
    with first, st.container(border=True, height="stretch"):
        st.markdown(strong(_("1. Load the ten papers")))
        st.caption(plain(_("The papers of the first report, with their claims and measurements.")))
        if st.button(_("Load the ten papers"), key="load-seed", type="primary"):
            with context.errors_shown():
                access.act("curate", "seed")
                summary = init_catalog(context.engine())
                flash.say_after_rerun(
                    _("Papers in the catalog: {count}.").format(count=summary.papers)
                )
                st.rerun()
    with second, st.container(border=True, height="stretch"):
        st.markdown(strong(_("2. Add your own")))
        st.caption(plain(_("By arXiv id or address, as PDF or Markdown, or by a query.")))
        st.page_link("views/add.py", label=_("Add papers"))
    with third, st.container(border=True, height="stretch"):
        st.markdown(strong(_("3. Measure")))
        st.caption(plain(_("A prototype tests a claim on this machine and moves the rank.")))
        st.page_link("views/benchmarks.py", label=_("Benchmarks"))


def next_steps(rows: Ranking, _: Translate) -> None:
    """Say in a line what comes after the ten papers, for as long as there are no others.

    Only what the visitor's role lets them do.
    """
    flash.show()
    if not (all(rows.columns.is_seed) and access.may_do("curate")):
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        told = _("First steps: ✓ the ten papers are loaded. Next:")
        st.markdown(f":small[{plain(told)}]", width="content")
        st.page_link("views/add.py", label=_("2. Add your own"), width="content")
        if _MEASURED in rows.paper_ids and access.may_do("run"):
            st.page_link(
                "views/paper.py",
                label=_("3. Measure on this machine"),
                query_params={"paper": _MEASURED, "view": "prototype"},
                width="content",
            )
