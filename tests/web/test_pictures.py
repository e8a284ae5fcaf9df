"""The marked page in a real browser: drawn on a click, the quote yellow, place by place."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.app.web.test_pictures import paper_that_repeats_itself
from tests.conftest import PROJECT
from tests.web.conftest import Workbench
from tests.web.test_workbench import assert_nothing_left, visit

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

PICTURE = '[data-testid="stImage"] img'
YELLOW = """async picture => {
    await picture.decode();
    const canvas = document.createElement("canvas");
    canvas.width = picture.naturalWidth; canvas.height = picture.naturalHeight;
    const brush = canvas.getContext("2d");
    brush.drawImage(picture, 0, 0);
    const pixels = brush.getImageData(0, 0, canvas.width, canvas.height).data;
    let found = 0;
    for (let i = 0; i < pixels.length; i += 4)
        found += pixels[i] > 220 && pixels[i + 1] > 200 && pixels[i + 2] < 140;
    return {yellow: found, width: picture.naturalWidth, height: picture.naturalHeight,
            shown: picture.getBoundingClientRect().width, alt: picture.alt};
}"""


@pytest.fixture(scope="module")
def paper(workbench: Workbench, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A paper with a file of its own in the workbench's catalog; returns its id."""
    pdf = paper_that_repeats_itself(tmp_path_factory.mktemp("pdf") / "quickkv.pdf")
    environment = os.environ | {"ASSAY_HOME": str(workbench.home), "PYTHONPATH": str(PROJECT)}
    environment.pop("ASSAY_DATABASE_URL", None)
    done = subprocess.run(
        [sys.executable, "-c", "from app.cli import main; main()", "add", str(pdf)],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.split()[1]


def test_the_page_is_drawn_when_it_is_asked_for(
    page: Page, workbench: Workbench, paper: str, requests: list[str]
) -> None:
    visit(page, f"{workbench.url}/paper?paper={paper}&view=claims")
    page.get_by_role("heading", name="QuickKV").wait_for()
    assert page.locator(PICTURE).count() == 0
    started = time.monotonic()
    page.get_by_text("Show on the page (2 places)").click()
    page.locator(PICTURE).wait_for(timeout=20_000)
    assert time.monotonic() - started < 10  # 0.5 s on an idle machine
    first = page.locator(PICTURE).evaluate(YELLOW)
    assert first["yellow"] > 2000
    assert "up to 2.4× faster decoding" in first["alt"]
    assert first["width"] == 1200
    assert first["shown"] >= 600  # beside the table

    # Below the table, where it stands in its own size or larger.
    page.get_by_text("Large page, below the table").click()
    page.wait_for_function(
        "css => document.querySelector(css)?.getBoundingClientRect().width >= 900",
        arg=PICTURE,
        timeout=20_000,
    )

    # The second place, then all of its page: the picture is another one each time.
    # The page's number stands in the table's cells too: the control is named, not the words.
    second_place = page.get_by_role("radio", name="page 2")
    whole_page = page.get_by_text("Whole page", exact=True)
    for control, taller in ((second_place, False), (whole_page, True)):
        before = page.locator(PICTURE).get_attribute("src")
        control.click()
        page.wait_for_function(
            "([css, src]) => document.querySelector(css)?.getAttribute('src') !== src"
            " && document.querySelector(css)?.complete",
            arg=[PICTURE, before],
            timeout=20_000,
        )
        shown = page.locator(PICTURE).evaluate(YELLOW)
        assert shown["yellow"] > 2000
        assert (shown["height"] > 1200) is taller
    kept = sorted((workbench.home / "pictures").glob("*.png"))
    assert len(kept) == 3

    # Asked for again, nothing is drawn.
    page.reload()
    page.get_by_text("Show on the page (2 places)").click()
    page.locator(PICTURE).wait_for(timeout=20_000)
    assert sorted((workbench.home / "pictures").glob("*.png")) == kept
    page.get_by_text("Show on the page (2 places)").click()
    page.locator(PICTURE).wait_for(state="detached")
    assert_nothing_left(requests, workbench)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_in_chinese_light_and_dark(
    scheme: str, chromium: Browser, workbench: Workbench, paper: str
) -> None:
    context = chromium.new_context(
        viewport={"width": 1024, "height": 800},
        color_scheme="dark" if scheme == "dark" else "light",
        locale="zh-CN",
    )
    tab = context.new_page()
    visit(tab, f"{workbench.url}/paper?paper={paper}&view=claims")
    tab.get_by_text("在页面上显示（2 处）").click()
    tab.locator(PICTURE).wait_for(timeout=20_000)
    shown = tab.locator(PICTURE).evaluate(YELLOW)
    overflow = tab.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    visit(tab, f"{workbench.url}/paper?paper=sage&view=claims")
    tab.get_by_text("这里没有该论文的文件").wait_for()
    context.close()
    assert shown["yellow"] > 2000
    assert shown["shown"] < 1024
    assert overflow <= 0
