from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conftest import PROJECT, copied

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FAILURES = Path(__file__).parent / "failures"
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass
class Workbench:
    """A server of its own, with a data folder of its own."""

    url: str
    home: Path
    log: Path


def _missing() -> str:
    if shutil.which("chromium") is None:
        return "there is no chromium"
    try:
        import playwright  # noqa: F401
    except ImportError:
        return "playwright isn't installed"
    return ""


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    missing = _missing()
    if missing:
        if os.environ.get("ASSAY_REQUIRE_BROWSER") == "1":
            pytest.fail(f"ASSAY_REQUIRE_BROWSER=1, but {missing}")
        pytest.skip(missing)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=list(QUIET)
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def workbench(
    chromium: Browser, shipped_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Workbench]:
    """The workbench as `assay ui` starts it, on a free port."""
    home = copied(shipped_file, tmp_path_factory.mktemp("home")).parent
    with served(home, free_port()) as (_, workbench):
        yield workbench


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def served(
    home: Path, port: int, team: str = ""
) -> Iterator[tuple[subprocess.Popen[bytes], Workbench]]:
    """Start a server on `port` over the catalog in `home`.

    `team` is the text of a team's settings; without it the server is for one person.
    """
    from app.workflows.serving import command
    from app.workflows.serving import environment as of_team
    from app.workflows.team import read_team

    log = home / "server.log"
    environment = os.environ | {
        "ASSAY_HOME": str(home),
        "ASSAY_ARXIV_URL": "http://127.0.0.1:9/api/query",
        "PYTHONPATH": str(PROJECT),
    }
    environment.pop("ASSAY_DATABASE_URL", None)
    members = None
    if team:
        (home / "team.toml").write_text(team)
        members = read_team(home / "team.toml")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("ASSAY_HOME", str(home))
            environment |= of_team(members)
            started = command(port, members)
    else:
        started = command(port)
    with log.open("wb") as output:
        server = subprocess.Popen(started, cwd=home, env=environment, stdout=output, stderr=output)
    try:
        _wait(f"http://127.0.0.1:{port}/_stcore/health", log)
        yield server, Workbench(f"http://127.0.0.1:{port}", home, log)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=15)


def _wait(address: str, log: Path) -> None:
    give_up = time.monotonic() + 20
    while time.monotonic() < give_up:
        try:
            with urllib.request.urlopen(address, timeout=1) as answer:
                if answer.read() == b"ok":
                    return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"the server didn't start: {log.read_text(errors='replace')[-2000:]}")


@pytest.fixture
def requests() -> list[str]:
    """The address of every request that the test's pages made."""
    return []


@pytest.fixture
def page(
    chromium: Browser, workbench: Workbench, requests: list[str], request: pytest.FixtureRequest
) -> Iterator[Page]:
    """A tab in English; a failing test leaves a picture of it under `failures/`."""
    context = chromium.new_context(
        viewport={"width": 1440, "height": 900}, locale="en-US", accept_downloads=True
    )
    context.on("request", lambda sent: requests.append(sent.url))
    tab = context.new_page()
    yield tab
    failed = getattr(request.node, "failed", False)
    if failed:
        FAILURES.mkdir(exist_ok=True)
        for number, opened in enumerate(context.pages):
            opened.screenshot(path=FAILURES / f"{request.node.name}-{number}.png")
        (FAILURES / f"{request.node.name}.log").write_bytes(workbench.log.read_bytes())
    context.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:  # type: ignore[misc]
    report = yield
    if call.when == "call" and report.failed:  # type: ignore[attr-defined]
        item.failed = True  # type: ignore[attr-defined]
    return report  # type: ignore[return-value]
