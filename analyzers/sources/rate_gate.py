"""One request to arXiv at a time and three seconds apart, over all processes of this user.

arXiv's terms of use: "make no more than one request every three seconds, and limit requests to a
single connection at a time", for all machines under one's control together.

The moment of the next request stands in a lock file, so what arXiv asked one process to wait holds
for all of them. Nobody sleeps with the lock in hand: a long download run starves no other process.
"""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

from analyzers.errors import ErrorKind, SourceError
from analyzers.message import Message, message

INTERVAL_S = 3.0
LONGEST_WAIT_S = 120.0
"""A wait that was asked for and is longer than that is told, not sat out."""
_LONGEST_HOLD_S = 24 * 3600.0
_POLL_S = 0.05
_threads = threading.Lock()


def default_lock_file() -> Path:
    """Return the lock file that all of this user's processes share."""
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
    return Path(tempfile.gettempdir()) / f"assay-arxiv-{user}.lock"


class Turn:
    """The right to ask once; what the answer said about the next request is noted on it."""

    def __init__(self, interval_s: float) -> None:
        self.pause_s = interval_s
        self.why: ErrorKind | None = None

    def hold(self, seconds: float, why: ErrorKind) -> None:
        """Let nobody ask again before `seconds` have passed, for the reason `why`."""
        self.pause_s = max(self.pause_s, min(seconds, _LONGEST_HOLD_S))
        self.why = why


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
    def turn(self) -> Iterator[Turn]:
        """Wait for the turn, hold it for the length of the block.

        Raises `SourceError`: busy after `patience_s`, cancelled if `should_stop` says so, and
        rate_limited or refused while arXiv has asked not to be asked for more than two minutes.
        """
        deadline = time.monotonic() + self.patience_s
        with self._open() as stream:
            while (rest := self._try(stream)) != 0.0:
                if time.monotonic() > deadline:
                    raise SourceError(
                        ErrorKind.BUSY,
                        message(
                            "Another Assay process is asking arXiv all the time. Try again later."
                        ),
                    )
                self.sleep(min(rest, _POLL_S))
            turn = Turn(self.interval_s)
            try:
                yield turn
            finally:
                _note(stream, time.time() + turn.pause_s, turn.why)
                _unlock(stream)
                _threads.release()

    def _try(self, stream: FileIO) -> float:
        """Take the turn and return 0, or return how many seconds to wait at least."""
        if not _threads.acquire(blocking=False):
            return _POLL_S
        got = False
        try:
            if not _try_lock(stream):
                return _POLL_S
            rest, why = _rest(stream, self.interval_s)
            got = rest <= 0.0
            if not got:
                _unlock(stream)
            if why is not None and rest > LONGEST_WAIT_S:
                raise SourceError(why, _told(why, rest))
            return rest
        finally:
            if not got:
                _threads.release()

    def sleep(self, seconds: float) -> None:
        """Sleep, but wake up for a stop."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if self.should_stop():
                raise SourceError(ErrorKind.CANCELLED, message("Stopped before arXiv was asked."))
            time.sleep(min(left, _POLL_S))

    def _open(self) -> FileIO:
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
        flags |= getattr(os, "O_NOFOLLOW", 0)  # a link planted in the shared folder isn't followed
        try:
            self.lock_file.parent.mkdir(parents=True, exist_ok=True)
            return os.fdopen(os.open(self.lock_file, flags, 0o600), "r+b", buffering=0)
        except OSError as error:
            raise SourceError(
                ErrorKind.DISK,
                message(
                    "The lock file {file} can't be used: {why}.",
                    file=str(self.lock_file),
                    why=error.strerror,
                ),
            ) from error


def _told(why: ErrorKind, seconds: float) -> Message:
    minutes = max(1, round(seconds / 60))
    if why is ErrorKind.REFUSED:
        return message(
            "arXiv refused access a while ago. It is not asked again for {minutes} min: repeated"
            " requests after a refusal count as an attack.",
            minutes=minutes,
        )
    return message(
        "arXiv asked to slow down. It is not asked again for {minutes} min; nothing was lost.",
        minutes=minutes,
    )


def _rest(stream: FileIO, interval_s: float) -> tuple[float, ErrorKind | None]:
    """Return how long to wait, and what for; a strange file or clock costs one interval at most."""
    stream.seek(0)
    try:
        moment, _, code = stream.read(80).decode("ascii").partition(" ")
        why = ErrorKind(code.strip()) if code.strip() else None
        rest = float(moment or 0) - time.time()
    except ValueError:
        return 0.0, None
    if rest > (max(interval_s, INTERVAL_S) if why is None else _LONGEST_HOLD_S):
        _note(stream, time.time() + interval_s, None)
        return interval_s, None
    return max(0.0, rest), why


def _note(stream: FileIO, moment: float, why: ErrorKind | None) -> None:
    stream.seek(0)
    stream.truncate()
    stream.write(f"{moment:.3f} {why.value if why else ''}".encode("ascii"))


def _try_lock(stream: FileIO) -> bool:
    try:
        import fcntl
    except ImportError:  # Windows: threads of one process only
        return True
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _unlock(stream: FileIO) -> None:
    try:
        import fcntl
    except ImportError:
        return
    fcntl.flock(stream, fcntl.LOCK_UN)
