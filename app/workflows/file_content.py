"""What a file holds, by digest, and whether it still does: without waiting for what is no file."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from analyzers.reading.sniff import MAX_BYTES

_AT_ONCE = 1 << 20


@dataclass(frozen=True, slots=True)
class Content:
    """A file's bytes by their SHA-256, and the state of the file that they were read from."""

    digest: str
    _state: tuple[int, int, int]

    @classmethod
    def of(cls, path: Path) -> Content:
        """Read a file; of one that is too large to be analysed only so much as tells that.

        Raises `OSError`, for what is no file too: a pipe in its place would wait for ever.
        """
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
        with os.fdopen(os.open(path, flags | getattr(os, "O_BINARY", 0)), "rb") as stream:
            found = os.fstat(stream.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise OSError(errno.EINVAL, "it is no file", str(path))
            digest, left = hashlib.sha256(), MAX_BYTES + 1
            while left > 0 and (piece := stream.read(min(left, _AT_ONCE))):
                digest.update(piece)
                left -= len(piece)
        return cls(digest.hexdigest(), _state(found))

    def is_still(self, path: Path) -> bool:
        """Whether the file is the one that was read, and nobody wrote to it since."""
        try:
            return _state(path.stat()) == self._state
        except OSError:
            return False


def _state(found: os.stat_result) -> tuple[int, int, int]:
    return found.st_ino, found.st_size, found.st_mtime_ns
