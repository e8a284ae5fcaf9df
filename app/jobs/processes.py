"""Processes that never outlive what started them, and finding those that did.

Three things hold, from the cheapest to the most thorough:

- a *tethered* process is killed by the kernel when its parent dies (Linux);
- everything a runner or a job starts carries a mark in its environment, so that whoever finds the
  runner dead can `sweep` what is left, however deep or detached it is;
- a runner keeps a sweeper beside itself, which does that the moment the runner is gone.

This file is also run by its path, so that those helpers start in a few hundredths of a second:

    python processes.py tether PARENT_PID COMMAND…   become COMMAND, tethered to the parent
    python processes.py sweep MARK                   wait for the end of stdin, then sweep MARK

Nothing of Assay is imported here.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

RUNNER_MARK = "ASSAY_RUNNER"
JOB_MARK = "ASSAY_JOB"

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_START_TIME_SLACK_S = 5.0  # where it is no Linux, NTP may put the clock right meanwhile


def start_time(pid: int) -> float | None:
    """Return when a living process started, in seconds since the boot; None if there is none.

    On Linux a clock that is put right changes nothing about it; elsewhere it is since 1970.
    """
    import psutil

    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        since = psutil.boot_time() if sys.platform == "linux" else 0.0
        return float(process.create_time()) - since
    except psutil.Error:
        return None


def is_alive(pid: int, started: float) -> bool:
    """Whether `pid` is still the process that started then, not a later one of the same number."""
    found = start_time(pid)
    return found is not None and abs(found - started) < _START_TIME_SLACK_S


def tether(parent: int) -> None:
    """Have the kernel kill this process when `parent`, which started it, dies.

    Only Linux can; elsewhere the sweeper does it a moment later.
    """
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it died before it could be asked to tell
        os._exit(1)


def tethered(command: Sequence[str]) -> list[str]:
    """Return `command` such that it dies with the process that starts it.

    A small exec wrapper rather than a `preexec_fn`, which is unsafe beside threads.
    """
    return [sys.executable, "-I", str(Path(__file__)), "tether", str(os.getpid()), *command]


def sweeper(mark: str) -> list[str]:
    """Return the command of a process that sweeps `mark` when its stdin ends."""
    return [sys.executable, "-I", str(Path(__file__)), "sweep", mark]


def kill_tree(pid: int, *, parent: int | None = None) -> None:
    """Kill a process and all its descendants at once; one that is gone is no error.

    With `parent` only if it is a child of that: its number may belong to another process by now.
    """
    import psutil

    family: list[psutil.Process] = []
    try:
        root = psutil.Process(pid)
        if parent in (None, root.ppid()):
            family.append(root)
    except psutil.NoSuchProcess:
        return
    for member in family:  # grows as it goes
        with contextlib.suppress(psutil.Error):
            member.suspend()  # so that it starts nothing while its children are listed
            family += member.children()
    for member in family:
        with contextlib.suppress(psutil.Error):
            member.kill()


def sweep(name: str, value: str) -> int:
    """Kill every process of this user that was started with `name=value` in its environment.

    Returns how many were found. Goes round again until none is left, for one that was just
    starting another; gives up after two seconds.
    """
    found: set[int] = set()
    deadline = time.monotonic() + 2.0
    while marked := _marked(name, value):
        for pid in marked:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        found.update(marked)
        if time.monotonic() > deadline:
            break
        time.sleep(0.02)
    return len(found)


def _marked(name: str, value: str) -> list[int]:
    import psutil

    marked = []
    for process in psutil.process_iter():
        try:
            if (
                process.pid != os.getpid()
                and process.environ().get(name) == value
                and process.status() != psutil.STATUS_ZOMBIE
                and not _is_housekeeper(process.cmdline())
            ):
                marked.append(process.pid)
        except (psutil.Error, OSError):
            continue
    return marked


def _is_housekeeper(command: Sequence[str]) -> bool:
    # Sweepers end by themselves, and so does Python's own resource tracker, after unlinking what
    # the dead left behind.
    return "multiprocessing.resource_tracker" in " ".join(command) or (
        str(Path(__file__)) in command and "sweep" in command
    )


def _main(arguments: Sequence[str]) -> None:
    if arguments[0] == "tether":
        tether(int(arguments[1]))
        os.execvp(arguments[2], list(arguments[2:]))
    name, _, value = arguments[1].partition("=")
    sys.stdin.buffer.read()
    sweep(name, value)


if __name__ == "__main__":
    _main(sys.argv[1:])
