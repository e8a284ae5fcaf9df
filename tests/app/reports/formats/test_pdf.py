"""The PDF, read back by MuPDF in a process of its own, as the project does everywhere."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from app.errors import AssayError
from app.reports.formats import _fonts
from app.reports.formats.pdf import ZERO_WIDTH_SPACE, breakable
from app.workflows.report import build_report, render
from tests.app.reports.small_catalog import NOW

READ = """
import json, sys, pymupdf
document = pymupdf.open(sys.argv[1])
pages = []
for page in document:
    lines = [l for b in page.get_text("dict")["blocks"] if b["type"] == 0 for l in b["lines"]]
    words = [w for w in page.get_text("words")]
    pages.append({
        "text": page.get_text(),
        "links": [l.get("uri") for l in page.get_links() if l.get("uri")],
        "right": max((w[2] for w in words), default=0) / page.rect.width,
        "fonts": sorted({f[3].split("+")[-1] for f in page.get_fonts()}),
        "blank": page.get_pixmap(dpi=30).is_unicolor,
    })
print(json.dumps({"pages": pages, "toc": document.get_toc(), "about": document.metadata}))
"""


def read(content: bytes, folder: Path) -> dict[str, Any]:
    file = folder / "read.pdf"
    file.write_bytes(content)
    done = subprocess.run(
        [sys.executable, "-c", READ, str(file)], check=True, capture_output=True, timeout=120
    )
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


def squeezed(text: str) -> str:
    return "".join(text.replace(ZERO_WIDTH_SPACE, "").split())


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_pages_say_what_the_report_says(
    session: Session, tmp_path: Path, language: str
) -> None:
    model = build_report(session, language=language, now=NOW)
    found = read(render(session, format="pdf", language=language, now=NOW), tmp_path)
    text = squeezed("".join(page["text"] for page in found["pages"]))
    for sentence in model.decision:
        assert squeezed(sentence) in text
    for row in model.ranking:
        assert squeezed(row.title) in text
    assert not any(page["blank"] for page in found["pages"])
    assert all(page["right"] < 0.97 for page in found["pages"])
    fonts = {font for page in found["pages"] for font in page["fonts"]}
    assert any("DroidSansFallback" in font for font in fonts) or language == "en"
    assert [title for level, title, _ in found["toc"] if level == 1] == [found["about"]["title"]]
    links = {link for page in found["pages"] for link in page["links"]}
    assert "https://example.org/pull/7" in links
    assert found["about"]["creationDate"].startswith("D:20260304")


def test_hostile_text_is_text(session: Session, tmp_path: Path, hostile: str) -> None:
    found = read(render(session, format="pdf", now=NOW), tmp_path)
    assert all(page["right"] < 0.97 for page in found["pages"])
    links = {link for page in found["pages"] for link in page["links"]}
    assert {link.split(":")[0] for link in links} == {"https"}
    text = squeezed("".join(page["text"] for page in found["pages"]))
    assert "root:" not in text
    shown = {
        "markup": "<script>alert(1)</script>",
        "typst": '#read("/etc/passwd")*x*_y_$z$@ref<label>',
        "latex": "\\input{/etc/passwd}$x^2$",
        "chinese": "注意力：更快的推理",
        "long": "x" * 60,
    }
    for start in shown.values():
        if squeezed(hostile).startswith(start) or (start[0] == "x" and "xxx" in hostile):
            assert start in text


def test_long_words_may_break() -> None:
    assert breakable("short words stay as they are") == "short words stay as they are"
    broken = breakable("2410.02367/attention-speedup-fa2 " + "x" * 100)
    assert broken.replace(ZERO_WIDTH_SPACE, "") == "2410.02367/attention-speedup-fa2 " + "x" * 100
    pieces = broken.replace(" ", ZERO_WIDTH_SPACE).split(ZERO_WIDTH_SPACE)
    assert max(len(piece) for piece in pieces) <= 18
    assert breakable("注意力" * 40) == "注意力" * 40


def test_without_the_font_one_is_told_what_to_do(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_fonts, "_WRITE", "raise SystemExit(3)")
    with pytest.raises(AssayError, match="pip install --force-reinstall pymupdf-lite"):
        render(session, format="pdf", language="zh", now=NOW)
    assert not [p for p in _fonts.home.data_folder().glob("fonts/*") if p.stat().st_size]


def test_a_font_without_a_name_table_is_refused() -> None:
    with pytest.raises(ValueError, match="no name table"):
        _fonts.with_names(b"\0\1\0\0" + b"\0" * 8, "X")
