"""What is set up on this machine, what is missing, and what to do about it."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import sqlite3
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from analyzers.message import Message, message
from app import home
from app.errors import AssayError, reason_of
from app.i18n import N_
from app.jobs.hosts.address import SECURE, VARIABLE, is_configured

NAMES = {
    "python": "Python",
    "packages": N_("packages"),
    "folder": N_("data folder"),
    "catalog": N_("catalog"),
    "sqlite": "SQLite",
    "postgres": "PostgreSQL",
    "gpu": N_("GPU"),
    "disk": N_("disk space"),
    "target": N_("engine"),
    "certificates": N_("certificates"),
    "hosts": N_("other hosts"),
}
PACKAGES = ("streamlit", "sqlalchemy", "pymupdf-lite", "arxiv", "pebble", "torch")
NEEDED = (3, 11)
ENOUGH_GB = 0.5


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; where it isn't good, what to do: a sentence and a command."""

    name: str
    good: bool
    text: Message
    remedy: Message | None = None
    command: str = ""


def examine() -> list[Finding]:
    """Look at everything that Assay needs; nothing is changed and nothing heavy imported."""
    database = _server if home.database_url().startswith("postgres") else _sqlite
    checks = (_python, _packages, _folder, _catalog, _target, database, _gpu, _disk)
    return [check() for check in checks] + (_other_hosts() if is_configured() else [])


def _other_hosts() -> list[Finding]:
    """The hosts, and before them the certificates without which nobody there is asked."""
    if not os.environ[VARIABLE].strip().startswith(SECURE):
        return [_hosts()]
    certificates = _certificates()
    return [certificates, _hosts()] if certificates.good else [certificates]


def _python() -> Finding:
    version = message("{version}", version=".".join(map(str, sys.version_info[:3])))
    if sys.version_info >= NEEDED:
        return Finding("python", True, version)
    remedy = message("Assay needs Python 3.11 or newer: set it up with one.")
    return Finding("python", False, version, remedy, "make setup PYTHON=python3.12")


def _packages() -> Finding:
    versions, missing = [], []
    for name in PACKAGES:
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
    if missing:
        told = message("missing: {names}", names=", ".join(missing))
        remedy = message("Install what is missing, in the project's folder.")
        return Finding("packages", False, told, remedy, "make setup")
    return Finding("packages", True, message("{version}", version=", ".join(versions)))


def _folder() -> Finding:
    try:
        folder = home.data_folder()
        probe = folder / ".probe"
        probe.write_text("")
        probe.unlink()
    except OSError as error:
        told = message("can't be written: {why}", why=error.strerror or str(error))
        remedy = message("Make the folder writable, or choose another one before Assay starts.")
        return Finding("folder", False, told, remedy, "export ASSAY_HOME=~/assay")
    return Finding("folder", True, message("{version}", version=str(folder)))


def _catalog() -> Finding:
    remedy = message("Create the catalog; if it is damaged, see what is wrong or take a backup.")
    return _try("catalog", _count, remedy, "assay init && assay db check")


def _count() -> Message:
    from app.workflows.opening import open_catalog
    from db.dialects import is_postgres
    from db.engine import place_of, session_scope
    from db.queries import papers

    engine = open_catalog()
    with session_scope(engine) as session:
        return message(
            "{count} papers in {place}",
            count=papers.count(session),
            # Without the password that the URL of a server may hold.
            place=place_of(engine) if is_postgres(session) else home.database_url(),
        )


def _target() -> Finding:
    from app.workflows.settings import default_target

    name = default_target()
    remedy = message("Take back the last edit of its file, or fix the file.")
    return _try("target", lambda: _load(name), remedy, f"assay target undo {name}")


def _load(name: str) -> Message:
    from analyzers.targets import load_target

    target = load_target(name, home.targets_folder())
    return message("{target}, of {date}", target=name, date=target.date)


def _try(name: str, look: Callable[[], Message], remedy: Message, command: str) -> Finding:
    try:
        return Finding(name, True, look())
    except Exception as error:
        reason = reason_of(error)
        if reason is None:
            raise
        return Finding(name, False, reason, remedy, command)


def _sqlite() -> Finding:
    version = message("{version}", version=sqlite3.sqlite_version)
    if sqlite3.sqlite_version_info >= (3, 35):
        return Finding("sqlite", True, version)
    remedy = message("SQLite 3.35 or newer is needed: it comes with a newer Python.")
    return Finding("sqlite", False, version, remedy, "make setup PYTHON=python3.12")


def _server() -> Finding:
    """The server of a catalog in PostgreSQL, in the place of SQLite."""
    remedy = message("Correct the address, or start the server; then ask again.")
    return _try("postgres", _version_of_server, remedy, "assay doctor")


def _version_of_server() -> Message:
    from sqlalchemy import text

    from db.engine import catalog_errors, open_engine

    engine = open_engine(home.database_url())
    try:
        with catalog_errors(engine), engine.connect() as connection:
            version = connection.execute(text("SHOW server_version")).scalar_one()
        return message("{version}", version=version)
    finally:
        engine.dispose()


def _gpu() -> Finding:
    if shutil.which("nvidia-smi"):
        told = message("an NVIDIA driver is here: `--device cuda` can be tried")
    else:
        told = message("no NVIDIA driver: prototypes are measured on the CPU")
    return Finding("gpu", True, told)


def _certificates() -> Finding:
    remedy = message("Put good certificates there, as docs/hosts.md says; then ask again.")
    return _try("certificates", _good_until, remedy, "assay doctor")


def _good_until() -> Message:
    from app.jobs.hosts.address import certificates
    from app.jobs.hosts.certificates import good_until

    folder = certificates()
    ends = good_until(folder)
    days = (ends - datetime.now(UTC)).days
    return message(
        "good for {days} days, to {date}, in {folder}",
        days=days,
        date=f"{ends:%Y-%m-%d}",
        folder=str(folder),
    )


def _hosts() -> Finding:
    """Who works for the scheduler that is named, on what, by which code."""
    from app.workflows.hosts import list_hosts, told_of

    remedy = message("Start the scheduler and the hosts, or leave ASSAY_SCHEDULER empty.")
    try:
        hosts = list_hosts(None)
    except AssayError as error:
        return Finding("hosts", False, error.reason, remedy, "assay hosts list")
    if not hosts:
        told = message("The scheduler answers, and no host works for it.")
        remedy = message("Let a machine join, on that machine.")
        return Finding("hosts", False, told, remedy, "assay hosts join --device cpu")
    told = message("{count}: {hosts}", count=len(hosts), hosts=told_of(hosts))
    if all(host["same_code"] for host in hosts):
        return Finding("hosts", True, told)
    others = told_of([host for host in hosts if not host["same_code"]])
    told = message("{told}. Other code than here on {others}", told=told, others=others)
    remedy = message("Bring them to this machine's version: work of other code is refused.")
    return Finding("hosts", False, told, remedy, "git pull && make setup")


def _disk() -> Finding:
    free = shutil.disk_usage(home.data_folder()).free / 2**30
    told = message("{size} GB free", size=f"{free:.1f}")
    if free > ENOUGH_GB:
        return Finding("disk", True, told)
    remedy = message("Free some space; the drawn pages can be deleted, they are drawn anew.")
    return Finding("disk", False, told, remedy, f"rm -r {home.data_folder() / 'pictures'}")
