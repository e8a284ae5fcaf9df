from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from app.errors import AssayError, UsageError
from app.reports.formats import FORMATS, load_format
from app.workflows.report import write_output, write_report
from tests.app.reports.small_catalog import NOW


def test_each_format_is_one_module() -> None:
    assert {"md", "html", "csv", "json", "bibtex"} <= set(FORMATS)
    for name in FORMATS:
        found = load_format(name)
        assert found.suffix.startswith(".")
        assert found.media_type


def test_the_name_says_the_format(session: Session, tmp_path: Path) -> None:
    page = write_report(session, tmp_path / "r.html", now=NOW)
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    text = write_report(session, tmp_path / "r", now=NOW)
    assert text.read_text(encoding="utf-8").startswith("# Priority report")
    with pytest.raises(UsageError, match="There are: bibtex, csv"):
        write_report(session, tmp_path / "r.xyz", now=NOW)
    assert not (tmp_path / "r.xyz").exists()


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    file = tmp_path / "r.md"
    file.write_text("old")
    link = tmp_path / "link.md"
    link.symlink_to(file)
    write_output(link, b"new")
    assert link.is_symlink()
    assert file.read_bytes() == b"new"
    assert sorted(p.name for p in tmp_path.iterdir() if p.name != "home") == ["link.md", "r.md"]


def test_a_failed_write_keeps_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "r.md"
    file.write_text("old")

    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(AssayError, match="No space left"):
        write_output(file, b"new")
    assert file.read_text() == "old"
    assert [p for p in tmp_path.iterdir() if p.suffix == ".part"] == []


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a folder"):
        write_output(tmp_path, b"x")
    with pytest.raises(UsageError, match="There is no folder"):
        write_output(tmp_path / "nowhere" / "r.md", b"x")


def test_a_device_is_written_to_not_replaced() -> None:
    null = Path(os.devnull)
    assert write_output(null, b"x") == null
    assert stat.S_ISCHR(null.stat().st_mode)
