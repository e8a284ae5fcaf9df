"""Starting the workbench: the catalog first, then Streamlit as a process of its own."""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import webbrowser
from pathlib import Path

from analyzers.message import message
from app import home
from app.errors import AssayError, UsageError
from app.jobs.processes import tethered
from app.workflows.opening import open_catalog
from app.workflows.team import SECRETS, VARIABLE, Team, check_secrets, read_team, team_file

PROJECT = Path(__file__).parents[2]
SERVER = PROJECT / "app" / "web" / "server.py"
ADDRESS = "127.0.0.1"


_TWO_ARENAS = {"MALLOC_ARENA_MAX": "2"}
"""glibc keeps memory for each thread that ever ran: after ten visitors to 100,000 papers the server
held 457 MB, with two arenas for all threads 407."""


def serve(port: int, *, open_browser: bool, for_team: bool = False) -> int:
    """Open the workbench on `port` until it is interrupted; return its exit status.

    With `for_team` as `team.toml` of the data folder says, with a login. Raises `AssayError` where
    the port is taken, or those settings can't be used.
    """
    members = read_team(team_file()) if for_team else None
    if members is not None and members.login == "oidc":
        check_secrets(home.data_folder() / SECRETS)
        require_login_package()
    address = ADDRESS if members is None else members.address
    if not port_is_free(port, address):
        raise AssayError(
            message(
                "Port {port} is taken, perhaps by a workbench that runs already. "
                "Open http://localhost:{port}, or choose another: assay ui --port {next}",
                port=port,
                next=port + 1,
            )
        )
    open_catalog(create=True).dispose()
    url = f"http://localhost:{port}"
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # told to end, the server ends too
    process = subprocess.Popen(
        tethered(command(port, members)),  # a killed command leaves no server behind on its port
        cwd=PROJECT,
        env={**_TWO_ARENAS, **os.environ, **environment(members)},
    )
    if members is None:
        print(f"The workbench opens on {url} (Ctrl-C ends it).", flush=True)
    else:
        names = ", ".join(members.hosts)
        print(f"The team's workbench listens on {address}, port {port}, for {names}.", flush=True)
    if open_browser and members is None and has_screen():
        threading.Thread(target=_open_when_ready, args=(port, url), daemon=True).start()
    try:
        return process.wait()
    except KeyboardInterrupt:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=10)
        return 0


def environment(members: Team | None) -> dict[str, str]:
    """Return the variables that the server needs.

    It has to see who connects: else it would take what X-Forwarded-For says for that, where the
    one person's browser, or the trusted proxy, is looked for.
    """
    if members is None:
        return {"FORWARDED_ALLOW_IPS": ""}
    told = {VARIABLE: str(team_file().absolute())}
    if members.login == "proxy":
        told["FORWARDED_ALLOW_IPS"] = ""
    return told


def require_login_package() -> None:
    """Raise `UsageError` where what Streamlit logs people in with isn't installed."""
    if importlib.util.find_spec("authlib") is None:
        raise UsageError(
            message("The login needs a package that isn't installed: pip install 'assay[team]'.")
        )


def command(port: int, members: Team | None = None) -> list[str]:
    """Return the command that serves the workbench."""
    address = ADDRESS if members is None else members.address
    oidc = members is not None and members.login == "oidc"
    return [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        str(SERVER),
        f"--server.port={port}",
        f"--server.address={address}",
        *[f"--server.allowedHosts={host}" for host in (members.hosts if members else ())],
        *([f"--secrets.files={home.data_folder().absolute() / SECRETS}"] if oidc else []),
    ]


def port_is_free(port: int, address: str = ADDRESS) -> bool:
    """Whether nobody listens on the port."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


def has_screen() -> bool:
    """Whether a browser could be shown here."""
    if sys.platform in ("darwin", "win32"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _open_when_ready(port: int, url: str) -> None:
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex((ADDRESS, port)) == 0:
                webbrowser.open(url)
                return
        time.sleep(0.1)
