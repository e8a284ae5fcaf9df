"""The paper's page in a real browser: a row of the claims chooses, an edit has its way back."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.web.conftest import Workbench
from tests.web.test_workbench import assert_nothing_left, visit

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def test_a_row_chooses_its_claim_and_a_status_is_undone_by_keyboard(
    page: Page, workbench: Workbench, requests: list[str]
) -> None:
    visit(page, f"{workbench.url}/paper?paper=sage&view=claims")
    page.locator('[data-testid="stDataFrame"] canvas').first.wait_for()
    table = page.locator('[data-testid="stDataFrame"]').bounding_box()
    assert table is not None
    page.mouse.click(table["x"] + 60, table["y"] + 36 + 78 + 30)  # the second row
    page.wait_for_url(re.compile(r"claim=2410\.02367"))

    page.get_by_role("combobox", name="Status").click()
    page.get_by_role("option", name="building").click()
    page.get_by_text("Its status is now: building.").wait_for()
    page.get_by_role("button", name="Undo").focus()
    page.keyboard.press("Enter")
    page.get_by_text("Undone.").wait_for()
    page.get_by_role("button", name="Undo").wait_for(state="detached")
    assert_nothing_left(requests, workbench)
