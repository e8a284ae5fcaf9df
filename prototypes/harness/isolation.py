"""One measurement, one fresh process: own session, wall timeout, memory limit, no orphans.

The child (`prototypes.harness.child`) answers with JSON lines over an inherited pipe; its stdout
and stderr are only ever a log, capped. Every way to end is an `Ended`.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from prototypes.harness.status import Status

LOG_BYTES = 16 << 10
MESSAGE_BYTES = 16 << 20
REPOSITORY = Path(__file__).resolve().parent.parent.parent

Report = Callable[[float, str], None]


class CancelledError(BaseException):
    """The parent was asked to stop (SIGTERM, Ctrl-C); the child's group is gone by then."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a child may use. `memory_bytes` bounds the address space; None for CUDA, which maps
    far more than it uses."""

    seconds: float
    memory_bytes: int | None


@dataclass(frozen=True, slots=True)
class Ended:
    """How a child ended: with a result (`OK`), or in one of the ways to die."""

    status: Status
    result: dict[str, Any] | None = None
    message: str = ""
    log: str = ""


@dataclass(slots=True)
class _Stream:
    """Reassembles JSON lines from a pipe, with a bound on what is kept."""

    pending: bytearray = field(default_factory=bytearray)
    result: dict[str, Any] | None = None
    failure: dict[str, Any] | None = None
    overflow: bool = False

    def feed(self, data: bytes, report: Report | None) -> None:
        self.pending += data
        if len(self.pending) > MESSAGE_BYTES:
            self.pending.clear()
            self.overflow = True
        while (end := self.pending.find(b"\n")) >= 0:
            line = bytes(self.pending[:end])
            del self.pending[: end + 1]
            try:
                message = json.loads(line)
            except ValueError:
                continue  # measured code may write to any descriptor it finds; only ours counts
            if not isinstance(message, dict):
                continue
            if message.get("kind") == "progress" and report is not None:
                report(float(message.get("fraction", 0)), str(message.get("message", "")))
            elif message.get("kind") == "result":
                self.result = message.get("result")
            elif message.get("kind") == "failure":
                self.failure = message


def run_child(request: dict[str, Any], limits: Limits, report: Report | None = None) -> Ended:
    """Run one request in a fresh child and wait for its end.

    On `CancelledError` or any other exception in the parent the child's whole group is killed
    before it leaves this function.
    """
    killed_before = _oom_kills()
    with tempfile.TemporaryFile() as log:
        reader, writer = os.pipe()
        try:
            process = _start(request, limits, writer, log)
        except BaseException:
            os.close(reader)
            raise
        finally:
            os.close(writer)
        stream = _Stream()
        try:
            timed_out = _follow(process, reader, stream, limits.seconds, report)
        finally:
            kill_group(process)
            os.close(reader)
        return _judge(process, stream, timed_out, limits, _tail(log), _oom_kills() > killed_before)


def _start(
    request: dict[str, Any], limits: Limits, writer: int, log: IO[bytes]
) -> subprocess.Popen[bytes]:
    message = {
        **request,
        "parent": os.getpid(),
        "memory_bytes": limits.memory_bytes,
        "result_fd": writer,
    }
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    path = [str(REPOSITORY), environment.get("PYTHONPATH", "")]
    environment["PYTHONPATH"] = os.pathsep.join(p for p in path if p)
    process = subprocess.Popen(
        [sys.executable, "-m", "prototypes.harness.child"],
        stdin=subprocess.PIPE,
        stdout=log,
        stderr=subprocess.STDOUT,
        pass_fds=(writer,),
        start_new_session=True,
        env=environment,
    )
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError), process.stdin:
        process.stdin.write(json.dumps(message).encode())
    return process


def _follow(
    process: subprocess.Popen[bytes],
    reader: int,
    stream: _Stream,
    seconds: float,
    report: Report | None,
) -> bool:
    """Read until the child is gone; return whether the wall time ran out first."""
    deadline = time.monotonic() + seconds
    with selectors.DefaultSelector() as selector:
        selector.register(reader, selectors.EVENT_READ)
        is_open = True
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                return True
            if is_open and selector.select(min(left, 0.2)):
                data = os.read(reader, 1 << 16)
                stream.feed(data, report)
                if not data:
                    selector.unregister(reader)
                    is_open = False
                continue
            if process.poll() is not None:
                # A grandchild may hold the pipe open for ever: what the child wrote is read.
                return False
            if not is_open:
                time.sleep(0.01)


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """End the child's session for good; a child that is gone already leaves its children."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _judge(
    process: subprocess.Popen[bytes],
    stream: _Stream,
    timed_out: bool,
    limits: Limits,
    log: str,
    oom_kill: bool,
) -> Ended:
    if timed_out:
        return Ended(Status.TIMEOUT, None, f"Took longer than {limits.seconds:g} s.", log)
    if stream.failure is not None:
        status = Status(stream.failure.get("status", Status.ERROR))
        return Ended(status, None, str(stream.failure.get("message", "")), log)
    code = process.returncode
    if stream.result is not None and code == 0:
        return Ended(Status.OK, stream.result, "", log)
    if stream.overflow:
        return Ended(Status.ERROR, None, "Its answer was larger than 16 MB.", log)
    if code == -signal.SIGKILL and oom_kill:
        return Ended(Status.OUT_OF_MEMORY, None, "The system ran out of memory.", log)
    if code < 0:
        name = signal.Signals(-code).name if -code in list(signal.Signals) else str(-code)
        return Ended(Status.CRASHED, None, f"The process died of {name}.", log)
    return Ended(Status.CRASHED, None, f"The process ended with exit code {code}, no result.", log)


def _tail(log: IO[bytes]) -> str:
    size = log.seek(0, os.SEEK_END)
    log.seek(max(0, size - LOG_BYTES))
    return log.read(LOG_BYTES).decode(errors="replace")


def _oom_kills() -> int:
    """How many processes the kernel has killed for memory since boot."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/vmstat").read_text(encoding="ascii").splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0
