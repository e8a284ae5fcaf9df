"""What the report says, and that it says it from the catalog."""

from __future__ import annotations

import re

import pytest
from lxml import html
from markdown_it import MarkdownIt
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.errors import UsageError
from app.reports.formats import FORMATS
from app.reports.model import ReportModel
from app.workflows.correct import set_facts
from app.workflows.report import build_report, list_snapshots, render, save_snapshot
from db.engine import session_scope
from db.errors import NotFoundError
from db.models import Paper
from tests.app.reports.small_catalog import NOW, OLD

NUMBER = re.compile(r"[−-]?\d+(?:\.\d+)?")


def table_after(markdown: str, heading: str) -> list[list[str]]:
    lines = markdown[markdown.index(f"\n## {heading}") :].splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith("|"))
    rows = []
    for line in lines[first + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
    return rows


def test_every_number_of_the_ranking_is_in_the_model(session: Session) -> None:
    model = build_report(session, now=NOW)
    rows = table_after(render(session, now=NOW).decode(), "Ranking")
    assert len(rows) == len(model.ranking) == 3
    for row, cells in zip(model.ranking, rows, strict=True):
        figures = [row.rank, row.claimed, row.measured, row.move.before, row.phase]
        for figure in (row.score, row.run):
            figures += [figure.value, figure.low, figure.high] if figure else []
        known = [float(f) for f in figures if f is not None]
        if row.move.before is not None:
            known.append(float(abs(row.rank - row.move.before)))
        # The title, and the sentence of the recommendation, are the catalog's own words.
        texts = [cells[0], cells[2], cells[4], cells[5], cells[6]]
        for text in NUMBER.findall(" ".join(texts)):
            value = float(text.replace("−", "-"))
            digits = len(text.partition(".")[2])
            assert any(abs(value - k) <= 0.5001 * 10**-digits for k in known), (text, known)


def test_the_chapters_stand_in_their_order(session: Session) -> None:
    text = render(session, now=NOW).decode()
    headings = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert headings == [
        "Decision",
        "Ranking",
        "The papers one by one",
        "How the papers spread",
        "Corrections: 2025-08-06 → today",
        "Corrections by people",
        "Roadmap",
        "Not recommended, and why",
        "Insights",
        "Closing recommendations",
        "The report of 2025-08-06 as it stood",
        "Method",
        "Provenance",
        "Glossary",
        "Appendix: every claim, where it stands and what came of it",
    ]


def test_corrections_are_the_difference_of_the_readings(session: Session) -> None:
    chapter = build_report(session, now=NOW).corrections[0]
    changed = {
        (paper.paper_id, change.field): (change.before, change.after)
        for paper in chapter.papers
        for change in paper.changes
    }
    assert changed["quick", "technique"] == ("other", "sampling")
    assert changed["quick", "relevance"] == ("0.5", "0.8")
    assert changed["quick", "in_target"] == ("no", "partly")
    assert changed["dense", "recommendation"] == ("do now", "careful")
    # Equal in both readings, or only in one: nothing was corrected.
    assert ("dense", "complexity") not in changed
    assert ("dense", "risks") not in changed
    assert not [key for key in changed if key[0] == "later"]
    assert chapter.new == ("Later: A Scheme Nobody Has Tried",)
    assert [text.field for paper in chapter.papers for text in paper.texts] == ["complexity"]


def test_a_person_s_correction_moves_the_report(session: Session) -> None:
    set_facts(session, "quick", {"relevance": "0.1"}, why="we never sample", who="Mei")
    model = build_report(session, now=NOW)
    change = next(
        change
        for paper in model.corrections[0].papers
        for change in paper.changes
        if (paper.paper_id, change.field) == ("quick", "relevance")
    )
    assert (change.before, change.after, change.source) == ("0.5", "0.1", "person")
    assert change.reasons[0] == "Mei: we never sample"
    mine = model.people[-1]
    assert (mine.who, mine.why, mine.field, mine.value) == ("Mei", "we never sample", *RELEVANCE)


RELEVANCE = ("relevance", "0.1")


def test_the_old_report_is_shown_as_it_stood(session: Session) -> None:
    set_facts(session, "dense", {"relevance": "0"}, why="x", who="Mei")
    old = build_report(session, now=NOW).frozen
    assert old is not None
    # Its totals are its own, not counted from its rows.
    assert (old.papers, old.analysed) == (9, 2)
    assert [(row.rank, row.score, row.relevance) for row in old.rows] == [
        (1, 6.5, 1.0),
        (None, None, None),
    ]
    assert [(s.code, s.count) for s in old.distributions[0].shares] == [("high", 5), ("low", 4)]


def test_ranks_are_compared_with_the_last_report(small: Engine) -> None:
    with session_scope(small) as session:
        first = build_report(session, now=NOW)
        assert first.since is not None
        assert first.since.id == OLD
        assert [(r.move.listed, r.move.before) for r in first.ranking] == [
            (False, None),
            (True, None),
            (True, 1),
        ]
        assert save_snapshot(session, now=NOW) == "report-2026-03-04"
        assert save_snapshot(session, now=NOW) == "report-2026-03-04-2"
    with session_scope(small) as session:
        # The same day's report isn't what one compares with, unless it is asked for.
        assert build_report(session, now=NOW).since == first.since
        set_facts(session, "quick", {"relevance": "0.1"}, why="x", who="Mei")
        later = build_report(session, now=NOW.replace(day=9))
        assert later.since is not None
        assert later.since.id == "report-2026-03-04-2"
        assert [r.move.before for r in later.ranking] == [
            {"later": 1, "quick": 2, "dense": 3}[r.paper_id] for r in later.ranking
        ]
        assert [c.base.id for c in later.corrections] == [OLD, "report-2026-03-04-2"]
        moved = {
            (p.paper_id, c.field): (c.before, c.after)
            for p in later.corrections[1].papers
            for c in p.changes
        }
        assert moved["quick", "relevance"] == ("0.8", "0.1")
        assert ("quick", "performance") not in moved
        asked = build_report(session, since="report-2026-03-04", now=NOW)
        assert [c.base.id for c in asked.corrections] == ["report-2026-03-04"]
        assert asked.frozen == later.frozen
        assert [s["id"] for s in list_snapshots(session)][-1] == OLD


def test_of_a_long_ranking_the_top_of_then_and_now_is_compared(
    small: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.reports.earlier.COMPARED", 1)
    with session_scope(small) as session:
        ranks = {row.paper_id: row.rank for row in build_report(session, now=NOW).ranking}
        kept = save_snapshot(session, now=NOW)
        assert next(s for s in list_snapshots(session) if s["id"] == kept)["papers"] == 3
        first = min(ranks, key=ranks.__getitem__)
        set_facts(session, first, {"relevance": "0.0"}, why="x", who="Mei")
        later = build_report(session, now=NOW.replace(day=9))
        assert {r.paper_id: r.move.before for r in later.ranking} == ranks
        chapter = later.corrections[-1]
        assert chapter.base.id == kept
        assert chapter.further == 1
        changes = {p.paper_id: [c.field for c in p.changes] for p in chapter.papers}
        risen = later.ranking[0].paper_id
        assert risen != first
        assert changes[risen] == ["rank"], "of what was further down the rank alone was kept"
        assert {"rank", "score", "relevance"} <= {*changes[first]}
        text = render(session, now=NOW.replace(day=9)).decode()
        told = "Papers after the first 1 of today and of then are not compared: 1."
        assert told in text
        page = render(session, format="html", now=NOW.replace(day=9)).decode()
        assert told in page


def test_an_unknown_report_format_language_or_target_is_a_sentence(session: Session) -> None:
    with pytest.raises(NotFoundError, match=OLD):
        build_report(session, since="report-1999")
    with pytest.raises(UsageError, match="There are: bibtex, csv"):
        render(session, format="pdf2")
    with pytest.raises(UsageError, match="en or zh"):
        render(session, language="fr")
    with pytest.raises(UsageError, match=r"llama\.cpp"):
        render(session, target="nothing")


def test_an_empty_catalog_gives_a_report(session: Session) -> None:
    for paper in session.query(Paper):
        session.delete(paper)
    session.flush()
    for format_ in FORMATS:
        for language in ("en", "zh"):
            assert render(session, format=format_, language=language, now=NOW)


HOSTILE = "Fast | <script>alert(1)</script> `x`\n# [x](javascript:alert(1)) \u202e" + "&" * 2000


@pytest.fixture
def hostile(session: Session) -> Session:
    paper = session.get(Paper, "quick")
    assert paper is not None
    paper.title = HOSTILE
    paper.authors = ["<img src=x onerror=alert(1)>"]
    paper.url = "javascript:alert(1)"
    paper.arxiv_id = None
    set_facts(session, "quick", {"relevance": "0.3"}, why="<b>|\n- x", who="</style><script>")
    return session


def test_hostile_text_is_text_in_html(hostile: Session) -> None:
    page = html.document_fromstring(render(hostile, format="html", now=NOW).decode())
    assert not page.xpath("//script|//img|//iframe|//object|//link|//b")
    assert not page.xpath("//@*[starts-with(name(), 'on')]")
    assert "<script>alert(1)</script>" in page.text_content()
    assert {href.split(":")[0] for href in page.xpath("//@href") if href[0] != "#"} == {"https"}


def test_hostile_text_is_text_in_markdown(hostile: Session) -> None:
    text = render(hostile, now=NOW).decode()
    assert "<script" not in text
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    types = {t.type for t in tokens} | {c.type for t in tokens for c in t.children or []}
    assert not {"html_block", "html_inline", "image", "code_inline", "fence"} & types
    links = [c.attrGet("href") for t in tokens for c in t.children or [] if c.type == "link_open"]
    assert links
    assert all(str(link).startswith("https://") for link in links)
    assert len(table_after(text, "Ranking")) == 3
    assert all(len(row) == 7 for row in table_after(text, "Ranking"))


def all_evidence(model: ReportModel) -> set[str]:
    facts = [f for p in model.papers for f in (*p.facts, *p.engine)]
    changes = [c for chapter in model.corrections for p in chapter.papers for c in p.changes]
    texts = [t for chapter in model.corrections for p in chapter.papers for t in p.texts]
    return {e.url for item in (*facts, *changes, *texts) for e in item.evidence if e.url}


def test_evidence_is_linked_in_every_format(session: Session) -> None:
    urls = all_evidence(build_report(session, now=NOW))
    assert "https://example.org/code" in urls
    assert "https://example.org/pull/7" in urls
    page = html.document_fromstring(render(session, format="html", now=NOW).decode())
    text = render(session, now=NOW).decode()
    for url in urls:
        assert url in page.xpath("//a/@href")
        assert f"](<{url}>)" in text


def test_a_long_ranking_is_cut_and_says_so(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.reports.rendering.LISTED", 2)
    monkeypatch.setattr("app.workflows.report.SECTIONS", 1)
    text = render(session, now=NOW).decode()
    assert len(table_after(text, "Ranking")) == 2
    assert "The table shows the first 2 of 3 papers." in text
    assert "Papers further down the ranking have no section here: 2." in text
    page = html.document_fromstring(render(session, format="html", now=NOW).decode())
    assert len(page.xpath("//*[@id='ranking']//tbody/tr")) == 2
    assert len(page.xpath("//article")) == 1
    names = page.xpath("//@id")
    broken = [h for h in page.xpath("//@href") if h.startswith("#") and h[1:] not in names]
    assert not broken
