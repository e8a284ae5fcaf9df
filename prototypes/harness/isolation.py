"""A fresh process: own session; limits of wall time, memory and output; no orphans.

The child (`prototypes.harness.child`) answers with JSON lines over an inherited pipe; its stdout
and stderr are only ever a log, capped. Every way to end is an `Ended`.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from prototypes.harness.orphans import VARIABLE, sweep
from prototypes.harness.status import Status

F_SETPIPE_SZ = 1031  # linux/fcntl.h
LOG_BYTES = 16 << 10
MESSAGE_BYTES = 16 << 20
REPOSITORY = Path(__file__).resolve().parent.parent.parent

Report = Callable[[float, str], None]


class CancelledError(BaseException):
    """The parent was asked to stop (SIGTERM, Ctrl-C); the child's group is gone by then."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a child may use."""

    seconds: float
    """Wall time from the request on."""
    memory_bytes: int | None
    """Address space; None for CUDA, which maps far more than it uses."""
    resident_bytes: int | None = None
    """Memory in use by the child, looked at while it works: the limit for CUDA."""
    output_bytes: int = 256 << 20
    """The largest file, its log included, that it may write."""


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
    ready: bool = False
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
            elif message.get("kind") == "ready":
                self.ready = True
            elif message.get("kind") == "result":
                self.result = message.get("result")
            elif message.get("kind") == "failure":
                self.failure = message


