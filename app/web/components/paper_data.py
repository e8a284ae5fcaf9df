"""What the page of a paper reads beside the paper: its neighbours, the prototypes it may have."""

from __future__ import annotations

from typing import Any

import streamlit as st

from app import home
from app.web.components import catalog, context
from app.workflows import links as linking
from app.workflows import related as nearest


def related(paper_id: str, target: str) -> list[dict[str, Any]]:
    """Return the papers that have to do with a paper, of a target's ranking; at most five."""
    papers = _known(home.database_url(), catalog.version(), target)
    with context.reading() as session:
        return nearest.related(session, paper_id, papers, language=context.language())


@st.cache_resource(show_spinner=False, max_entries=2)
def _known(url: str, catalog_version: int, target: str) -> nearest.Known:
    # A resource: the words of all titles are only read, and would be copied for each visit.
    rows = catalog.ranking(target=target)
    with context.reading() as session:
        return nearest.known(session, rows)


def links(paper_id: str) -> list[dict[str, Any]]:
    """Return every prototype, and whether it is linked with a paper."""
    with context.reading() as session:
        return linking.prototype_links(session, paper_id)
