"""The report in docs/report is what the command writes from a fresh catalog, byte for byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.app.conftest import Assay
from tests.conftest import PROJECT

SHIPPED = PROJECT / "docs" / "report"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_shipped_report_is_today_s(
    assay: Assay, own_home: Path, tmp_path: Path, language: str
) -> None:
    assert assay("init").status == 0
    for ending in ("md", "html"):
        written = tmp_path / f"priority-report.{language}.{ending}"
        assert assay("report", "--lang", language, "-o", str(written)).status == 0
        same = written.read_bytes() == (SHIPPED / written.name).read_bytes()
        assert same, f"docs/report/{written.name} is not today's: write it again with make report"
