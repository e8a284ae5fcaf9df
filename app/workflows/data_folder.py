"""What lies in the data folder, how large it is, and a backup of the catalog in it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from app import home
from app.i18n import N_
from db.backup import backup

KINDS = {
    "catalog": N_("catalog"),
    "papers": N_("papers fetched and uploaded"),
    "pictures": N_("drawn pages"),
    "runs": N_("run documents"),
    "targets": N_("engines of your own"),
    "backups": N_("backups"),
    "logs": N_("logs"),
    "rest": N_("everything else"),
}
BACKUPS = (".db", ".dump")
"""Of SQLite, and of PostgreSQL."""


@dataclass(frozen=True, slots=True)
class Usage:
    """The data folder: bytes and files by kind, and the bytes that are free beside it."""

    folder: Path
    sizes: dict[str, tuple[int, int]]
    free: int

    @property
    def total(self) -> int:
        """The bytes that everything takes."""
        return sum(size for size, _ in self.sizes.values())


def usage() -> Usage:
    """Look at the data folder; what disappears meanwhile isn't counted."""
    folder = home.data_folder()
    sizes = dict.fromkeys(KINDS, (0, 0))
    for path, size in _files(str(folder)):
        first = Path(path).relative_to(folder).parts[0]
        kind = first if first in KINDS else "rest"
        if first.startswith(home.DATABASE_NAME):
            kind = "catalog"
        held, count = sizes[kind]
        sizes[kind] = (held + size, count + 1)
    shown = {kind: sizes[kind] for kind in KINDS if sizes[kind][1]}
    return Usage(folder, shown, shutil.disk_usage(folder).free)


def back_up(engine: Engine) -> Path:
    """Copy the catalog into the folder of backups and return the file; raises `CatalogError`."""
    return backup(engine, home.backups_folder())


def backups() -> list[tuple[str, int]]:
    """Return the backups' names and bytes, the newest first."""
    found = [path for path in home.backups_folder().iterdir() if path.suffix in BACKUPS]
    files = sorted(found, key=lambda path: path.name, reverse=True)
    return [(file.name, file.stat().st_size) for file in files]


def _files(folder: str) -> Iterator[tuple[str, int]]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    yield from _files(entry.path)
                elif entry.is_file(follow_symlinks=False):
                    yield entry.path, entry.stat().st_size
    except OSError:
        return
