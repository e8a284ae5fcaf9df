"""The processes of a soak: database, workbench, scheduler and hosts, each started again if it dies.

That is what systemd does for a team; here it is done by `Stage.keep`, so that the soak needs none.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path

import psutil

from benchmarks.soak.journal import Journal
from benchmarks.soak.postgres import Server

PROJECT = Path(__file__).parents[2]
MARK = "ASSAY_SOAK"
"""In the environment of all that is started, so that what is left can be found."""
HOSTS = ("first", "second")
ASSAY = (sys.executable, "-c", "from app.cli import main; main()")
FOLDERS = ("home", "tmp", "journal", "in", "backups", "logs", "host")


def free_port() -> int:
    """Return a port that nobody listens on."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Stage:
    """All that runs but the people, in one folder."""

    def __init__(self, root: Path, *, with_postgres: bool) -> None:
        self.root = root
        root.chmod(0o755)  # the database server is another user
        for name in FOLDERS:
            (root / name).mkdir()
        self.port, self.scheduler_port = free_port(), free_port()
        self.restarts: dict[str, int] = {}
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._chaos = Journal(root / "journal" / "chaos.jsonl")
        self.server: Server | None = None
        if with_postgres:
            (root / "pg").mkdir()
            self.server = Server(root / "pg")
            self.server.create()
            self.server.wait()
            self.server.execute("CREATE DATABASE assay TEMPLATE template0")
            _make_certificates(root / "tls")
        self.run("init")

    @property
    def environment(self) -> dict[str, str]:
        """The variables of whoever works on this catalog."""
        told = {k: v for k, v in os.environ.items() if not k.startswith("ASSAY_")}
        told |= {
            MARK: str(self.root),
            "ASSAY_HOME": str(self.root / "home"),
            "TMPDIR": str(self.root / "tmp"),
            "PYTHONPATH": str(PROJECT),
            "OMP_NUM_THREADS": "1",
        }
        if self.server is not None:
            told |= {
                "ASSAY_DATABASE_URL": self.server.url(),
                "ASSAY_SCHEDULER": f"tls://127.0.0.1:{self.scheduler_port}",
                "ASSAY_TLS": str(self.root / "tls"),
            }
        return told

    @property
    def url(self) -> str:
        """The catalog's database."""
        if self.server is not None:
            return self.server.url()
        return f"sqlite:///{self.root / 'home' / 'assay.db'}"

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of Assay to its end."""
        command = [*ASSAY, *arguments]
        return subprocess.run(
            command, cwd=PROJECT, env=self.environment, capture_output=True, text=True, check=False
        )

    def services(self) -> dict[str, Sequence[str]]:
        """Return the commands of what is to run all the time, by name."""
        found: dict[str, Sequence[str]] = {
            "web": (*ASSAY, "ui", "--no-browser", "--port", str(self.port)),
        }
        if self.server is not None:
            url = f"tls://127.0.0.1:{self.scheduler_port}"
            found["scheduler"] = (*ASSAY, "hosts", "serve", url)
            for name in HOSTS:
                found[f"host {name}"] = (
                    *(*ASSAY, "hosts", "join", url, "--name", name, "--device", "cpu"),
                )
        return found

    def keep(self) -> None:
        """Start again what died."""
        if self.server is not None and (
            self.server.process is None or self.server.process.poll() is not None
        ):
            self.server.start()
        for name, command in self.services().items():
            process = self._running.get(name)
            if process is not None and process.poll() is None:
                continue
            if process is not None:
                self.restarts[name] = self.restarts.get(name, 0) + 1
            self._running[name] = self.start(name, command)

    def start(self, name: str, command: Sequence[str], **more: str) -> subprocess.Popen[bytes]:
        """Start a process that carries the mark; what it prints goes to a log of its name."""
        with (self.root / "logs" / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                command,
                cwd=PROJECT,
                env=self.environment | more,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def pid(self, name: str) -> int | None:
        """Return the process of a service."""
        process = self._running.get(name)
        return process.pid if process is not None and process.poll() is None else None

    def note_kill(self, what: str, pid: int) -> None:
        """Put down what was killed."""
        self._chaos.write("killed", what=what, pid=pid)

    def marked(self) -> list[psutil.Process]:
        """Return every living process that this soak started, the people among them."""
        found = []
        for process in psutil.process_iter():
            try:
                held = process.environ().get(MARK) == str(self.root)
                if held and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except (psutil.Error, OSError):
                continue
        return found

    def stop(self) -> None:
        """End the services as their administrator would; the database stays."""
        for process in self._running.values():
            if process.poll() is None:
                process.terminate()
        for process in self._running.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(15)

    def is_reachable(self) -> bool:
        """Whether the workbench answers."""
        with closing(socket.socket()) as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def wait_for_web(self, seconds: float = 60.0) -> None:
        """Wait until the workbench answers."""
        deadline = time.monotonic() + seconds
        while not self.is_reachable() and time.monotonic() < deadline:
            time.sleep(0.1)


def _make_certificates(folder: Path) -> None:
    """Make an authority and a host's certificate by the commands of docs/hosts.md."""
    folder.mkdir()
    text = (PROJECT / "docs" / "hosts.md").read_text(encoding="utf-8")
    script = text.split("<!-- certificates -->\n```\n")[1].split("```")[0]
    subprocess.run(["bash", "-euc", script], cwd=folder, check=True, capture_output=True)
