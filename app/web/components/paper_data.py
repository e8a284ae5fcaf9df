"""What the page of a paper reads beside the paper: its neighbours, the prototypes it may have."""

from __future__ import annotations

from typing import Any

import streamlit as st

from app import home
from app.web.components import catalog, context
from app.workflows import links as linking
from app.workflows import related as nearest
from app.workflows.ranked import Ranking


def related(paper_id: str, rows: Ranking) -> list[dict[str, Any]]:
    """Return the papers that have to do with a paper, of the ranked rows; at most five."""
    key = (home.database_url(), catalog.version(), paper_id, context.language())
    return _related(*key, rows)


@st.cache_data(show_spinner=False, max_entries=64)
def _related(
    url: str, catalog_version: int, paper_id: str, language: str, _rows: Ranking
) -> list[dict[str, Any]]:
    with context.reading() as session:
        return nearest.related(session, paper_id, _rows, language=language)


def links(paper_id: str) -> list[dict[str, Any]]:
    """Return every prototype, and whether it is linked with a paper."""
    with context.reading() as session:
        return linking.prototype_links(session, paper_id)
