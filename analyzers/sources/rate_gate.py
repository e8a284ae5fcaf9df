"""One request to arXiv at a time and three seconds apart, over all processes of this user.

arXiv's terms of use: "make no more than one request every three seconds, and limit requests to a
single connection at a time", for all machines under one's control together.
"""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from analyzers.sources.errors import SourceError, SourceKind

INTERVAL_S = 3.0
_POLL_S = 0.05
_threads = threading.Lock()


def default_lock_file() -> Path:
    """Return the lock file that all of this user's processes share."""
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
    return Path(tempfile.gettempdir()) / f"assay-arxiv-{user}.lock"


class RateGate:
    """Hands out turns; holding one is holding the only connection."""

    def __init__(
        self,
        lock_file: Path | None = None,
        interval_s: float = INTERVAL_S,
        patience_s: float = 300.0,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> None:
        self.lock_file = lock_file or default_lock_file()
        self.interval_s = interval_s
        self.patience_s = patience_s
        self.should_stop = should_stop

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for the turn, hold it for the length of the block.

        Raises `SourceError`: busy after `patience_s`, cancelled if `should_stop` says so.
        """
        deadline = time.monotonic() + self.patience_s
        self._until(lambda: _threads.acquire(blocking=False), deadline)
        try:
            with self._open() as stream:
                self._until(lambda: _try_lock(stream), deadline)
                try:
                    self.sleep(_rest(stream, self.interval_s))
                    try:
                        yield
                    finally:
                        _note(stream)
                finally:
                    _unlock(stream)
        finally:
            _threads.release()

    def sleep(self, seconds: float) -> None:
        """Sleep, but wake up for a stop."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if self.should_stop():
                raise SourceError(SourceKind.CANCELLED, "Stopped before arXiv was asked.")
            time.sleep(min(left, _POLL_S))

    def _until(self, attempt: Callable[[], bool], deadline: float) -> None:
        while not attempt():
            if time.monotonic() > deadline:
                raise SourceError(
                    SourceKind.BUSY,
                    "Another Assay process is asking arXiv all the time. Try again later.",
                )
            self.sleep(_POLL_S)

    def _open(self) -> BinaryIO:
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
        flags |= getattr(os, "O_NOFOLLOW", 0)  # a link planted in the shared folder isn't followed
        try:
            self.lock_file.parent.mkdir(parents=True, exist_ok=True)
            return os.fdopen(os.open(self.lock_file, flags, 0o600), "r+b")
        except OSError as error:
            raise SourceError(
                SourceKind.DISK,
                f"The lock file {self.lock_file} can't be used: {error.strerror}.",
            ) from error


def _rest(stream: BinaryIO, interval_s: float) -> float:
    """Return how long to wait; a clock set back never makes it more than one interval."""
    stream.seek(0)
    try:
        last = float(stream.read(40).decode("ascii") or 0)
    except ValueError:
        return 0.0
    return min(interval_s, max(0.0, last + interval_s - time.time()))


def _note(stream: BinaryIO) -> None:
    stream.seek(0)
    stream.truncate()
    stream.write(f"{time.time():.3f}".encode("ascii"))
    stream.flush()


def _try_lock(stream: BinaryIO) -> bool:
    try:
        import fcntl
    except ImportError:  # Windows: threads of one process only
        return True
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _unlock(stream: BinaryIO) -> None:
    try:
        import fcntl
    except ImportError:
        return
    fcntl.flock(stream, fcntl.LOCK_UN)
