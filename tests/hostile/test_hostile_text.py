"""A paper's words stay words: in the catalog, on the pages, in reports, on a terminal, as names."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import re
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from lxml import html
from markdown_it import MarkdownIt
from sqlalchemy import Engine
from streamlit.testing.v1 import AppTest

from analyzers.analysis import analyze_file
from app.cli.output import clean as for_terminal
from app.cli.output import print_json
from app.web.components.text import clean, plain
from app.workflows.add import save_upload
from app.workflows.paper import show_paper
from app.workflows.ranking import list_papers
from app.workflows.report import render
from app.workflows.storing import Work, store_analysis
from app.workflows.triage import rescore
from db.dialects import POSTGRES
from db.engine import session_scope
from db.queries import papers
from tests.analyzers.papers import MARKDOWN
from tests.app.conftest import Assay
from tests.app.web.conftest import ENTRY
from tests.hostile.texts import PIECES, broken_text, hostile_text

COMMONMARK = MarkdownIt("commonmark").enable(["table", "strikethrough"])
SHARED = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
"""The fixtures may be shared by the examples: each adds to them."""


def analysis_of(text: str, abstract: str) -> dict[str, Any]:
    """An analysis as the contract has it, with `text` wherever a paper's words stand in it."""
    place = {"kind": "sentence", "quote": text, "page": 1, "boxes": [[10, 10, 90, 20]]}
    claim = {
        "metric": "speedup", "value": 2.0, "value_high": None, "unit": "x", "bound": "exact",
        "subject": text, "scope": "kernel", "baseline": text, "hardware": text,
        "own_result": True, "confidence": 0.9, "places": [place], **place,
    }  # fmt: skip
    return {
        "source": "x", "read": "full",
        "paper": {"arxiv_id": None, "arxiv_version": None, "title": text, "authors": [text],
                  "abstract": abstract},
        "document": {"pages": 1, "words": 9, "columns": 1, "sections": []},
        "contribution": {"text": text, "page": 1},
        "claims": [claim],
        "technique": {"primary": "attention", "secondary": [], "confidence": 0.9, "evidence": []},
        "complexity": {"level": "medium", "integration": "local", "reasons": []},
        "relevance": {"target": "llama.cpp", "value": 0.5, "reasons": []},
        "risks": [], "hardware": [text], "code_url": text,
        "seconds": {"parse": 0.0, "analyze": 0.0},
    }  # fmt: skip


_number = itertools.count()


def add(engine: Engine, folder: Path, text: str) -> str:
    """Store a hostile paper and rank it; return its id."""
    number = next(_number)
    file = folder / f"{number}.pdf"
    file.write_bytes(b"%PDF-1.7 " + str(number).encode())
    stored = store_analysis(
        engine,
        analysis_of(text, f"{number} {text}"),
        Work(file),
        content_hash=hashlib.sha256(file.read_bytes()).hexdigest(),
        rules="test",
        rivals={},
    )
    with session_scope(engine) as session:
        rescore(session, {"kind": "analysis", "ref": "test"}, [stored.paper_id])
    return stored.paper_id


@pytest.mark.both
@SHARED
@given(text=hostile_text)
@example(text=" ".join(PIECES))
def test_the_catalog_keeps_it_and_nothing_else_happens(
    catalog: Engine, tmp_path: Path, text: str
) -> None:
    with session_scope(catalog) as session:
        before = len(list_papers(session))
    paper_id = add(catalog, tmp_path, text)
    assert re.fullmatch(r"[\w.-]+", paper_id), paper_id
    with session_scope(catalog) as session:
        shown = show_paper(session, paper_id)
        json.dumps(shown, ensure_ascii=False).encode()  # what `--json` prints
        assert len(list_papers(session)) in (before, before + 1)  # a title that was there before
        kept = text.replace("\0", "\ufffd") if catalog.dialect.name == POSTGRES else text
        assert shown["claims"][0]["places"][0]["quote"] == kept
        papers.remove(session, paper_id)


