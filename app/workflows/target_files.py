"""A person's target files in the data folder: written whole or not at all, each state kept.

Beside `targets/NAME.toml` stands `targets/.versions/NAME/0001.toml` and so on: the states before
each edit, an empty one where there was no file. An undone state stays too, as `undone-….toml`.
"""

from __future__ import annotations

import fcntl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from analyzers.message import message
from analyzers.targets.files import read_toml, require_shape
from analyzers.targets.writing import to_toml
from app import home
from app.errors import AssayError
from app.workflows.settings import unwritable, write_atomically

_LOCK = threading.Lock()
_HEADER = (
    "# A target of your own: what it says goes before the shipped one named in `base`.\n"
    "# Change it here, with `assay target set`, or on the workbench's page Settings.\n\n"
)


@contextmanager
def editing() -> Iterator[None]:
    """Read, change and write targets with nobody between: no thread, and no other process.

    Two edits at once would both start from the file as it was, and the later one would win.
    Raises `AssayError` where the folder can't be written.
    """
    path = home.targets_folder() / ".lock"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        stream = path.open("a", encoding="utf-8")
    except OSError as error:
        raise unwritable(path, error) from error
    with _LOCK, stream as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # it goes with the file, also where the process is killed
        yield


def own_path(name: str) -> Path:
    """Return where a person's own file of a target is, or would be."""
    return home.targets_folder() / f"{name}.toml"


def own_record(name: str) -> dict[str, Any] | None:
    """Return what a person's own file says, None where there is none; raises `AssayError`."""
    path = own_path(name)
    if not path.is_file():
        return None
    try:
        record = read_toml(path)
        require_shape(record)
        return record
    except (OSError, ValueError) as error:
        raise AssayError(
            message("The target file {path} can't be used: {why}.", path=str(path), why=str(error))
        ) from error


def save(name: str, record: dict[str, Any]) -> None:
    """Write a target's own file and keep the state before it; within `editing`."""
    path = own_path(name)
    before = path.read_text(encoding="utf-8") if path.is_file() else ""
    kept = _versions(name)
    number = int(kept[-1].stem) + 1 if kept else 1
    write_atomically(_folder(name) / f"{number:04}.toml", before)
    write_atomically(path, _HEADER + to_toml(record))


def restore(name: str) -> None:
    """Put the state before the last edit back; within `editing`.

    Raises `AssayError` where there is none.
    """
    kept = _versions(name)
    if not kept:
        raise AssayError(message("There is no edit of {target} to take back.", target=name))
    path, last = own_path(name), kept[-1]
    before = last.read_text(encoding="utf-8")
    if path.is_file():
        undone = f"undone-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}.toml"
        write_atomically(_folder(name) / undone, path.read_text(encoding="utf-8"))
    if before:
        write_atomically(path, before)
    else:
        path.unlink(missing_ok=True)
    last.unlink()


def versions(name: str) -> int:
    """Return how many edits of a target can be taken back."""
    return len(_versions(name))


def _versions(name: str) -> list[Path]:
    return sorted(file for file in _folder(name).glob("*.toml") if file.stem.isdigit())


def _folder(name: str) -> Path:
    return home.targets_folder() / ".versions" / name
