"""Every text that a person or a paper gives, through every way out: it stays text in each."""

from __future__ import annotations

import io
import re
import zipfile

import pytest
from lxml import etree, html
from markdown_it import MarkdownIt
from sqlalchemy import Engine, insert

from app.cli.output import clean as for_terminal
from app.reports.cells import FORMULA, harmless
from app.reports.formats.bibtex import escape
from app.workflows.digest import make_digest
from app.workflows.report import render
from app.workflows.triage import rescore
from db.engine import session_scope
from db.errors import RefusedError
from db.models import Paper
from db.queries import counters, notes, watches
from tests.app.conftest import Assay
from tests.hostile.texts import PIECES

MARKUP = (
    "<script>alert(1)</script><img src=x onerror=alert(2)> [c](javascript:alert(3)) "
    "![i](http://example.org/x)"
)
LATEX = r"} @misc{evil, note={\input{/etc/passwd}}} \write18{id} % \end{x} ^^5cinput{x} $x$ ~"
STEER = "\x1b[2J\x1b]0;x\x07\x9b31m\u202egnp.\u2066\x00"
FORMULAS = (
    "=1+1", "+1", "-1+1", "@SUM(1)", "\t=1", "\r=1", "\n=1", " =1", "  \t =1", "|cmd", "%x", "＝1",
    "＋1", "－1", "＠x", "\u00a0=1", "\u3000=1", "\ufeff=1", "\u200b=1", "\x00=1", '"=1', "'=1",
    ";=1", "-1e5x", "=HYPERLINK(\"http://example.org\")", "=cmd|' /C calc'!A0",
)  # fmt: skip
URL = 'https://example.org/"><script>alert(4)</script>}},note={x}\\input{y}%0a\u202e'


@pytest.fixture
def hostile(catalog: Engine, assay: Assay) -> list[str]:
    """The seed catalog, with attacks in every field that a person or a paper fills."""
    handfuls = [" ".join(PIECES[first : first + 5]) for first in range(0, 15, 5)]
    texts = [MARKUP, LATEX, STEER + "title", *FORMULAS[:6], *handfuls]
    rows = [
        {
            "id": f"h{number}", "title": f"{text}" or "x", "title_key": f"h{number}",
            "authors": [text, f"A and {text}", f"B, {text}"], "abstract": text, "url": URL,
            "published": f"2026{text}", "version": text[:20],
        }
        for number, text in enumerate(texts)
    ]  # fmt: skip
    with session_scope(catalog) as session:
        session.execute(insert(Paper), rows)
        counters.bump(session)
        for number, text in enumerate(texts):
            notes.add(session, f"h{number}", text, who=text[:80] or "x")
        watches.add(session, MARKUP[:60], f"abs:{MARKUP} {LATEX}")
        with pytest.raises(RefusedError):
            watches.add(session, "steers", f"abs:{STEER}")
        rescore(session, {"kind": "analysis", "ref": "x"}, [str(row["id"]) for row in rows])
    why = f"{MARKUP} {LATEX} {STEER} why".replace("\x00", "")
    assert assay("set", "sage", "relevance=0.7", "--why", why, "--who", why).status == 0
    return [str(row["id"]) for row in rows]


def written(catalog: Engine, name: str) -> bytes:
    with session_scope(catalog) as session:
        return render(session, format=name)


def test_no_way_out_lets_it_be_more_than_text(
    hostile: list[str], catalog: Engine, assay: Assay
) -> None:
    """One catalog for all: it takes longer to make than to look at."""
    look_at_html(written(catalog, "html").decode())
    look_at_markdown(written(catalog, "md").decode())
    look_at_csv(written(catalog, "csv").decode("utf-8-sig"))
    look_at_bibtex(written(catalog, "bibtex").decode(), len(hostile))
    look_at_word(written(catalog, "docx"))
    look_at_pdf(written(catalog, "pdf"))
    look_at_feeds(catalog)
    look_at_terminal(assay, hostile)


def steers(text: str) -> list[str]:
    return [sign for sign in text if sign in "\x1b\x07\x9b\u202e\u2066\x00"]


def look_at_html(page: str) -> None:
    tree = html.document_fromstring(page)
    assert not tree.xpath("//script|//img|//iframe|//object|//base|//form|//@onerror|//@onload")
    assert not [a for a in tree.xpath("//@href") if re.search(r"javascript:|data:|^//|[<>\"]", a)]
    assert not steers(page)


