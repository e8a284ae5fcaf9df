"""What the page of benchmarks reads, kept for as long as the catalog stands still."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from app import home
from app.errors import AssayError
from app.web.components import catalog, context, url
from app.web.components.text import clean
from app.workflows.benchmarks import compare_claims, list_runs, show_run
from app.workflows.measuring import list_prototypes
from app.workflows.run_files import dumps, export_runs
from app.workflows.staleness import Hashes, current_hashes

Record = Mapping[str, Any]


def comparisons() -> list[dict[str, Any]]:
    """Return claims beside measurements, in this session's language."""
    return _comparisons(home.database_url(), catalog.version(), context.language())


@st.cache_data(show_spinner=False, max_entries=8)
def _comparisons(address: str, version: int, language: str) -> list[dict[str, Any]]:
    with context.reading() as session:
        return compare_claims(session, language=language)


def runs() -> list[dict[str, Any]]:
    """Return all runs in brief, the newest first."""
    return _runs(home.database_url(), catalog.version())


@st.cache_data(show_spinner=False, max_entries=4)
def _runs(address: str, version: int) -> list[dict[str, Any]]:
    with context.reading() as session:
        return list_runs(session, current=code_hashes())


def run(run_id: str) -> dict[str, Any]:
    """Return all that is stored of a run; raises `NotFoundError`."""
    with context.reading() as session:
        return show_run(session, run_id, current=code_hashes())


def run_file(ids: Sequence[str]) -> bytes:
    """Return these runs as a file that imports to the same runs."""
    return _run_file(home.database_url(), catalog.version(), tuple(ids))


@st.cache_data(show_spinner=False, max_entries=4)
def _run_file(address: str, version: int, ids: tuple[str, ...]) -> bytes:
    with context.reading() as session:
        return dumps(export_runs(session, ids=ids))


def prototypes() -> list[dict[str, Any]]:
    """Return what the prototypes say of themselves; none where they can't be listed."""
    try:
        return list_prototypes()
    except AssayError:
        return []


def code_hashes() -> Hashes:
    """Return the hashes of today's code, as the harness tells them."""
    return current_hashes(prototypes())


def choose_device(devices: Mapping[str, str], label: str, anything: str | None) -> str:
    """Let the person choose a measured device; "" is any, where `anything` names that choice."""
    codes = [*([] if anything is None else [""]), *devices]
    return url.choose(
        label,
        "device",
        codes,
        lambda code: clean(devices[code]) if code else anything or "",
        default=codes[0] if codes else "",
        width=300,
    )


def choose_prototype(names: Sequence[str], label: str, anything: str | None) -> str:
    """Let the person choose a prototype; "" is any, where `anything` names that choice."""
    codes = [*([] if anything is None else [""]), *names]
    return url.choose(
        label,
        "prototype",
        codes,
        lambda code: clean(code) if code else anything or "",
        default=codes[0] if codes else "",
        width=200,
    )


def devices_of(listed: Sequence[Record]) -> dict[str, str]:
    """Return the names of the devices of these runs by their ids, the newest run's first."""
    seen: dict[str, str] = {}
    for found in listed:
        seen.setdefault(str(found["device_id"]), clean(found["device_name"]))
    return seen