class Child:
    """A process with its limits, its imports done or under way, waiting for its one request.

    `preload` names modules to import before, `cores` those it is pinned to while it times, `lock` a
    file that those share who take turns (`turns`); `mark` is its session's. Use it in a `with`: its
    group and all that carries its own mark is gone afterwards, whatever happened.
    """

    def __init__(
        self,
        limits: Limits,
        preload: Sequence[str] = (),
        cores: Sequence[int] | None = None,
        threads: int | None = None,
        mark: str | None = None,
        lock: str | None = None,
    ) -> None:
        self.limits = limits
        self._cores = list(cores) if cores else None
        self._mark = "/".join(filter(None, (mark, uuid.uuid4().hex)))
        self._killed_before = _oom_kills()
        self._stream = _Stream()
        self._is_open = True
        self._closed = False
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 (closed in `close`)
        self._reader, writer = os.pipe()
        try:
            self._process = _start(writer, self._log, threads, self._mark)
        except BaseException:
            os.close(self._reader)
            self._log.close()
            raise
        finally:
            os.close(writer)
        with contextlib.suppress(OSError):  # it may go on while its messages wait to be read
            fcntl.fcntl(self._reader, F_SETPIPE_SZ, 1 << 20)
        self._write(
            {
                "parent": os.getpid(),
                "result_fd": writer,
                "memory_bytes": limits.memory_bytes,
                "output_bytes": limits.output_bytes,
                "preload": list(preload),
                "lock": lock,
            }
        )

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """The process's number, which is its group's too."""
        return self._process.pid

    def wait_ready(self, seconds: float) -> bool:
        """Wait until its imports are done; False if it died or took longer."""
        self._follow(seconds, None, lambda: self._stream.ready)
        return self._stream.ready

    def run(self, request: dict[str, Any], report: Report | None = None) -> Ended:
        """Send the request and wait for the end of the process; closes this child."""
        self.send(request)
        return self.finish(report)

    def send(self, request: dict[str, Any]) -> None:
        """Give it its request; it goes to work."""
        self._write({**request, "cores": self._cores})
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()

    def finish(self, report: Report | None = None) -> Ended:
        """Wait for the end of the process, as long as its limits allow; closes this child."""
        try:
            ended_for = self._follow(self.limits.seconds, report, lambda: False)
            self._kill()
            return self._judge(ended_for)
        finally:
            self.close()

    def close(self) -> None:
        """End it and all that it started; twice is no error."""
        if self._closed:
            return
        self._closed = True
        self._kill()
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
        os.close(self._reader)
        self._log.close()
        sweep(self._mark)

    def _kill(self) -> None:
        kill_group(self._process)

    def _write(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write((json.dumps(message) + "\n").encode())
            self._process.stdin.flush()

    def _follow(
        self, seconds: float, report: Report | None, enough: Callable[[], bool]
    ) -> str | None:
        """Read until the child is gone or `enough`; return why it has to be ended, if it has."""
        deadline = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            if self._is_open:
                selector.register(self._reader, selectors.EVENT_READ)
            while not enough():
                left = deadline - time.monotonic()
                if left <= 0:
                    return "time"
                limit = self.limits.resident_bytes
                if limit is not None and resident_bytes(self.pid) > limit:
                    return "memory"
                if self._is_open and selector.select(min(left, 0.2)):
                    data = os.read(self._reader, 1 << 16)
                    self._stream.feed(data, report)
                    if not data:
                        selector.unregister(self._reader)
                        self._is_open = False
                    continue
                if self._process.poll() is not None:
                    # A grandchild may hold the pipe open for ever: what the child wrote is read.
                    return None
                if not self._is_open:
                    time.sleep(0.01)
        return None

    def _judge(self, ended_for: str | None) -> Ended:
        stream, limits, log = self._stream, self.limits, _tail(self._log)
        if ended_for == "time":
            return Ended(Status.TIMEOUT, None, f"Took longer than {limits.seconds:g} s.", log)
        if ended_for == "memory":
            used = f"Used more than {(limits.resident_bytes or 0) / (1 << 30):.3g} GB of memory."
            return Ended(Status.OUT_OF_MEMORY, None, used, log)
        if stream.failure is not None:
            status = Status(stream.failure.get("status", Status.ERROR))
            return Ended(status, None, str(stream.failure.get("message", "")), log)
        code = self._process.returncode
        if stream.result is not None and code == 0:
            return Ended(Status.OK, stream.result, "", log)
        if stream.overflow:
            return Ended(Status.ERROR, None, "Its answer was larger than 16 MB.", log)
        if code == -signal.SIGKILL and _oom_kills() > self._killed_before:
            return Ended(Status.OUT_OF_MEMORY, None, "The system ran out of memory.", log)
        if code == -signal.SIGXFSZ:
            size = f"{limits.output_bytes / (1 << 20):.3g} MB"
            return Ended(Status.CRASHED, None, f"It printed or wrote more than {size}.", log)
        if code < 0:
            name = signal.Signals(-code).name if -code in list(signal.Signals) else str(-code)
            return Ended(Status.CRASHED, None, f"The process died of {name}.", log)
        told = f"The process ended with exit code {code}, no result."
        return Ended(Status.CRASHED, None, told, log)


def run_child(request: dict[str, Any], limits: Limits, report: Report | None = None) -> Ended:
    """Run one request in a fresh child and wait for its end.

    On `CancelledError` or any other exception in the parent the child's whole group is killed
    before it leaves this function.
    """
    with Child(limits) as child:
        return child.run(request, report)


def _start(writer: int, log: IO[bytes], threads: int | None, mark: str) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,
        VARIABLE: mark,
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    if threads is not None:
        # Libraries with pools of their own read these when they are loaded.
        environment |= {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
    path = [str(REPOSITORY), environment.get("PYTHONPATH", "")]
    environment["PYTHONPATH"] = os.pathsep.join(p for p in path if p)
    return subprocess.Popen(
        [sys.executable, "-m", "prototypes.harness.child"],
        stdin=subprocess.PIPE,
        stdout=log,
        stderr=subprocess.STDOUT,
        pass_fds=(writer,),
        start_new_session=True,
        env=environment,
    )


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """End the child's session for good; a child that is gone already leaves its children."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def resident_bytes(pid: int) -> int:
    """Return the memory that a process has in use; 0 if it is gone."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


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