def look_at_markdown(page: str) -> None:
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(page)
    inside = [child for token in tokens for child in token.children or []]
    kinds = {token.type for token in (*tokens, *inside)}
    assert not kinds & {"html_block", "html_inline", "image", "fence", "code_block"}
    links = [str(token.attrGet("href")) for token in inside if token.type == "link_open"]
    assert not [link for link in links if "javascript" in link or "<" in link]
    assert not steers(page)


def look_at_csv(table: str) -> None:
    import csv

    rows = list(csv.reader(io.StringIO(table, newline="")))
    assert len({len(row) for row in rows}) == 1
    for cell in (cell for row in rows for cell in row):
        is_number = re.fullmatch(r"-?\d+(\.\d+)?(e[+-]?\d+)?", cell)
        assert is_number or not cell.lstrip().startswith(FORMULA), cell
        assert not steers(cell)


def look_at_bibtex(text: str, count: int) -> None:
    from bibtexparser import parse_string

    library = parse_string(text)
    assert not library.failed_blocks
    assert len(library.entries) == count + 10
    assert {entry.entry_type for entry in library.entries} == {"misc"}
    for entry in library.entries:
        assert re.fullmatch(r"[\w.:-]+", entry.key)
        for field in entry.fields:
            bare = re.sub(r"\\text\w+\{\}|\\[$&%#_]", "", str(field.value))
            assert "\\" not in bare, field
            assert bare.count("{") == bare.count("}")
    assert not steers(text)


def look_at_word(content: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in archive.namelist():
            assert not name.startswith("/")
            assert ".." not in name
        body = etree.fromstring(archive.read("word/document.xml"))
        links = etree.fromstring(archive.read("word/_rels/document.xml.rels"))
    assert not body.xpath("//*[local-name()='instrText' or local-name()='fldSimple']")
    targets = [item.get("Target", "") for item in links if item.get("TargetMode") == "External"]
    assert all(target.startswith(("http://", "https://")) for target in targets)
    assert not steers("".join(body.itertext()))


def look_at_pdf(content: bytes) -> None:
    assert content.startswith(b"%PDF-")
    for name in (b"/JavaScript", b"/JS ", b"/Launch", b"/EmbeddedFile", b"/OpenAction"):
        assert name not in content
    assert not re.search(rb"/URI\s*\((?!https?:)", content)


def look_at_feeds(catalog: Engine) -> None:
    from app.reports.digest import to_atom, to_markdown

    with session_scope(catalog) as session:
        told = make_digest(session)
    feed = to_atom(told)
    etree.fromstring(feed)
    assert b"<script" not in feed
    look_at_markdown(to_markdown(told).decode())


def look_at_terminal(assay: Assay, papers: list[str]) -> None:
    asked: list[tuple[str, ...]] = [("show", paper) for paper in papers[2:3]]
    asked += [("show", "sage"), ("list",), ("search", "script"), ("watch", "list"),
              ("watch", "digest"), ("show", "\x1b[2J\u202e"), ("target", "show", "\x1b[2J"),
              ("add", "\x1b[2J.pdf"), ("bench", "import", "\x1b[2J.json"),
              ("watch", "run", "\x1b[2J"), ("bench", "show", "\x1b[2J"), ("note", "\x1b[2J", "x"),
              ("set", "sage", "relevance=\x1b[2J", "--why", "x"),
              *(("show", paper, "--json") for paper in papers[2:3]), ("list", "--json"),
              ("search", "title", "--json"), ("list", "--\u202e\x9b.pdf"),
              ("show", "a", "b\u202e\x9b"), ("list", "--order", "\u202e\x9b")]  # fmt: skip
    for command in asked:
        told = assay(*command)
        assert not steers(told.out + told.err), command
        assert "Traceback" not in told.err


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_begins_a_formula(text: str) -> None:
    from app.reports.text import clean

    for cell in (harmless(text), harmless(clean(text))):
        bare = cell.strip("\u00a0\u3000\ufeff\u200b\x00 \t\r\n")
        assert re.fullmatch(r"[+-]?1", text) or not bare.startswith(FORMULA), cell


@pytest.mark.parametrize("text", [LATEX, *PIECES])
def test_bibtex_holds_no_command(text: str) -> None:
    bare = re.sub(r"\\text\w+\{\}|\\[$&%#_]", "", escape(text))
    assert not set(bare) & set("\\{}$&%#_~^")


@pytest.mark.parametrize(
    "sign", [chr(code) for code in (*range(32), *range(127, 160)) if code not in (9, 10)]
)
def test_no_control_sign_reaches_a_terminal(sign: str) -> None:
    assert sign not in for_terminal(f"a{sign}b")
