"""How long the workbench takes: until the server answers, and until the ranking is readable.

    python -m benchmarks.first_page

Beside it: a bare Streamlit page with the same rows in a plain table.
"""

from __future__ import annotations

import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.workflows.serving import command
from benchmarks.timing import command as python

CREATE = "from app.workflows.opening import create_catalog; create_catalog()"
BARE = """
import pandas as pd
import streamlit as st
st.dataframe(pd.DataFrame({"title": [f"Paper {i}" for i in range(10)], "score": range(10)}))
"""
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def served(arguments: list[str], port: int, home: str) -> Iterator[float]:
    """Start a server; yield the seconds until it answers."""
    started = time.perf_counter()
    process = subprocess.Popen(
        arguments,
        env=os.environ | {"ASSAY_HOME": home},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=1).read()
                break
            except OSError:
                time.sleep(0.02)
        yield time.perf_counter() - started
    finally:
        process.terminate()
        process.wait(10)


def main() -> None:
    """Measure and print."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("No chromium here: install it, or let .ci/run do it.")
    with tempfile.TemporaryDirectory() as home, sync_playwright() as driver:
        python("-c", CREATE, environment=os.environ | {"ASSAY_HOME": home})()
        bare = Path(home) / "bare.py"
        bare.write_text(BARE)
        browser = driver.chromium.launch(executable_path=chromium, args=FLAGS)
        print(f"{'':18} server up   first page   new tab  s (median of 3)")
        for name in ("assay", "bare streamlit"):
            up, first, tab = [], [], []
            for _ in range(3):
                port = free_port()
                arguments = command(port)
                if name != "assay":
                    arguments[arguments.index("run") + 1] = str(bare)
                with served(arguments, port, home) as seconds:
                    up.append(seconds)
                    context = browser.new_context(viewport={"width": 1440, "height": 900})
                    for kept in (first, tab):
                        started = time.perf_counter()
                        page = context.new_page()
                        page.goto(f"http://127.0.0.1:{port}/")
                        page.wait_for_selector('[data-testid="stDataFrame"] canvas')
                        kept.append(time.perf_counter() - started)
                    context.close()
            middle = [statistics.median(taken) for taken in (up, first, tab)]
            print(f"{name:18} {middle[0]:9.2f} {middle[1]:12.2f} {middle[2]:9.2f}")
        browser.close()


if __name__ == "__main__":
    main()
