"""Every page in a browser, with the catalog of a data folder: how long, how much is sent.

python -m benchmarks.pages DATA_FOLDER [--times N] [--visitors N] [--pictures FOLDER]

Each step is one that a person takes: the clock runs from the click until what was asked for is
shown, and until the page stands still; beside it the processor time of the server and what it
sends. The folder's catalog is written to (a paper is kept, and that is undone): use a copy.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from app.workflows.serving import command
from benchmarks.first_page import FLAGS, free_port, served

if TYPE_CHECKING:
    import psutil
    from playwright.sync_api import Browser, Page

Work = Callable[[], object]
GRID = "() => !!document.querySelector('[data-testid=stDataFrame] canvas')"
STILL = (
    "() => document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'"
)
CELLS = """Array.from(document.querySelectorAll(
    '[data-testid=stDataFrame] [role=gridcell]')).map(cell => cell.textContent).join('|')"""
PAGES = ("Inbox", "Benchmarks", "Report", "Add papers", "Jobs", "Settings", "Ranking")
SECTIONS = ("Claims", "Prototype", "Facts", "History", "Notes", "Score")
_PATIENCE_MS = 60_000
_REST_MS = 700
"""What the server does after a page stands still belongs to its step."""


@dataclass
class Taken:
    """What the repetitions of a step took."""

    shown_s: list[float] = field(default_factory=list)
    still_s: list[float] = field(default_factory=list)
    server_s: list[float] = field(default_factory=list)
    sent: list[int] = field(default_factory=list)


class Visit:
    """A tab, whose steps are timed."""

    def __init__(
        self, browser: Browser, port: int, server: psutil.Process, taken: dict[str, Taken]
    ) -> None:
        self.address, self.server, self.taken = f"http://127.0.0.1:{port}", server, taken
        self.context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-US")
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(_PATIENCE_MS)
        self.got = 0
        self.page.on("websocket", lambda ws: ws.on("framereceived", self._receive))

    def _receive(self, frame: str | bytes) -> None:
        self.got += len(frame)

    def step(self, name: str, act: Work, is_shown: str | Work = STILL) -> None:
        """Take a step, and note what it took."""
        from playwright.sync_api import TimeoutError as Late

        cpu, got, began = cpu_s(self.server), self.got, time.perf_counter()
        act()
        try:
            if isinstance(is_shown, str):
                self.page.wait_for_function(is_shown)
            else:
                is_shown()
            shown = time.perf_counter() - began
            self.page.wait_for_function(STILL)
            still = time.perf_counter() - began
        except Late:
            print(f"{name}: not done within {_PATIENCE_MS / 1000:.0f} s", flush=True)
            return
        self.page.wait_for_timeout(_REST_MS)
        step = self.taken.setdefault(name, Taken())
        step.shown_s.append(shown)
        step.still_s.append(still)
        step.server_s.append(cpu_s(self.server) - cpu)
        step.sent.append(self.got - got)

    def first_table(self, name: str) -> None:
        """Open the ranking in this new tab."""
        self.step(name, lambda: self.page.goto(self.address), GRID)

    def other_rows(self, name: str, act: Work) -> None:
        """Take a step after which the table holds other papers."""
        before = self.page.evaluate(CELLS)
        changed = f"before => {{ const now = {CELLS}; return now !== '' && now !== before; }}"
        self.step(name, act, lambda: self.page.wait_for_function(changed, arg=before))

    def choose(self, name: str, label: str, option: str) -> None:
        """Choose in a box above the table."""
        self.page.get_by_label(label, exact=False).first.click()
        item = self.page.get_by_role("option", name=option, exact=True)
        item.wait_for()
        self.other_rows(name, item.click)

    def narrow(self) -> None:
        """Filter, search, turn the page, move a weight."""
        page = self.page
        self.choose("filter: a technique", "Technique", "attention")
        self.choose("filter taken off", "Technique", "Any technique")
        self.choose("filter: a year", "Year", "2024")
        self.choose("filter taken off", "Year", "Any year")
        words = page.get_by_label("Search", exact=True)
        turned = page.locator(".st-key-from-page button")
        common = "rotation" if turned.count() else "cache"  # made papers, or those of the seed
        for name, text in (("one paper", "sage"), ("a common word", common)):
            words.fill(text)
            self.other_rows(f"search: {name}", lambda: words.press("Enter"))
        words.fill("")
        self.other_rows("search taken off", lambda: words.press("Enter"))
        if turned.count():
            self.other_rows("the next page", turned.filter(has_text=re.compile("^2$")).click)
            self.other_rows("the first page", turned.filter(has_text=re.compile("^1$")).click)
        page.get_by_text("Weights, and how firm").click()
        slider = page.get_by_role("slider").first
        slider.focus()
        self.other_rows("a weight moved", lambda: slider.press("Home"))
        self.other_rows("a weight moved", lambda: slider.press("End"))

    def compare(self) -> None:
        """Tick two papers, compare them, come back."""
        page = self.page
        for row, told in ((0, "choose two to four"), (1, "Compare the 2")):
            self._click_row("a paper ticked", row, 15, page.get_by_text(told).wait_for)
        button, back = page.get_by_text("Compare the 2"), page.get_by_text("Back to the ranking")
        self.step("compared", button.click, back.wait_for)
        self.step("back from comparing", back.click, GRID)

    def _click_row(self, name: str, row: int, x: int, is_shown: str | Work) -> None:
        box = self.page.locator("[data-testid=stDataFrame] canvas").first.bounding_box()
        assert box is not None
        place = box["x"] + x, box["y"] + 70 + 61 * row
        self.step(name, lambda: self.page.mouse.click(*place), is_shown)

    def read(self, pages: Sequence[str]) -> None:
        """Open a paper and its sections, then every other page."""
        page = self.page
        self._click_row(
            "a paper opened", 0, 90, "() => !!document.querySelector('[data-testid=stMetric]')"
        )
        tabs = page.locator("[data-testid=stButtonGroup] button")
        for name in SECTIONS:
            self.step("a paper's section", tabs.filter(has_text=name).first.click)
        for name in pages:
            heading = page.get_by_role("heading", name=name, exact=True, level=1)
            link = page.get_by_role("link", name=name, exact=True).first
            self.step(f"page {name}", link.click, heading.wait_for)
            if name == "Inbox" and page.locator(".st-key-inbox-keep").count():
                last = page.get_by_text("Last decision")
                self.step("inbox: keep", lambda: page.keyboard.press("k"), last.wait_for)
                every = page.get_by_text("Every decision can be undone")
                self.step("inbox: undo", lambda: page.keyboard.press("u"), every.wait_for)


def cpu_s(server: psutil.Process) -> float:
    """Return the processor time of the server; what it starts counts for itself."""
    taken = server.cpu_times()
    return float(taken.user + taken.system)


def crowd(port: int, visitors: int) -> float:
    """Let so many open the ranking and narrow it, two at a time, each in a browser of its own."""
    from playwright.sync_api import sync_playwright

    def visit(_: int) -> float:
        with sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
            page = browser.new_page(viewport={"width": 1440, "height": 900}, locale="en-US")
            began = time.perf_counter()
            page.goto(f"http://127.0.0.1:{port}/")
            page.wait_for_function(GRID, timeout=120_000)
            taken = time.perf_counter() - began
            page.get_by_label("Search", exact=True).fill("sparse")
            page.keyboard.press("Enter")
            page.wait_for_timeout(1500)
            browser.close()
        return taken

    with ThreadPoolExecutor(2) as pool:
        return statistics.median(pool.map(visit, range(visitors)))


def report(taken: dict[str, Taken]) -> None:
    """Print a row a step."""
    print("| step | shown, ms | stands still, ms | server CPU, ms | sent, kB |")
    print("| --- | --- | --- | --- | --- |")
    for name, step in taken.items():
        ms = [1000 * statistics.median(s) for s in (step.shown_s, step.still_s, step.server_s)]
        most = f" (to {1000 * max(step.shown_s):.0f})" if len(step.shown_s) > 1 else ""
        kilobytes = statistics.median(step.sent) / 1000
        print(f"| {name} | {ms[0]:.0f}{most} | {ms[1]:.0f} | {ms[2]:.0f} | {kilobytes:.0f} |")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pages")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--visitors", type=int, default=10)
    parser.add_argument("--without", nargs="*", default=[], help="pages to leave out")
    asked = parser.parse_args()
    pages = [name for name in PAGES if name not in asked.without]
    os.environ.pop("ASSAY_DATABASE_URL", None)
    taken: dict[str, Taken] = {}
    try:
        told = measured(asked.folder, asked.times, asked.visitors, pages, taken)
    finally:  # what was taken is told even where a step broke it off
        report(taken)
    print(f"\n{told}")
    print(f"Load {', '.join(f'{load:.1f}' for load in os.getloadavg())}.")


def measured(
    folder: Path, times: int, visitors: int, pages: Sequence[str], taken: dict[str, Taken]
) -> str:
    """Take all steps; return what the server held."""
    import psutil
    from playwright.sync_api import sync_playwright

    port = free_port()
    with sync_playwright() as driver, served(command(port), port, str(folder)) as up:
        [server] = [p for p in psutil.Process().children() if str(port) in str(p.cmdline())]
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        Visit(browser, port, server, taken).first_table("first table, the server just started")
        time.sleep(8)  # what it reads ahead
        for number in range(times):
            visit = Visit(browser, port, server, taken)
            visit.first_table("first table, a new tab")
            visit.narrow()
            if number == 0:
                visit.compare()
                visit.read(pages)
            visit.context.close()
        browser.close()
        told = f"The server answered after {up:.2f} s and held {held_mb(server):.0f} MB."
        if visitors:
            seconds = crowd(port, visitors)
            told += (
                f" Then {visitors} more visitors, two at a time: first table {seconds:.2f} s "
                f"(median); it held {held_mb(server):.0f} MB."
            )
    return told


def held_mb(server: psutil.Process) -> float:
    """Return what the server holds, in MB."""
    return float(server.memory_info().rss) / 1e6


if __name__ == "__main__":
    main()
