"""Pictures kept on disk, by what they show: never stale, bounded, safe for many readers at once."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

MAX_BYTES = 200 << 20
"""As much as some thousand pictures take; what was asked for longest ago goes first."""
_ABANDONED_S = 600.0
_BEGIN, _END = b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82"


def is_png(data: bytes) -> bool:
    """Whether `data` is a PNG from its first byte to its last chunk."""
    return data.startswith(_BEGIN) and data.endswith(_END)


def key_of(parts: Sequence[Any]) -> str:
    """Return a picture's name, a digest: nothing in `parts` reaches the file system."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


class PictureCache:
    """A folder of PNG files named by their keys.

    Files appear whole (renamed into place) and are never changed; a reader that holds one open
    keeps it when it is dropped. A folder that can't be written costs only time: nothing here
    raises.
    """

    def __init__(self, folder: Path, max_bytes: int = MAX_BYTES) -> None:
        self.folder = folder
        self.max_bytes = max_bytes

    def get(self, key: str) -> bytes | None:
        """Return the picture, None where there is none; a damaged file counts as none."""
        path = self._path(key)
        try:
            data = path.read_bytes()
            if not is_png(data):
                return None
            os.utime(path)  # asked for just now: the last to be dropped
        except OSError:
            return None
        return data

    def put(self, key: str, png: bytes) -> None:
        """Keep a picture, and drop the oldest where that is too many bytes."""
        path = self._path(key)
        part = path.with_name(f".{path.name}.{os.getpid()}.{time.monotonic_ns()}.part")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            part.write_bytes(png)
            part.replace(path)
        except OSError:
            _drop(str(part))
            return
        self._trim()

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.png"

    def _trim(self) -> None:
        kept: list[tuple[float, int, str]] = []
        now = time.time()
        try:
            with os.scandir(self.folder) as entries:
                for entry in entries:
                    try:
                        stat = entry.stat(follow_symlinks=False)
                    except OSError:
                        continue
                    if entry.name.endswith(".png"):
                        kept.append((stat.st_mtime, stat.st_size, entry.path))
                    elif entry.name.endswith(".part") and now - stat.st_mtime > _ABANDONED_S:
                        _drop(entry.path)
        except OSError:
            return
        total = sum(size for _, size, _ in kept)
        for _, size, path in sorted(kept):
            if total <= self.max_bytes:
                break
            _drop(path)
            total -= size


def _drop(path: str) -> None:
    try:
        Path(path).unlink(missing_ok=True)
    except OSError:
        return
