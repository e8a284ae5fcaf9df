"""Where a host's worker keeps what it needs for the meantime, and how the dead's is cleared away.

A worker that is killed can't clear up: `assay hosts join`, which started it, does, and where that
was killed too, the next one on the machine.
"""

from __future__ import annotations

import fcntl
import shutil
import tempfile
from contextlib import suppress
from io import BufferedRandom
from pathlib import Path

FOLDERS_IN = "ASSAY_HOST_FOLDERS"
"""Names the folder to the worker."""
_PREFIX, _LOCK = "assay-join-", "lock"


class OwnFolder:
    """A folder that is this process' as long as it holds the lock in it."""

    def __init__(self, path: Path, lock: BufferedRandom) -> None:
        self.path = path
        self._lock = lock

    def empty(self) -> None:
        """Delete what a worker left there."""
        for left in self.path.iterdir():
            if left.name != _LOCK:
                _delete(left)

    def close(self) -> None:
        """Delete the folder."""
        _delete(self.path)
        self._lock.close()


def own_folder() -> OwnFolder:
    """Make the folder, and delete those of processes that are gone."""
    there = Path(tempfile.gettempdir())
    for path in there.glob(f"{_PREFIX}*"):
        with suppress(OSError):  # somebody else's, or gone by now
            if not path.is_symlink() and (lock := _hold(path)) is not None:
                _delete(path)
                lock.close()
    while True:
        path = Path(tempfile.mkdtemp(prefix=_PREFIX))
        # Until it is held, another that begins at this moment takes it for a dead one's.
        with suppress(FileNotFoundError):
            lock = _hold(path)
            if lock is not None and (path / _LOCK).exists():
                return OwnFolder(path, lock)
            if lock is not None:
                lock.close()


def _hold(folder: Path) -> BufferedRandom | None:
    """Take the folder's lock; None where its process is alive."""
    lock = (folder / _LOCK).open("a+b")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
