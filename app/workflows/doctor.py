"""What is set up on this machine, what is missing, and what to do about it."""

from __future__ import annotations

import importlib.metadata
import shutil
import sqlite3
import sys
from collections.abc import Callable
from dataclasses import dataclass

from app import home


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    name: str
    good: bool
    text: str


def examine() -> list[Finding]:
    """Look at everything that Assay needs; nothing is changed and nothing heavy imported."""
    return [check() for check in (_python, _packages, _folder, _catalog, _sqlite, _gpu, _disk)]


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    good = sys.version_info >= (3, 11)
    return Finding("python", good, version if good else f"{version}: Assay needs 3.11 or newer")


def _packages() -> Finding:
    wanted = ("streamlit", "sqlalchemy", "pymupdf-lite", "arxiv", "pebble", "torch")
    versions, missing = [], []
    for name in wanted:
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
    if missing:
        return Finding("packages", False, f"missing: {', '.join(missing)}; type `make setup`")
    return Finding("packages", True, ", ".join(versions))


def _folder() -> Finding:
    try:
        folder = home.data_folder()
        probe = folder / ".probe"
        probe.write_text("")
        probe.unlink()
    except OSError as error:
        return Finding("data folder", False, f"can't be written ({error}); set ASSAY_HOME")
    return Finding("data folder", True, str(folder))


def _catalog() -> Finding:
    return _try("catalog", _count)


def _count() -> str:
    from app.workflows.opening import open_catalog
    from db.engine import session_scope
    from db.queries import papers

    with session_scope(open_catalog()) as session:
        return f"{len(papers.list_papers(session))} papers in {home.database_url()}"


def _try(name: str, look: Callable[[], str]) -> Finding:
    from app.errors import AssayError
    from db.errors import CatalogError

    try:
        return Finding(name, True, look())
    except (AssayError, CatalogError) as error:
        return Finding(name, False, str(error))


def _sqlite() -> Finding:
    good = sqlite3.sqlite_version_info >= (3, 35)
    text = sqlite3.sqlite_version
    return Finding("sqlite", good, text if good else f"{text}: 3.35 or newer is needed")


def _gpu() -> Finding:
    if shutil.which("nvidia-smi"):
        return Finding("gpu", True, "an NVIDIA driver is here: `--device cuda` can be tried")
    return Finding("gpu", True, "no NVIDIA driver: prototypes are measured on the CPU")


def _disk() -> Finding:
    free = shutil.disk_usage(home.data_folder()).free / 2**30
    good = free > 0.5
    return Finding("disk", good, f"{free:.1f} GB free" + ("" if good else ": free some space"))
