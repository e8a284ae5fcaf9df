"""What the tests have engines do; named by its module, so that every process finds it."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.app.jobs.selftest_task import FAMILY


def add(first: int, second: int) -> int:
    return first + second


def fail(why: str) -> None:
    raise LookupError(why)


def no_room() -> None:
    """Fail as a full disk does."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def crash() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def family(pids: str) -> None:
    """Start a process in a session of its own, with a child in another, and stay."""
    with Path(pids).open("a") as out:
        out.write(f"{os.getpid()}\n")
    subprocess.Popen([sys.executable, "-c", FAMILY, pids, "1", FAMILY], start_new_session=True)
    time.sleep(300)


def second_time(mark: str) -> str:
    """Hang the first time that it is called with this file, be quick from then on."""
    if not Path(mark).exists():
        Path(mark).write_text("")
        time.sleep(300)
    return "done"
