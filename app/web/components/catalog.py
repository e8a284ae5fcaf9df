"""What pages read of the catalog, kept for as long as the catalog stands still."""

from __future__ import annotations

from typing import Any

import streamlit as st

from analyzers.targets import TargetError, available_targets, load_target
from app import home
from app.web.components import context
from app.workflows import what_if as changes
from app.workflows.paper import show_paper
from app.workflows.ranking import EXPECTED, list_papers
from app.workflows.settings import default_target
from db.queries import counters, papers, runs

Row = dict[str, Any]


def version() -> int:
    """Return the catalog's version; it grows with every write that a page shows."""
    with context.reading() as session:
        return counters.read(session)


def ranking(*, target: str | None = None, device: str = "", order: str = EXPECTED) -> list[Row]:
    """Return the ranked rows; `device` "" ranks by the best measured device of each paper."""
    key = (home.database_url(), version())
    return _ranking(*key, target or default_target(), device, order, context.language())


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


def targets() -> dict[str, str]:
    """Return the targets' titles by their names, the default first; broken files are left out."""
    folder, usual = home.targets_folder(), default_target()
    titles = {usual: usual}
    for name in available_targets(folder):
        try:
            title = load_target(name, folder).title
        except TargetError:
            continue  # the command line says what is wrong with it
        titles[name] = title.get(context.language()) or title.get("en") or name
    return titles


def paper(paper_id: str, target: str | None = None) -> dict[str, Any]:
    """Return everything that is known of a paper; raises `NotFoundError`."""
    with context.reading() as session:
        return show_paper(session, paper_id, target=target, language=context.language())


def what_if(paper_id: str, target: str | None = None) -> dict[str, Any]:
    """Return what would change a paper's rank; raises `NotFoundError`."""
    places = _standings(home.database_url(), version(), target or default_target())
    with context.reading() as session:
        return changes.what_if(
            session,
            paper_id,
            target=target or default_target(),
            language=context.language(),
            places=places,
        )


@st.cache_resource(show_spinner=False, max_entries=4)
def _standings(url: str, catalog_version: int, target: str) -> list[Any]:
    # A resource: ten thousand places are only read, and would be copied for each visit otherwise.
    with context.reading() as session:
        return changes.standings(session, target)


def find(text: str) -> str:
    """Return the id of the paper that `text` means: an id, an arXiv id, a title's beginning.

    Raises `NotFoundError`, which lists close matches.
    """
    with context.reading() as session:
        return papers.get_by_any_id(session, text).id


def status(rows: list[Row], paper_id: str) -> str:
    """Return where a paper of these rows stands."""
    return next(str(row["status"]) for row in rows if row["paper_id"] == paper_id)
