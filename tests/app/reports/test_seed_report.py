"""The report of the seed catalog: whole, in both languages, standing alone."""

from __future__ import annotations

import re

import pytest
from lxml import html
from sqlalchemy import Engine

from app.workflows.report import build_report, render
from db.engine import read_scope
from tests.app.reports.small_catalog import NOW

CHINESE = re.compile(r"[\u4e00-\u9fff]")
SCORES = {"flatquant": 7.0, "coupled_quant": 7.0, "int_flash": 6.5, "sage": 5.0, "kv_compress": 5.0}


def test_the_seed_s_report(catalog: Engine) -> None:
    with read_scope(catalog) as session:
        model = build_report(session, now=NOW.replace(month=12))
        page_en = render(session, format="html", now=NOW).decode()
        text_zh = render(session, language="zh", now=NOW).decode()
        page_zh = render(session, format="html", language="zh", now=NOW).decode()
    assert len(model.ranking) == len(model.papers) == 10
    assert all(paper.claims and paper.facts and paper.criteria for paper in model.papers)
    old = model.frozen
    assert old is not None
    assert (old.papers, old.analysed) == (10, 7)
    titles = {row.title: row.paper_id for row in model.ranking}
    given = {titles[row.title]: row.score for row in old.rows if row.score is not None}
    assert given == SCORES
    corrected = {paper.paper_id for paper in model.corrections[0].papers}
    assert set(SCORES) <= corrected
    _check_page(page_en, "en")
    _check_page(page_zh, "zh-Hans")
    _check_chinese(text_zh, {row.title for row in model.ranking})


def _check_page(text: str, language: str) -> None:
    page = html.document_fromstring(text)
    assert page.get("lang") == language
    assert not page.xpath("//script|//link|//img|//iframe|//@src|//base|//form")
    assert "@import" not in text
    assert "url(" not in text
    names = page.xpath("//@id")
    assert len(names) == len(set(names))
    for href in page.xpath("//@href"):
        assert href[1:] in names if href.startswith("#") else href.startswith("https://"), href
    assert len(page.xpath("//*[@id='ranking']//tbody/tr")) == 10
    assert len(page.xpath("//article")) == 10


def _check_chinese(text: str, titles: set[str]) -> None:
    plain = text.replace("\\", "")
    for heading in re.findall(r"^#+ (.*)$", plain, re.MULTILINE):
        name = re.sub(r"^\d+\. ", "", heading).rstrip("…")
        if not any(title.startswith(name) for title in titles):
            assert CHINESE.search(heading), heading
    for line in plain.splitlines():
        # What a table or a list says of its own accord, its labels, is Chinese too.
        label = re.match(r"- \*\*(.+?)\*\*", line)
        if label and not line.startswith("- **CPU"):
            assert CHINESE.search(label[1]), line


@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_sentence_is_left_unfilled(catalog: Engine, language: str) -> None:
    with read_scope(catalog) as session:
        text = render(session, language=language, now=NOW).decode()
    assert not re.findall(r"\{\w+\}|%\(\w+\)s", text)
    assert "None" not in re.sub(r"\bNone (so far|of the)\b", "", text)
