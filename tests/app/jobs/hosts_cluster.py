"""A scheduler and the workers of some hosts, all on this machine, with certificates."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from app.jobs.hosts.address import SchedulerAddress
from app.jobs.processes import sweep
from tests.conftest import PROJECT

from .waiting import eventually, is_running

OPENSSL = shutil.which("openssl")


def make_certificates(folder: Path) -> Path:
    """Make an authority and a host's certificate by the commands of docs/hosts.md."""
    folder.mkdir()
    text = (PROJECT / "docs" / "hosts.md").read_text(encoding="utf-8")
    script = text.split("<!-- certificates -->\n```\n")[1].split("```")[0]
    assert script.count("openssl") == 3
    subprocess.run(
        ["bash", "-euc", script], cwd=folder, check=True, capture_output=True, env=os.environ
    )
    return folder


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Cluster:
    """The processes of `assay hosts serve` and `assay hosts join`, which a test may kill."""

    tls: Path
    home: Path
    port: int = field(default_factory=free_port)
    scheduler: subprocess.Popen[bytes] | None = None
    joined: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"tls://127.0.0.1:{self.port}"

    def address(self, port: int = 0) -> SchedulerAddress:
        return SchedulerAddress(f"tls://127.0.0.1:{port or self.port}", self.tls)

    @property
    def environment(self) -> Mapping[str, str]:
        return {**os.environ, "ASSAY_TLS": str(self.tls), "ASSAY_HOME": str(self.home)}

    def serve(self) -> None:
        self.scheduler = self._start("serve", self.url)

    def join(self, name: str, *offers: str) -> None:
        self.joined[name] = self._start("join", self.url, "--name", name, *offers)

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", "from app.cli import main; main()", "hosts", *arguments]
        with (self.home / "hosts.log").open("ab") as log:
            return subprocess.Popen(
                command, cwd=PROJECT, env=self.environment, stdout=log, stderr=log
            )

    def worker(self, name: str) -> int:
        """The process of a host's worker: the one that `join` started last."""

        def found() -> list[int]:
            try:
                children = psutil.Process(self.joined[name].pid).children()
            except psutil.NoSuchProcess:
                return []
            return [child.pid for child in children if is_running(child.pid)]

        assert eventually(found)
        return found()[0]

    def kill_worker(self, name: str) -> None:
        os.kill(self.worker(name), signal.SIGKILL)

    def kill_scheduler(self) -> None:
        assert self.scheduler is not None
        self.scheduler.kill()
        self.scheduler.wait()

    def log(self) -> str:
        return (self.home / "hosts.log").read_text(errors="replace")

    def stop(self) -> None:
        processes = [*self.joined.values(), *([self.scheduler] if self.scheduler else [])]
        for process in processes:
            process.terminate()
        for process in processes:
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
        sweep("ASSAY_HOME", str(self.home))


class Proxy:
    """Passes connections on to a port of this machine, until they are cut."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return  # closed
            try:
                far = socket.create_connection(("127.0.0.1", self._to))
            except OSError:
                near.close()  # nobody there yet: as it would be without a proxy
                continue
            with self._lock:
                self._open += [near, far]
                for pair in ((near, far), (far, near)):
                    self._threads.append(threading.Thread(target=_pump, args=pair, daemon=True))
                    self._threads[-1].start()

    def cut(self) -> None:
        """Break all connections that there are; new ones are passed on."""
        with self._lock:
            for end in self._open:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()
        for thread in self._threads:
            thread.join(5)
        for end in self._open:
            end.close()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(1 << 16):
            sink.sendall(data)
    for end in (source, sink):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


@contextmanager
def proxy(port: int) -> Iterator[Proxy]:
    """Yield a proxy to that port."""
    held = Proxy(port)
    try:
        yield held
    finally:
        held.close()
