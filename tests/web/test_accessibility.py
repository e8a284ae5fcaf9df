"""Every page by keyboard and screen reader: names, headings, focus, contrast.

What Streamlit does on its own and offers no way to change is in `STREAMLIT`; nothing may be added.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.web.conftest import Workbench

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

SCRIPT = Path(__file__).with_name("accessibility.js")
PAGES = ("Paper", "Inbox", "Benchmarks", "Report", "Add papers", "Jobs", "Settings", "Ranking")
STREAMLIT = {
    "headings": ["h3 after h1"],  # its subheader is an h3
    "unreachable": [
        # What they do is done from the field itself: arrow keys, Backspace.
        "stSelectbox «Open", "stMultiSelect «Open", "stMultiSelectTagsContainer «Remove",
        "stNumberInputStep", "stTextInputField «Clear", "stDateInput",
    ],
    "focus": [
        "main in stMain",  # the page itself, which scrolls by the arrow keys
        "stMultiSelectTagsContainer",  # a caret alone
        "stBaseButton-elementToolbar",  # a table's tools, drawn only under the pointer
        "iframe in stIFrame",  # the report inside has the focus
        "data-grid-canvas",  # a table marks the cell inside its picture
    ],
    "contrast": [],
    "dark": ["stMarkdownContainer «"],  # the chosen section, written in the colour of buttons
    "names": [],
}  # fmt: skip
SETTLED = """(ground) => ground ===
    getComputedStyle(document.querySelector('.stApp')).backgroundColor
    && document.querySelector('[data-test-script-state="notRunning"]')
    && !document.querySelector('[data-stale="true"]')"""
STOPS = 14
"""So many times is Tab pressed on each page, which is as far as its first table or form."""


def findings(page: Page) -> list[str]:
    """Return "kind: what" of all that is wrong on the page that is open."""
    page.evaluate(SCRIPT.read_text(encoding="utf-8"))
    page.add_style_tag(content="*{transition:none!important}")
    found = []
    for kind in ("names", "headings", "unreachable"):
        found += [f"{kind}: {told}" for told in page.evaluate(f"accessibility.{kind}()")]
    found += [f"contrast: {told}" for told in low_contrast(page)]
    for _ in range(STOPS):
        page.keyboard.press("Tab")
        stop = page.evaluate("accessibility.focused()")
        if stop and not (stop["shown"] and stop["marked"]):
            found.append(f"focus: {stop['what']}")
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(SETTLED, arg="rgb(18, 23, 29)", timeout=10_000)
    found += [f"dark: {told}" for told in low_contrast(page)]
    page.emulate_media(color_scheme="light")
    return found


def low_contrast(page: Page) -> list[str]:
    """Return the texts that are hard to read and stay so: a hint that fades in is not."""
    first = page.evaluate("accessibility.contrast()")
    if all(is_streamlit_s(f"dark: {told}") for told in first):
        return list(first)
    page.wait_for_timeout(600)
    return list(page.evaluate("accessibility.contrast()"))


def is_streamlit_s(finding: str) -> bool:
    """Whether a finding is one that every Streamlit app has."""
    kind, _, told = finding.partition(": ")
    ratio = float(told.split()[0]) if kind == "dark" else 4.5
    return ratio > 3 and any(own in told for own in STREAMLIT[kind])


def test_pages_can_be_used_by_keyboard_and_heard(page: Page, workbench: Workbench) -> None:
    told: dict[str, list[str]] = {}
    page.goto(f"{workbench.url}/jobs")
    page.get_by_role("heading", level=1).wait_for()
    for name in PAGES:
        page.get_by_role("link", name=name, exact=True).click()
        page.wait_for_url(re.compile("/$|/\\?" if name == "Ranking" else name.split()[0].lower()))
        page.mouse.move(720, 890)  # a place under the pointer looks like one with the focus
        page.wait_for_timeout(100)
        page.get_by_role("heading", level=1).wait_for()
        page.wait_for_function(SETTLED, arg="rgb(255, 255, 255)", timeout=20_000)
        wrong = sorted({f for f in findings(page) if not is_streamlit_s(f)})
        if wrong:
            told[name] = wrong
    assert not told, "\n".join(f"{name}: {f}" for name, found in told.items() for f in found)


def test_no_verdict_is_told_by_colour_alone() -> None:
    from app.labels import ADVICE, JOB_STATES, VERDICT_ICONS, VERDICTS

    assert set(VERDICT_ICONS) == set(VERDICTS)
    for words in (ADVICE, JOB_STATES, VERDICTS):
        assert len(set(words.values())) == len(words)
    assert all(re.search(r"\w", word) for word in (*ADVICE.values(), *VERDICTS.values()))
