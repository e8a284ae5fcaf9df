"""What a person named: arXiv ids and addresses, files, folders, bibliographies that name ids."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from analyzers.errors import ErrorKind
from analyzers.message import Message, message
from analyzers.reading.sniff import SUFFIXES, FileKind, sniff
from analyzers.sources.arxiv_id import ArxivId, find_arxiv_ids, parse_arxiv_id

__all__ = ["FileKind", "Found", "Missing", "expand", "sniff", "sort_out"]

MAX_FILES = 100_000
MAX_BIBLIOGRAPHY_BYTES = 16 << 20
MAX_BIBLIOGRAPHY_IDS = 2000
"""arXiv gives one paper every three seconds: more would keep all others waiting for days."""


@dataclass(frozen=True, slots=True)
class Missing:
    """A source that gave nothing, and why in one sentence."""

    path: str
    kind: ErrorKind
    reason: Message


@dataclass(slots=True)
class Found:
    """What sources stand for: files to read, ids to fetch, and what was not there."""

    files: list[Path] = field(default_factory=list)
    ids: list[ArxivId] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)


def sort_out(sources: Iterable[str]) -> Found:
    """Tell ids and addresses from paths, and return what all of them stand for, each once.

    What is there as a file or a folder is one, also where its name would be an id.
    """
    ids: list[ArxivId] = []
    paths: list[str] = []
    for source in dict.fromkeys(s.strip() for s in sources if s.strip()):
        arxiv_id = None if _is_there(source) else parse_arxiv_id(source)
        if arxiv_id is not None:
            ids.append(arxiv_id)
        else:
            paths.append(source)
    found = expand(paths)
    found.ids = list(dict.fromkeys([*ids, *found.ids]))
    found.missing = [
        Missing(
            m.path,
            m.kind,
            message(
                "{path} is neither a file or folder nor an arXiv id (such as 2401.06706).",
                path=m.path,
            ),
        )
        if m.kind is ErrorKind.NOT_FOUND
        else m
        for m in found.missing
    ]
    return found


def _is_there(source: str) -> bool:
    try:
        return Path(source).expanduser().exists()
    except (OSError, ValueError, RuntimeError):  # too long, a null byte, no such user
        return False


def expand(paths: Iterable[str | Path]) -> Found:
    """Return the papers that `paths` stand for, each once, in a stable order.

    Folders are searched at all depths for files by their names (`SUFFIXES`), hidden ones left out;
    `.bib` files give the arXiv ids that stand in them. A file named outright is taken whatever its
    name: reading it says if it is none.
    """
    found = Found()
    seen: set[str] = set()
    for item in paths:
        try:
            path = Path(item).expanduser()
            if path.is_dir():
                inside = _walk(path)
                if not inside:
                    found.missing.append(_nothing_in(path))
                root = os.path.realpath(path)
                for file in inside:
                    if _leads_out(file, root):
                        found.missing.append(_link(file))
                    else:
                        _add(found, file, seen)
            elif path.exists():
                _add(found, path, seen)
            else:
                told = message("There is no file or folder {path}.", path=_shown(item))
                found.missing.append(Missing(_shown(item), ErrorKind.NOT_FOUND, told))
        except (OSError, ValueError, RuntimeError) as error:
            why = getattr(error, "strerror", None) or str(error)
            told = message("{path} can't be read: {why}.", path=_shown(item), why=why)
            found.missing.append(Missing(_shown(item), ErrorKind.UNREADABLE, told))
    return found


def _shown(path: Path | str) -> str:
    """Return a path as text that can be written down, whatever bytes its name has."""
    return str(path).encode("utf-8", "replace").decode()


def _nothing_in(path: Path) -> Missing:
    told = message(
        "The folder {path} holds no paper ({names}).", path=str(path), names=" ".join(SUFFIXES)
    )
    return Missing(str(path), ErrorKind.EMPTY, told)


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


def _leads_out(file: Path, root: str) -> bool:
    """Whether a file of a folder is a link to one elsewhere: a folder from anywhere may hold links
    to what is nobody else's business."""
    if not file.is_symlink():
        return False
    return not Path(os.path.realpath(file)).is_relative_to(root)


def _link(file: Path) -> Missing:
    told = message(
        "{path} is a link out of its folder, and was left out: name what it leads to, if you want"
        " that read.",
        path=_shown(file),
    )
    return Missing(_shown(file), ErrorKind.UNREADABLE, told)


def _add(found: Found, path: Path, seen: set[str]) -> None:
    if not path.is_file():  # a pipe would wait for ever, a device never end
        told = message("{path} is no file: a pipe or a device isn't read.", path=_shown(path))
        found.missing.append(Missing(_shown(path), ErrorKind.UNREADABLE, told))
        return
    if path.suffix.lower() == ".bib":
        _add_ids(found, path)
        return
    if _shown(path) != str(path):  # neither a catalog nor JSON can hold such a name
        told = message("The name of {path} isn't valid UTF-8: rename the file.", path=_shown(path))
        found.missing.append(Missing(_shown(path), ErrorKind.UNREADABLE, told))
        return
    key = os.path.realpath(path)
    if key not in seen:
        seen.add(key)
        found.files.append(path)


def _add_ids(found: Found, path: Path) -> None:
    with path.open("rb") as stream:
        text = stream.read(MAX_BIBLIOGRAPHY_BYTES).decode("utf-8", "replace")
    ids = find_arxiv_ids(text)
    if len(ids) > MAX_BIBLIOGRAPHY_IDS:
        told = message(
            "{path} names {count} arXiv ids, and the first {most} are taken: put the others into "
            "files of their own.",
            path=_shown(path),
            count=len(ids),
            most=MAX_BIBLIOGRAPHY_IDS,
        )
        found.missing.append(Missing(_shown(path), ErrorKind.TOO_LARGE, told))
        ids = ids[:MAX_BIBLIOGRAPHY_IDS]
    known = {arxiv_id.id for arxiv_id in found.ids}
    found.ids += [arxiv_id for arxiv_id in ids if arxiv_id.id not in known]
    if not ids:
        told = message("{path} names no arXiv id.", path=str(path))
        found.missing.append(Missing(str(path), ErrorKind.EMPTY, told))
