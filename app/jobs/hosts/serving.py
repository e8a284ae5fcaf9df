"""The two processes of a team of hosts: the scheduler, and the worker of each host.

Neither has a dashboard, nor any other web server. Certificates are asked of everyone who connects;
whoever has one may run code on every host, so hand them out as one hands out shell accounts.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

from app.jobs.hosts.address import SchedulerAddress, parse_address
from app.jobs.hosts.code import code_version
from app.jobs.hosts.folders import FOLDERS_IN, own_folder
from app.jobs.processes import RUNNER_MARK, kill_tree, sweep, tether

SETTINGS: Mapping[str, Any] = {
    "distributed.scheduler.allowed-failures": 2,
    "distributed.scheduler.worker-ttl": "60 s",
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    "distributed.worker.profile.enabled": False,  # a measurement may be running
    "distributed.admin.system-monitor.interval": "10 s",
    "distributed.comm.timeouts.connect": "10 s",
    "distributed.comm.timeouts.tcp": "20 s",
    "distributed.admin.large-graph-warning-threshold": "1 GiB",
}
_ROOT = Path(__file__).parents[3]
RESTART_S = (1.0, 2.0, 5.0, 10.0)
LIVED_WELL_S = 30.0
LOOK_AT_CODE_S = 20.0


def configure(level: int = logging.WARNING) -> None:
    """Give this process Assay's settings of `distributed`, which logs from this level on.

    That a connection closed is told by what comes of it, not by a traceback.
    """
    import dask
    import distributed  # noqa: F401  sets the levels of its loggers

    dask.config.set(SETTINGS)
    for name in list(logging.root.manager.loggerDict):
        if name.split(".")[0] == "distributed":
            logging.getLogger(name).setLevel(level)
            logging.getLogger(name).addFilter(_says_more_than_goodbye)


def _says_more_than_goodbye(record: logging.LogRecord) -> bool:
    return record.exc_info is None or not isinstance(record.exc_info[1], OSError)


def serve(address: SchedulerAddress, listen: str = "") -> None:
    """Be the scheduler of that address until a signal comes; `listen` is another host to bind."""
    from distributed import Scheduler

    class QuietScheduler(Scheduler):
        def start_http_server(self, *_: Any, **__: Any) -> None:
            """None: it would show everybody what is going on."""

    protocol, _, rest = address.url.partition("://")
    host, _, port = rest.rpartition(":")

    async def run() -> None:
        async with QuietScheduler(
            host=listen or host.strip("[]"),
            port=int(port),
            protocol=protocol,
            security=address.security(),
            dashboard=False,
        ) as scheduler:
            print(f"The scheduler listens on {scheduler.address}.", flush=True)
            await _signalled(scheduler)

    configure()
    asyncio.run(run())


def work(
    address: SchedulerAddress, name: str, resources: Mapping[str, float], listen: str = ""
) -> None:
    """Be a host's worker until a signal comes or the scheduler is gone."""
    from distributed import Worker

    class QuietWorker(Worker):
        def start_http_server(self, *_: Any, **__: Any) -> None:
            """None: it would show everybody what is going on."""

    protocol = address.url.partition("://")[0]

    async def run() -> None:
        async with QuietWorker(
            address.url,
            nthreads=1,  # one piece of work at a time: a benchmark has its host to itself
            name=name,
            resources=dict(resources),
            memory_limit=0,
            local_directory=os.environ.get(FOLDERS_IN),
            # plain tcp is for this machine alone; TLS asks everybody for a certificate
            host=listen or ("127.0.0.1" if address.tls is None else None),
            protocol=protocol,
            security=address.security(),
            startup_information={"code": lambda _: code_version()},
            metrics={"code": _CodeNow()},
        ) as worker:
            print(f"{name} works for {address.url}.", flush=True)
            await _signalled(worker)

    configure()
    asyncio.run(run())


class _CodeNow:
    """The code on a worker's disk, looked at now and then, and not while a measurement may run."""

    def __init__(self) -> None:
        self._known = code_version()
        self._looked_at = time.monotonic()

    def __call__(self, worker: Any) -> str:
        """Return it; called at each heartbeat."""
        is_due = time.monotonic() - self._looked_at > LOOK_AT_CODE_S
        if is_due and not worker.state.executing_count:
            self._known, self._looked_at = code_version(), time.monotonic()
        return self._known


async def _signalled(server: Any) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, lambda: asyncio.ensure_future(server.close()))
    await server.finished()


def join(arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> int:
    """Keep a worker running until a signal comes: one that ended is started again.

    `arguments` are those of `python -m app.jobs.hosts.serving work`. A worker ends when its
    scheduler does, and when it crashes; what it had started is gone before the next one begins.
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    mark = f"host-{uuid4().hex[:16]}"
    folder = own_folder()
    command = [sys.executable, "-m", "app.jobs.hosts.serving", "work", *arguments]
    ended_soon = 0
    while not stop.is_set():
        begun = time.monotonic()
        process = subprocess.Popen(
            command,
            env={
                **(environment or os.environ),
                RUNNER_MARK: mark,
                FOLDERS_IN: str(folder.path),
                "ASSAY_PARENT": str(os.getpid()),
            },
            cwd=_ROOT,  # so that `-m` finds Assay where it is not installed
            start_new_session=True,  # Ctrl-C is this process' to tell
        )
        while process.poll() is None and not stop.wait(0.1):
            pass
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                kill_tree(process.pid)
                process.wait()
        sweep(RUNNER_MARK, mark)
        folder.empty()
        lived_well = time.monotonic() - begun > LIVED_WELL_S
        ended_soon = 0 if lived_well else ended_soon + 1
        stop.wait(RESTART_S[min(ended_soon, len(RESTART_S) - 1)])
    folder.close()
    return 0


def default_name() -> str:
    """Return how this host is called where nobody says otherwise."""
    return socket.gethostname()


def _main(arguments: Sequence[str]) -> None:
    if parent := os.environ.pop("ASSAY_PARENT", ""):
        tether(int(parent))
    role, url, *rest = arguments
    address = parse_address(url)
    if role == "serve":
        serve(address, *rest)
        return
    name, listen, *resources = rest
    pairs = (pair.partition("=") for pair in resources)
    work(address, name, {key: float(value or 1) for key, _, value in pairs}, listen)


if __name__ == "__main__":
    _main(sys.argv[1:])
