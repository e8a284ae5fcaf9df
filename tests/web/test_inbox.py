"""The inbox in a real browser: decided by the keyboard alone, and typing decides nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Engine

from db.engine import open_engine, session_scope
from db.queries import papers
from tests.app.web.test_inbox import fill
from tests.web.conftest import Workbench
from tests.web.test_workbench import IDLE, assert_nothing_left, visit

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


@pytest.fixture
def waiting(workbench: Workbench) -> Iterator[Engine]:
    """Three papers in the workbench's inbox; they are gone afterwards."""
    engine = open_engine(f"sqlite:///{workbench.home / 'assay.db'}")
    fill(engine, 3)
    yield engine
    with session_scope(engine) as session:
        for number in range(3):
            papers.remove(session, f"2501.{10000 + number}")
    engine.dispose()


def press(page: Page, key: str, shown: str) -> None:
    """Press a key once the page is drawn, until the card shows a paper; as a person would.

    A key that comes in the middle of a run may be dropped, which docs/watching.md says.
    """
    card = page.locator(".st-key-inbox-card").get_by_text(shown)
    from playwright.sync_api import TimeoutError as TookTooLong

    for patience_ms in (8_000, 8_000, 20_000):
        page.wait_for_selector(IDLE, timeout=20_000)
        page.keyboard.press(key)
        with suppress(TookTooLong):
            card.wait_for(timeout=patience_ms)
            return
    raise AssertionError(f"{key} never showed {shown}")


def test_three_papers_by_keyboard(
    waiting: Engine, page: Page, workbench: Workbench, requests: list[str]
) -> None:
    visit(page, f"{workbench.url}/inbox")
    card = page.locator(".st-key-inbox-card")
    card.get_by_text("A Cache of the Kind 0").wait_for(timeout=15_000)
    press(page, "k", "A Cache of the Kind 1")
    press(page, "x", "A Cache of the Kind 2")
    press(page, "u", "A Cache of the Kind 1")
    press(page, "n", "A Cache of the Kind 2")

    # In a field the same keys are letters.
    name = page.get_by_label("Name")
    if not name.is_visible():
        page.get_by_text("Add a watch").click()
    name.click()
    page.keyboard.type("kxlu")
    page.wait_for_timeout(500)
    assert card.get_by_text("A Cache of the Kind 2").is_visible()

    # By mouse: the button keeps the focus, so Enter goes on with it.
    page.get_by_role("button", name="Reject").click()
    card.get_by_text("A Cache of the Kind 1").wait_for()
    page.get_by_text("Last decision: Rejected").wait_for()
    assert "Reject" in page.evaluate("document.activeElement.innerText")
    with session_scope(waiting) as session:
        found = [papers.get(session, f"2501.{10000 + n}").status for n in range(3)]
    assert found == ["shortlisted", "inbox", "rejected"]
    assert_nothing_left(requests, workbench)
