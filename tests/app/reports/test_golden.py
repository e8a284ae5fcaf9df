"""The whole report of a small catalog, word by word; ASSAY_UPDATE_GOLDEN=1 writes it anew."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.reports.formats import FORMATS
from app.workflows.report import render
from db.engine import session_scope
from tests.app.reports.small_catalog import NOW

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_report_reads_as_it_did(session: Session, language: str) -> None:
    written = render(session, format="md", language=language, now=NOW).decode()
    file = GOLDEN / f"small.{language}.md"
    if os.environ.get("ASSAY_UPDATE_GOLDEN"):
        file.write_text(written, encoding="utf-8")
    assert written == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("format_", FORMATS)
def test_the_same_catalog_and_moment_give_the_same_bytes(small: Engine, format_: str) -> None:
    def once() -> bytes:
        with session_scope(small) as session:
            return render(session, format=format_, language="zh", now=NOW)

    assert once() == once()
