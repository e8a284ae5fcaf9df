"""Papers on disk: files, folders, and bibliographies that name arXiv ids."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from analyzers.reading.sniff import SUFFIXES, FileKind, sniff
from analyzers.sources.arxiv_id import ArxivId, find_arxiv_ids

__all__ = ["FileKind", "Found", "Missing", "expand", "sniff"]

MAX_FILES = 100_000
MAX_BIBLIOGRAPHY_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class Missing:
    """A path that gave nothing, and why in one sentence."""

    path: str
    kind: str
    message: str


@dataclass(slots=True)
class Found:
    """What paths stand for: files to read, ids to fetch, and what was not there."""

    files: list[Path] = field(default_factory=list)
    ids: list[ArxivId] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)


def expand(paths: Iterable[str | Path]) -> Found:
    """Return the papers that `paths` stand for, each once, in a stable order.

    Folders are searched at all depths for files by their names (`SUFFIXES`), hidden ones left out;
    `.bib` files give the arXiv ids that stand in them. A file named outright is taken whatever its
    name: reading it says if it is none.
    """
    found = Found()
    seen: set[str] = set()
    for item in paths:
        path = Path(item).expanduser()
        try:
            if path.is_dir():
                inside = _walk(path)
                if not inside:
                    found.missing.append(_nothing_in(path))
                for file in inside:
                    _add(found, file, seen)
            elif path.exists():
                if path.suffix.lower() == ".bib":
                    _add_ids(found, path)
                else:
                    _add(found, path, seen)
            else:
                found.missing.append(
                    Missing(str(item), "not_found", f"There is no file or folder {item}.")
                )
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or str(error)
            found.missing.append(Missing(str(item), "unreadable", f"{item} can't be read: {why}."))
    return found


def _nothing_in(path: Path) -> Missing:
    names = " ".join(SUFFIXES)
    return Missing(str(path), "empty", f"The folder {path} holds no paper ({names}).")


def _walk(folder: Path) -> list[Path]:
    files: list[Path] = []
    for root, folders, names in os.walk(folder):  # doesn't follow links: no endless rounds
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith(".") and name.lower().endswith((*SUFFIXES, ".bib")):
                files.append(Path(root) / name)
        if len(files) > MAX_FILES:
            break
    return files


def _add(found: Found, path: Path, seen: set[str]) -> None:
    if path.suffix.lower() == ".bib":
        _add_ids(found, path)
        return
    key = os.path.realpath(path)
    if key not in seen:
        seen.add(key)
        found.files.append(path)


def _add_ids(found: Found, path: Path) -> None:
    with path.open("rb") as stream:
        text = stream.read(MAX_BIBLIOGRAPHY_BYTES).decode("utf-8", "replace")
    ids = find_arxiv_ids(text)
    known = {arxiv_id.id for arxiv_id in found.ids}
    found.ids += [arxiv_id for arxiv_id in ids if arxiv_id.id not in known]
    if not ids:
        found.missing.append(Missing(str(path), "empty", f"{path} names no arXiv id."))
