"""What goes wrong on a bad day, in a real browser: a server that is killed, titles that attack."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert

from app.workflows.triage import rescore
from db.engine import open_engine, session_scope
from db.models import Paper
from db.queries import counters, papers
from tests.conftest import copied
from tests.web.conftest import Workbench, free_port, served
from tests.web.test_workbench import GRID, IDLE, assert_nothing_left, visit

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

TITLES = {
    "markup": "<img src=x onerror=alert(1)><script>alert(2)</script> & <b>bold</b>",
    "markdown": "![x](http://192.0.2.1/x.png) [link](javascript:alert(3)) # head :red[x] `code`",
    "latex": r"$\\href{http://192.0.2.1/}{x}$ and $$\\frac{1}{0}$$ \\input{/etc/passwd}",
    "right-to-left": "\u202egnp.gnitset \u05e9\u05dc\u05d5\u05dd \u200b\u2066 paper",
    "long": "unbroken" * 250,
}


def test_a_killed_server_comes_back_with_its_job(
    page: Page, tmp_path: Path, shipped_file: Path
) -> None:
    port = free_port()
    copied(shipped_file, tmp_path)
    with served(tmp_path, port) as (server, workbench):
        visit(page, f"{workbench.url}/paper?paper=sampling&view=prototype")
        page.get_by_role("button", name="Run sampling").click()
        page.get_by_role("button", name="Cancel").wait_for(timeout=20_000)
        server.kill()
        server.wait(timeout=10)
    with served(tmp_path, port) as (_, workbench):
        # The job went on without the server; it is stopped from the one that came back.
        visit(page, f"{workbench.url}/jobs")
        page.get_by_text("Quick run of sampling on cpu").first.wait_for(timeout=20_000)
        page.get_by_role("button", name="Cancel").first.click()
        page.get_by_text("cancelled").first.wait_for(timeout=20_000)
        page.get_by_role("button", name="Retry").first.wait_for()


def test_titles_that_attack_are_only_words(
    page: Page, workbench: Workbench, requests: list[str]
) -> None:
    alarms: list[str] = []
    page.on("dialog", lambda dialog: (alarms.append(dialog.message), dialog.dismiss()))
    engine = open_engine(f"sqlite:///{workbench.home / 'assay.db'}")
    try:
        with session_scope(engine) as session:
            rows = [
                {"id": f"hostile-{name}", "title": title, "title_key": name, "authors": [title]}
                for name, title in TITLES.items()
            ]
            session.execute(insert(Paper), rows)
            counters.bump(session)
            rescore(session, {"kind": "analysis", "ref": "hostile"}, [r["id"] for r in rows])
        visit(page, f"{workbench.url}/?status=inbox")
        page.wait_for_selector(GRID, timeout=20_000)
        for name, title in TITLES.items():
            visit(page, f"{workbench.url}/paper?paper=hostile-{name}")
            page.wait_for_selector(IDLE)
            heading = page.locator("h1").first
            heading.wait_for()
            if name in ("markup", "markdown"):
                assert heading.inner_text().startswith(title[:24])
            wide = page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            assert wide <= 0, name
        broken = page.locator(
            'main img[src="x"], main a[href^="javascript"], img[src*="192.0.2.1"]'
        )
        assert (alarms, broken.count()) == ([], 0)
        assert_nothing_left(requests, workbench)
    finally:
        with session_scope(engine) as session:
            for name in TITLES:
                papers.remove(session, f"hostile-{name}")
        engine.dispose()