@given(text=broken_text)
@example(text=" ".join(PIECES))
@settings(deadline=None)
def test_plain_text_is_what_markdown_shows(text: str) -> None:
    tokens = COMMONMARK.parse(plain(text))
    inline = [token for token in tokens if token.type == "inline"]
    children = [child for token in inline for child in token.children or []]
    assert {token.type for token in tokens} <= {"paragraph_open", "inline", "paragraph_close"}
    assert {child.type for child in children} <= {"text", "text_special"}
    assert "".join(child.content for child in children).strip() == clean(text)


@given(text=broken_text)
@settings(deadline=None)
def test_a_terminal_is_not_driven(text: str) -> None:
    printed = for_terminal(text)
    assert not [c for c in printed if unicodedata.category(c) in ("Cc", "Cf") and c not in "\n\t"]
    printed.encode()


@given(text=broken_text)
@example(text="".join(map(chr, range(0x3000))) + "\ufeff\ufff9\U000e0001\ud800")
@SHARED
def test_json_on_a_terminal_shows_what_it_holds(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    print_json([text])
    printed = capsys.readouterr().out
    assert json.loads(printed) == [text], "programs read the same"
    assert not [c for c in printed if unicodedata.category(c) in UNSEEN and c not in "\n"]


UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")


def test_a_name_that_is_no_text_costs_itself_only(
    catalog: Engine, tmp_path: Path, assay: Assay
) -> None:
    folder = tmp_path / "papers"
    folder.mkdir()
    for name in (b"caf\xe9.md", "good \u202e<b>.md".encode()):
        with open(os.path.join(os.fsencode(folder), name), "wb") as stream:  # noqa: PTH118, PTH123
            stream.write(MARKDOWN.encode())
    added = assay("add", str(folder))
    assert added.status == 1
    assert "isn't valid UTF-8" in added.err
    assert added.out.startswith("added")
    assert len(assay("list", "--json").json) == 11
    listed = assay("analyze", str(folder), "--jsonl").out.splitlines()
    assert ["error" in json.loads(line) for line in listed] == [True, False]


@SHARED
@given(name=broken_text)
@example(name="𠀀" * 300)
@example(name="..")
@example(name="")
@example(name="CON.pdf")
def test_an_uploads_name_stays_in_its_folder(own_home: Path, name: str) -> None:
    path = save_upload(name, b"content")
    assert path.parent == own_home / "papers"
    assert path.read_bytes() == b"content"
    assert re.fullmatch(r"[\w.-]+", path.name)
    assert len(path.name.encode()) < 250


@pytest.fixture
def crowd(catalog: Engine, tmp_path: Path) -> list[str]:
    """The seed catalog, and papers that have the pieces in their words; returns their ids."""
    handfuls = [PIECES[first : first + 5] for first in range(0, len(PIECES), 5)]
    texts = [f"{number} {' '.join(pieces)}" for number, pieces in enumerate(handfuls)]
    return [add(catalog, tmp_path, text) for text in (*texts, "=HYPERLINK(1)", " +1-1")]


LINKS = re.compile(r"javascript:|data:|^//|example\.org", re.I)


def test_reports_in_html_hold_no_markup_of_a_paper(crowd: list[str], catalog: Engine) -> None:
    with session_scope(catalog) as session:
        written = render(session, format="html").decode()
    page = html.document_fromstring(written)
    assert not page.xpath("//script|//img|//iframe|//object|//link|//base|//form|//@onerror")
    assert not [a for a in page.xpath("//@href") if LINKS.search(a)]
    assert "\u202e" not in written
    assert "alert(1)" in page.text_content()


def test_reports_in_markdown_hold_no_markup_of_a_paper(crowd: list[str], catalog: Engine) -> None:
    with session_scope(catalog) as session:
        written = render(session, format="md").decode()
    tokens = COMMONMARK.parse(written)
    children = [child for token in tokens for child in token.children or []]
    kinds = {token.type for token in (*tokens, *children)}
    assert not kinds & {"html_block", "html_inline", "image", "fence", "code_block"}
    links = [str(c.attrGet("href")) for c in children if c.type == "link_open"]
    assert not [link for link in links if LINKS.search(link)]
    shown = "".join(child.content for child in children)
    assert "<script>alert(1)</script>" in shown  # as its characters


PAGES: tuple[tuple[str, Callable[[AppTest], AppTest]], ...] = (
    ("ranking", lambda page: page),
    ("report", lambda page: page.switch_page("views/report.py").run()),
    ("jobs", lambda page: page.switch_page("views/jobs.py").run()),
)


def assert_plain(page: AppTest) -> None:
    """Fail where a paper's markup reached a Markdown place of the page."""
    assert not page.exception, page.exception
    for kind in ("markdown", "title", "header", "subheader", "caption", "info", "warning", "error"):
        for element in getattr(page, kind):
            unescaped = re.sub(r"\\.", "", str(element.value))
            assert "<" not in unescaped
            assert "javascript" not in " ".join(re.findall(r"\]\(([^)]*)", unescaped))
            assert ":red[" not in unescaped
            assert "$" not in unescaped
            assert "![" not in unescaped
            assert not [c for c in unescaped if c in "\u202e\u2066\x1b\x00"]
    for table in page.dataframe:  # Streamlit's own button saves it for a spreadsheet as it stands
        cells = [str(cell) for row in table.value.values for cell in row]
        assert not [cell for cell in cells if cell.startswith(("=", "+", "@"))]


@pytest.mark.parametrize("name", [name for name, _ in PAGES])
def test_pages_show_it_as_text(name: str, crowd: list[str]) -> None:
    page = AppTest.from_file(str(ENTRY), default_timeout=60).run()
    page = dict(PAGES)[name](page)
    assert_plain(page)
    if name == "ranking":
        cells = {str(cell) for row in page.dataframe[0].value.values for cell in row}
        assert {"'=HYPERLINK(1)", "'+1-1"} <= cells


@pytest.mark.parametrize("section", ["score", "claims", "facts", "history"])
def test_a_papers_page_shows_it_as_text(section: str, catalog: Engine, tmp_path: Path) -> None:
    paper = add(catalog, tmp_path, " ".join(PIECES))
    page = AppTest.from_file(str(ENTRY), default_timeout=60)
    for key, value in {"paper": paper, "view": section}.items():
        page.query_params[key] = value
    page.run()
    for key, value in {"paper": paper, "view": section}.items():
        page.query_params[key] = value
    assert_plain(page.switch_page("views/paper.py").run())
    assert "alert" in page.title[0].value


def test_the_command_line_prints_it_as_text(crowd: list[str], assay: Assay) -> None:
    listed = assay("list")
    assert listed.status == 0
    assert not [c for c in listed.out if c in "\x1b\x00\u202e"]
    for paper in crowd:
        shown = assay("show", paper)
        assert shown.status == 0
        assert not [c for c in shown.out if c in "\x1b\x00\u202e"]
        assert assay("show", paper, "--json").status == 0


@pytest.mark.parametrize("name", PIECES[::3])
def test_a_paper_is_not_found_by_what_it_is_not(name: str, catalog: Engine, assay: Assay) -> None:
    failed = assay("show", "--", name.replace("\x00", ""))
    assert failed.status == 1
    assert "Traceback" not in failed.err
    assert failed.err.count("\n") <= 2


@pytest.mark.parametrize(
    "digits", ["9" * 400, "9" * 5000, "1" + "0" * 308, "1e400", "9" * 19], ids=len
)
def test_digits_without_end_are_no_figure(digits: str, tmp_path: Path) -> None:
    file = tmp_path / "paper.md"
    claims = f"Our kernel is {digits}x faster than FP16. Our kernel is 2.5x faster than FP16."
    file.write_text(f"# A fast kernel\n\n## Abstract\n\n{claims}\n\n## Results\n\n{claims}\n")
    analysis = analyze_file(file)
    json.dumps(analysis, allow_nan=False)
    assert {claim["value"] for claim in analysis["claims"]} == {2.5}
