"""Who may work while somebody times: nobody.

The processes of a session share a lock file. Imports, gates and checks hold it together, so they
run beside each other; timing holds it alone, pinned to its cores. The kernel gives the lock back
when a process dies, in whatever way.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

YIELD_S = 0.02
"""After a timing, before checks: who waits to time goes first, so that checks can overlap."""


class Turn:
    """This process's part in taking turns; without a lock file it is always its turn."""

    def __init__(self, path: str | None = None) -> None:
        self._file = os.open(path, os.O_RDWR) if path else None
        self._cores: tuple[int, ...] = ()
        self._everyone: set[int] = os.sched_getaffinity(0)
        self._is_alone = False
        self._take(fcntl.LOCK_SH)

    def pin_to(self, cores: Sequence[int]) -> None:
        """Name the cores that timing is done on; none leaves it to the system."""
        self._cores = tuple(cores)
        if cores:  # memory is best where it will be used: what is set up before stays near
            self._everyone = near(cores) & self._everyone or self._everyone
            _pin(self._everyone)

    @contextlib.contextmanager
    def resting(self) -> Iterator[None]:
        """Hold nothing: this process waits for something and does no work."""
        self._take(fcntl.LOCK_UN)
        try:
            yield
        finally:
            self._take(fcntl.LOCK_SH)

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Wait until nobody else works, then keep it so; within another `alone` it is nothing."""
        if self._is_alone:
            yield
            return
        self._take(fcntl.LOCK_EX)
        self._is_alone = True
        _pin(self._cores or self._everyone)
        try:
            yield
        finally:
            self._is_alone = False
            _pin(self._everyone)
            with self.resting():
                if self._file is not None:
                    time.sleep(YIELD_S)

    def _take(self, kind: int) -> None:
        if self._file is not None:
            fcntl.flock(self._file, kind)


def _pin(cores: Sequence[int] | set[int]) -> None:
    """Pin every thread of this process: those of a pool are there already."""
    for task in Path("/proc/self/task").glob("*"):
        with contextlib.suppress(OSError):  # it ended, or the machine has no such cores
            os.sched_setaffinity(int(task.name), cores)


def near(cores: Sequence[int], nodes: Path = Path("/sys/devices/system/node")) -> set[int]:
    """Return all cores of the memory nodes that these belong to; themselves where it isn't told."""
    found = set(cores)
    for file in nodes.glob("node*/cpulist"):
        members: set[int] = set()
        for part in file.read_text("ascii").strip().split(","):
            first, _, last = part.partition("-")
            if first.isdigit():
                members |= set(range(int(first), int(last or first) + 1))
        if members & set(cores):
            found |= members
    return found


class _Nameless:
    """A file without a name in any folder, which other processes open through this one's."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115
        self.name = f"/proc/{os.getpid()}/fd/{self._file.fileno()}"

    def close(self) -> None:
        self._file.close()


def lock_file() -> _Nameless | tempfile._TemporaryFileWrapper[bytes]:
    """Return the lock file of a session, to be closed; `name` is what its processes open.

    Where the system can, it has no name in a folder: a session that is killed leaves nothing.
    """
    nameless = _Nameless()
    if os.access(nameless.name, os.R_OK | os.W_OK):
        return nameless
    nameless.close()
    return tempfile.NamedTemporaryFile(prefix="assay-turns-")


_turn = Turn()


def take_part(path: str | None) -> Turn:
    """Join those who share this lock file; returns this process's part."""
    global _turn
    _turn = Turn(path)
    return _turn


def turn() -> Turn:
    """Return this process's part: always its turn where it was never asked to share."""
    return _turn
