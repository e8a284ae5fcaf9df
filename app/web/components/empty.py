"""What a page says where there is nothing to show, and where to go from there."""

from __future__ import annotations

import streamlit as st

from app.i18n import Translate
from app.web.components import catalog, context
from app.web.components.text import plain
from db.errors import NotFoundError


def no_papers(_: Translate) -> None:
    """Say that the catalog is empty."""
    st.info(_("The catalog has no papers yet. Add some by id, address or file."))
    st.page_link("views/add.py", label=_("Add papers"))


def no_match(_: Translate) -> None:
    """Say that the filters let nothing through."""
    st.info(_("No paper matches. Loosen a filter or clear the search."))


def no_such_paper(asked: str, _: Translate) -> None:
    """Say that the address names no paper; open the one that it may have meant."""
    try:
        found = catalog.find(asked[:300])
    except NotFoundError as error:
        st.error(plain(context.sentence(error)))
        for close in error.close:
            st.page_link("views/paper.py", label=plain(close), query_params={"paper": close})
        st.page_link("views/ranking.py", label=_("Back to the ranking"))
    else:
        st.query_params["paper"] = found
        st.rerun()
