"""Benchmarks in a real browser: pictures drawn, a run opened by a click, files in and out."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.app.run_documents import document, run
from tests.web.conftest import Workbench
from tests.web.test_workbench import GRID, IDLE, assert_nothing_left, visit

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

PICTURE = '[data-testid="stVegaLiteChart"] canvas, [data-testid="stVegaLiteChart"] svg'
HOSTILE = "<img src=x onerror=alert(1)> :red[$x$] `GPU`"


def test_from_a_file_to_a_runs_record_and_out_again(
    page: Page, workbench: Workbench, requests: list[str], tmp_path: Path
) -> None:
    refused: list[str] = []
    page.on(
        "console", lambda said: refused.append(said.text) if "Content Sec" in said.text else None
    )
    page.on("dialog", lambda dialog: refused.append(dialog.message))

    # The picture with what ships.
    visit(page, f"{workbench.url}/benchmarks")
    page.wait_for_selector(PICTURE, timeout=20_000)
    page.get_by_text("Verdicts, one a claim and device").wait_for()

    # Import: the good file is taken in, the wrong one gets its sentence.
    good, wrong = tmp_path / "elsewhere.json", tmp_path / "wrong.json"
    machine = {"device_id": "elsewhere", "device_name": HOSTILE, "device_class": "consumer_gpu"}
    machine["started_at"] = "2026-01-01T00:00:00+00:00"  # not the device that ranks
    measured = run("b8-v128256-k0-p0.9-zipf", samples=[99.0, 100.0, 101.0], roofline_fraction=0.5)
    good.write_text(json.dumps(document(measured, **machine)), encoding="utf-8")
    wrong.write_text("{", encoding="utf-8")
    page.get_by_text("Import and export", exact=True).click()
    page.wait_for_url(re.compile("show=files"))
    page.locator('input[type="file"]').set_input_files([good, wrong])
    page.get_by_text("wrong.json").first.wait_for()
    page.get_by_role("button", name="Import", exact=True).click()
    page.get_by_text("1 runs added").wait_for(timeout=30_000)
    page.get_by_text("wrong.json: it is not JSON").wait_for()

    # The run in the table; a click opens its record, at an address of its own.
    visit(page, f"{workbench.url}/benchmarks?show=runs&device=elsewhere")
    page.wait_for_selector(GRID, timeout=20_000)
    page.get_by_text("Runs: 1.").wait_for()
    page.wait_for_timeout(500)
    grid = page.locator(GRID).first.bounding_box()
    assert grid is not None
    page.mouse.click(grid["x"] + 160, grid["y"] + 55)
    page.wait_for_url(re.compile(r"run=[0-9a-f]{32}"))
    page.get_by_role("heading", name="sampling · b8-v128256-k0-p0.9-zipf").wait_for()
    page.wait_for_selector(PICTURE, timeout=20_000)
    page.get_by_text(HOSTILE).first.wait_for()  # its characters, and nothing else

    # The record as a file holds the run as it came.
    with page.expect_download() as download:
        page.get_by_role("button", name="Download as JSON").click()
    kept = tmp_path / "kept.json"
    download.value.save_as(kept)
    assert json.loads(kept.read_text(encoding="utf-8"))["runs"] == [measured]

    # Roofline and history of that device, by their addresses, in Chinese.
    for section, told in (("roofline", "占设备实测上限的比例"), ("history", "逐次运行")):
        visit(page, f"{workbench.url}/benchmarks?show={section}&device=elsewhere&lang=zh")
        page.wait_for_selector(PICTURE, timeout=20_000)
        page.wait_for_selector(IDLE)
        assert told in page.content()
    assert refused == []
    assert_nothing_left(requests, workbench)
