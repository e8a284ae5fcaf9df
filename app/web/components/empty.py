"""What a page says where there is nothing to show, and where to go from there."""

from __future__ import annotations

import streamlit as st

from app.i18n import Translate


def no_papers(_: Translate) -> None:
    """Say that the catalog is empty."""
    st.info(_("The catalog has no papers yet. Add some by id, address or file."))
    st.page_link("pages/add.py", label=_("Add papers"))


def no_match(_: Translate) -> None:
    """Say that the filters let nothing through."""
    st.info(_("No paper matches. Loosen a filter or clear the search."))
