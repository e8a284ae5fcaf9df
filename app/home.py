"""Where Assay keeps its things, and the environment variables that move them."""

from __future__ import annotations

import os
from pathlib import Path

DATABASE_NAME = "assay.db"


def data_folder() -> Path:
    """Return the user's data folder, created; `ASSAY_HOME` moves it."""
    configured = os.environ.get("ASSAY_HOME")
    if configured:
        folder = Path(configured).expanduser()
    else:
        from platformdirs import user_data_path

        folder = user_data_path("assay", appauthor=False)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def database_url() -> str:
    """Return the catalog's SQLAlchemy URL; `ASSAY_DATABASE_URL` replaces it."""
    return os.environ.get("ASSAY_DATABASE_URL") or f"sqlite:///{data_folder() / DATABASE_NAME}"


def papers_folder() -> Path:
    """Return the folder of fetched and uploaded papers, created."""
    return _subfolder("papers")


def runs_folder() -> Path:
    """Return the folder of run documents measured on this machine, created."""
    return _subfolder("runs")


def logs_folder() -> Path:
    """Return the folder of logs, created."""
    return _subfolder("logs")


def pictures_folder() -> Path:
    """Return the folder of drawn pages, created; deleting it costs only time."""
    return _subfolder("pictures")


def targets_folder() -> Path:
    """Return the folder of a person's own target files, created."""
    return _subfolder("targets")


def backups_folder() -> Path:
    """Return the folder of the catalog's backups, created."""
    return _subfolder("backups")


def removed_folder() -> Path:
    """Return the folder that keeps what was known of removed papers, created."""
    return _subfolder("removed")


def _subfolder(name: str) -> Path:
    folder = data_folder() / name
    folder.mkdir(exist_ok=True)
    return folder
