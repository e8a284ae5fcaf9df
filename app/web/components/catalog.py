"""What pages read of the catalog, kept for as long as the catalog stands still."""

from __future__ import annotations

from typing import Any

import streamlit as st

from app import home
from app.web.components import context
from app.workflows.ranking import list_papers
from db.queries import counters, runs

Row = dict[str, Any]


def version() -> int:
    """Return the catalog's version; it grows with every write that a page shows."""
    with context.reading() as session:
        return counters.read(session)


def ranking(*, device: str = "", order: str = "expected", target: str = "llama.cpp") -> list[Row]:
    """Return the ranked rows; `device` "" ranks by the best measured device of each paper."""
    return _ranking(home.database_url(), version(), target, device, order, context.language())


@st.cache_data(show_spinner=False, max_entries=64)
def _ranking(
    url: str, catalog_version: int, target: str, device: str, order: str, language: str
) -> list[Row]:
    # The first two arguments are the key: another catalog, or a change in it, is another answer.
    with context.reading() as session:
        return list_papers(
            session, target=target, device=device or None, order=order, language=language
        )


def device_names() -> dict[str, str]:
    """Return the measured devices' names by their ids."""
    return _device_names(home.database_url(), version())


@st.cache_data(show_spinner=False, max_entries=8)
def _device_names(url: str, catalog_version: int) -> dict[str, str]:
    with context.reading() as session:
        return {device.device_id: device.device_name for device in runs.devices(session)}
