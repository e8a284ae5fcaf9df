"""A person's settings, in `settings.toml` of the data folder: the engine and the language."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from analyzers.message import message
from analyzers.targets import DEFAULT_TARGET, available_targets
from analyzers.targets.files import read_toml
from app import home
from app.errors import AssayError, UsageError
from app.i18n import LANGUAGES

FILE = "settings.toml"


@dataclass(frozen=True, slots=True)
class Settings:
    """What holds unless a command, an address or a click says otherwise."""

    target: str = DEFAULT_TARGET
    """The engine that papers are ranked for; the scores of this one are stored."""
    language: str = ""
    """The workbench's language; "" goes by the browser."""


def settings() -> Settings:
    """Return the settings; a file that can't be read, or an engine that is gone, says nothing."""
    path = home.data_folder() / FILE
    try:
        stamp = path.stat()
    except OSError:
        return Settings()
    read = _read(path, stamp.st_mtime_ns, stamp.st_size)
    if read.target != DEFAULT_TARGET and read.target not in available_targets(
        home.targets_folder()
    ):
        return replace(read, target=DEFAULT_TARGET)
    return read


def default_target() -> str:
    """Return the engine that papers are ranked for where none is named."""
    return settings().target


def change(**values: str) -> Settings:
    """Set settings by name and return them all; raises `UsageError` for a value that can't be."""
    if "language" in values and values["language"] not in ("", *LANGUAGES):
        raise UsageError(
            message(
                "The language is one of {choices}, not {language!r}.",
                choices=", ".join(LANGUAGES),
                language=values["language"],
            )
        )
    changed = replace(settings(), **values)
    held: dict[str, Any] = {}
    path = home.data_folder() / FILE
    if path.is_file():
        try:
            held = read_toml(path)
        except (OSError, ValueError):
            held = {}  # what can't be read holds nothing worth keeping
    from analyzers.targets.writing import to_toml

    write_atomically(path, to_toml(held | {"target": changed.target, "language": changed.language}))
    return changed


def write_atomically(path: Path, text: str) -> None:
    """Write a file so that a reader sees the old text or the new one; raises `AssayError`."""
    part = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, part = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(part).replace(path)
    except OSError as error:
        if part:
            Path(part).unlink(missing_ok=True)
        raise unwritable(path, error) from error


def unwritable(path: Path, error: OSError) -> AssayError:
    """Return the error for a file of the data folder that can't be written."""
    return AssayError(
        message(
            "{path} can't be written ({why}): free some space, or set ASSAY_HOME.",
            path=str(path),
            why=error.strerror or str(error),
        )
    )


@lru_cache(maxsize=4)
def _read(path: Path, changed_at: int, size: int) -> Settings:
    # The time and the size are the key: another state of the file is another answer.
    try:
        record = read_toml(path)
    except (OSError, ValueError):
        return Settings()
    language = record.get("language")
    return Settings(
        target=str(record.get("target") or DEFAULT_TARGET),
        language=language if isinstance(language, str) and language in LANGUAGES else "",
    )
