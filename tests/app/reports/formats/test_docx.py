from __future__ import annotations

import io
import re
import zipfile

import docx
import pytest
from lxml import etree
from sqlalchemy.orm import Session

from app.reports.text import clean
from app.workflows.report import build_report, render
from tests.app.reports.small_catalog import NOW

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


def written(session: Session, language: str = "en") -> bytes:
    return render(session, format="docx", language=language, now=NOW)


def text_of(content: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        page = etree.fromstring(archive.read("word/document.xml"))
    return "\n".join("".join(p.itertext(f"{W}t")) for p in page.iter(f"{W}p"))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_word_has_every_chapter_and_every_paper(session: Session, language: str) -> None:
    model = build_report(session, language=language, now=NOW)
    content = written(session, language)
    document = docx.Document(io.BytesIO(content))
    chapters = [p.text for p in document.paragraphs if p.style and p.style.name == "Heading 2"]
    page = render(session, format="html", language=language, now=NOW).decode()
    assert chapters == re.findall(r"<h2>(.*?)</h2>", page)
    ranking = next(table for table in document.tables if len(table.columns) == 6)
    assert [row.cells[0].text.split("\n")[0] for row in ranking.rows[1:]] == ["1", "2", "3"]
    for row, cells in zip(model.ranking, ranking.rows[1:], strict=True):
        assert row.title in "".join(cells.cells[1]._tc.itertext())
    assert document.core_properties.created == NOW
    assert document.core_properties.language == {"en": "en-US", "zh": "zh-CN"}[language]


def test_links_are_kept(session: Session) -> None:
    document = docx.Document(io.BytesIO(written(session)))
    outside = {r.target_ref for r in document.part.rels.values() if r.is_external}
    assert "https://example.org/pull/7" in outside
    assert all(address.startswith("https://") for address in outside)
    body = document.element.body
    marks = {mark.get(f"{W}name") for mark in body.iter(f"{W}bookmarkStart")}
    jumps = {link.get(f"{W}anchor") for link in body.iter(f"{W}hyperlink")} - {None}
    assert jumps
    assert jumps <= marks


def test_no_clock_is_in_the_file(session: Session) -> None:
    with zipfile.ZipFile(io.BytesIO(written(session))) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_hostile_text_is_text(session: Session, hostile: str) -> None:
    content = written(session)
    document = docx.Document(io.BytesIO(content))
    assert {r.target_ref.split(":")[0] for r in document.part.rels.values() if r.is_external} == {
        "https"
    }
    assert clean(hostile)[:60] in text_of(content)
    fields = {"fldSimple", "instrText", "object", "altChunk"}
    assert not [e for e in document.element.body.iter() if etree.QName(e).localname in fields]
