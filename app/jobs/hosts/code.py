"""The code that a host runs, by version and hash: figures of two states of it don't mix."""

from __future__ import annotations

import hashlib
import importlib.metadata
from functools import lru_cache
from pathlib import Path

_ROOT = Path(__file__).parents[3]
MEASURING, READING = "measuring", "reading"
_PARTS = {
    MEASURING: ("analyzers", "prototypes", "app/jobs"),
    READING: ("analyzers", "app/jobs"),
}
"""What work on a host runs; results that ship are data, and pages never run there."""
_PACKAGES = {MEASURING: (), READING: ("pymupdf-lite",)}
"""Whose versions decide what work finds; a run's document tells torch's, which may differ."""
_SUFFIXES = (".py", ".toml")


def code_version(work: str = MEASURING) -> str:
    """Return the version and the hash of the files that such work runs, as they are on disk now.

    As "0.1.0+3f2a91c0d4e5". Every piece of work runs in a fresh process, so that what is on disk is
    what runs; files that didn't change since the last call aren't read again.
    """
    files = sorted(
        path
        for part in _PARTS[work]
        for path in (_ROOT / part).rglob("*")
        if path.suffix in _SUFFIXES and "results" not in path.parts[len(_ROOT.parts) :]
    )
    stamps = tuple((str(path), path.stat().st_mtime_ns) for path in files)
    packages = tuple(f"{name}={_version(name)}" for name in _PACKAGES[work])
    return f"{_version('assay')}+{_digest(stamps, packages)}"


@lru_cache(maxsize=4)
def _digest(stamps: tuple[tuple[str, int], ...], packages: tuple[str, ...]) -> str:
    digest = hashlib.sha256("\0".join(packages).encode())
    for name, _ in stamps:
        path = Path(name)
        digest.update(f"{path.relative_to(_ROOT).as_posix()}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:12]


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "0"
