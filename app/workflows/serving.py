"""Starting the workbench: the catalog first, then Streamlit as a process of its own."""

from __future__ import annotations

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
from app.errors import AssayError
from app.workflows.opening import open_catalog

PROJECT = Path(__file__).parents[2]
SERVER = PROJECT / "app" / "web" / "server.py"
ADDRESS = "127.0.0.1"


def serve(port: int, *, open_browser: bool) -> int:
    """Open the workbench on `port` until it is interrupted; return its exit status.

    Raises `AssayError` where the port is taken.
    """
    if not port_is_free(port):
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
    process = subprocess.Popen(command(port), cwd=PROJECT)
    print(f"The workbench opens on {url} (Ctrl-C ends it).", flush=True)
    if open_browser and has_screen():
        threading.Thread(target=_open_when_ready, args=(port, url), daemon=True).start()
    try:
        return process.wait()
    except KeyboardInterrupt:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=10)
        return 0


def command(port: int) -> list[str]:
    """Return the command that serves the workbench."""
    return [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        str(SERVER),
        f"--server.port={port}",
        f"--server.address={ADDRESS}",
    ]


def port_is_free(port: int) -> bool:
    """Whether nobody listens on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
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
