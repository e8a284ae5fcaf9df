"""From the click on a filter until the table's last new word is drawn, told by the browser itself.

python -m benchmarks.narrowing [DATA_FOLDER ...]

`benchmarks.pages` waits for the table's cells as they are told to screen readers, a fifth of a
second after they are drawn, and counts what the driver takes to click. Here the canvas tells when
it drew a word that it hadn't drawn before. Beside it: bare Streamlit, one box and a plain table.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from app.workflows.serving import command
from benchmarks.first_page import FLAGS, free_port, served
from benchmarks.pages import GRID

if TYPE_CHECKING:
    from playwright.sync_api import Browser

BARE = """
import pandas as pd
import streamlit as st

st.set_page_config(layout="wide")
chosen = st.selectbox("Technique", ["Any technique", "attention", "sampling"])
rows = pd.DataFrame({
    "technique": [("attention", "sampling")[i % 2] for i in range(100)],
    "title": [f"A paper of the number {i}" for i in range(100)],
    "score": [i * 0.37 for i in range(100)],
})
st.dataframe(rows if chosen == "Any technique" else rows[rows.technique == chosen])
"""
LISTEN = """
window.clicked = 0; window.drawn = 0; window.words = new Set();
document.addEventListener("click", () => {
    window.clicked = performance.now(); window.words = new Set();
}, true);
const draw = CanvasRenderingContext2D.prototype.fillText;
CanvasRenderingContext2D.prototype.fillText = function (text, ...place) {
    if (!window.words.has(text)) { window.words.add(text); window.drawn = performance.now(); }
    return draw.call(this, text, ...place);
};
"""
CLICKS = 10
_READ_AHEAD_S, _REST_MS = 8, 2500


def taken_ms(browser: Browser, url: str) -> list[float]:
    """Return what each of ten changes of the filter took."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-US")
    context.add_init_script(LISTEN)
    page = context.new_page()
    page.goto(url)
    page.wait_for_function(GRID, timeout=120_000)
    page.wait_for_timeout(_REST_MS)
    found = []
    for number in range(CLICKS):
        page.get_by_label("Technique", exact=False).first.click()
        option = ("attention", "Any technique")[number % 2]
        item = page.get_by_role("option", name=option, exact=True)
        item.wait_for()
        page.wait_for_timeout(500)  # the list opens with a motion
        item.click()
        page.wait_for_timeout(_REST_MS)
        found.append(float(page.evaluate("() => window.drawn - window.clicked")))
    context.close()
    return found


def main() -> None:
    """Measure and print."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folders", nargs="*", type=Path, help="data folders, each with a catalog")
    folders = parser.parse_args().folders
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("No chromium here: install it, or let .ci/run do it.")
    with tempfile.TemporaryDirectory() as home, sync_playwright() as driver:
        bare = Path(home) / "bare.py"
        bare.write_text(BARE)
        browser = driver.chromium.launch(executable_path=chromium, args=FLAGS)
        print(f"{'':24} median   least    most   ms, {CLICKS} clicks")
        for folder in (None, *folders):
            port = free_port()
            arguments = command(port)
            if folder is None:
                arguments[arguments.index("run") + 1] = str(bare)
            with served(arguments, port, str(folder or home)):
                time.sleep(_READ_AHEAD_S)
                took = taken_ms(browser, f"http://127.0.0.1:{port}")
            name = folder.name if folder else "bare streamlit"
            print(f"{name:24} {statistics.median(took):6.0f} {min(took):7.0f} {max(took):7.0f}")
        browser.close()


if __name__ == "__main__":
    main()
