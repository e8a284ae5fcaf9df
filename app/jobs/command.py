"""Running a program as part of a job: lines as they come, a capped log, an end on cancel."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Protocol

from app.jobs.context import JobCancelledError
from app.jobs.processes import kill_tree, tethered

LOG_BYTES = 1_000_000
LINE_BYTES = 1_000_000
TAIL_LINES = 20
TERM_GRACE_S = 0.5
_POLL_S = 0.1


class _Lines:
    """Cuts a stream into lines; a line that never ends is cut too."""

    def __init__(self) -> None:
        self._pending = b""

    def feed(self, data: bytes) -> list[str]:
        *whole, self._pending = (self._pending + data).split(b"\n")
        if len(self._pending) > LINE_BYTES or not data:
            whole.append(self._pending)
            self._pending = b""
        return [line.decode(errors="replace") for line in whole if line]


class Surroundings(Protocol):
    """What a program that runs for a job needs of it: `JobContext` here, another on a host."""

    @property
    def log_path(self) -> Path:
        """The file for what it prints."""
        ...

    def stop_if_cancelled(self) -> None:
        """Raise `JobCancelledError` if it is to stop."""
        ...


def run_command(
    context: Surroundings, command: Sequence[str], on_line: Callable[[str], bool]
) -> tuple[int, list[str]]:
    """Run `command` until it ends; return its exit code and the last lines it printed.

    `on_line` gets each line of its stdout and stderr; those for which it returns False go to the
    job's log. When the job is cancelled the program gets SIGTERM, half a second later it and all
    that it started are killed, and `JobCancelledError` is raised. It dies with this process.
    """
    tail: list[str] = []
    process = subprocess.Popen(
        tethered(command),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout and process.stderr
    try:
        with context.log_path.open("ab") as log, selectors.DefaultSelector() as selector:
            for stream in (process.stdout, process.stderr):
                selector.register(stream, selectors.EVENT_READ, _Lines())
            while selector.get_map():
                for key, _ in selector.select(_POLL_S):
                    data = os.read(key.fd, 1 << 16)
                    if not data:
                        selector.unregister(key.fileobj)
                    for line in key.data.feed(data):
                        if not on_line(line):
                            _write(log, line)
                            tail[:] = [*tail[1 - TAIL_LINES :], line]
                context.stop_if_cancelled()
                if process.poll() is not None and not selector.select(0):
                    break  # a detached grandchild may hold the pipes open for ever
        return process.wait(), tail
    except JobCancelledError:
        _terminate(process)
        raise
    finally:
        if process.poll() is None:
            kill_tree(process.pid)
        _kill_group(process.pid)
        process.wait()
        process.stdout.close()
        process.stderr.close()


def _write(log: BinaryIO, line: str) -> None:
    if log.tell() < LOG_BYTES:
        log.write(line.encode() + b"\n")
        log.flush()


def _terminate(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    deadline = time.monotonic() + TERM_GRACE_S
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)


def _kill_group(group: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)
