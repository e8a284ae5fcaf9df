"""Texts, numbers and searches that one database or the other can't hold: kept, or a sentence."""

from __future__ import annotations

import random
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from app.errors import reason_of
from app.workflows import correct
from app.workflows.add import add_sources
from app.workflows.ranking import list_papers
from app.workflows.search import search_papers
from db.dialects import POSTGRES
from db.engine import session_scope
from db.queries import files, jobs, papers
from db.queries.files import FileRow
from tests.analyzers.papers import MARKDOWN
from tests.app.conftest import Assay
from tests.hostile.test_hostile_text import add, analysis_of

pytestmark = pytest.mark.both
CHANCE = random.Random(0)
LONG = "".join(CHANCE.choices(string.ascii_letters + string.digits, k=9_000))
"""One word that no compression makes shorter: indexes of PostgreSQL take 2.7 kB."""
MANY = " ".join("".join(CHANCE.choices(string.ascii_lowercase, k=9)) for _ in range(6_000))
"""A book's words as a title; what is more than a `tsvector` holds is in tests/db/test_postgres."""
IDEOGRAMS = "".join(chr(0x4E00 + CHANCE.randrange(20_000)) for _ in range(3_000))
TEXTS = {
    "long": LONG, "many words": MANY, "ideograms": IDEOGRAMS, "zero bytes": "a\0b \0 \0c",
    "no characters": "\uffff \ufdd0 \U0010ffff \ue000\ue001", "escapes": r"\u0000 \ud800 \N \. \\",
}  # fmt: skip


def test_a_paper_of_such_words_is_kept_and_found(catalog: Engine, tmp_path: Path) -> None:
    for name, words in TEXTS.items():
        paper = add(catalog, tmp_path, f"{name} {words}")
        kept = f"{name} {words}"
        if catalog.dialect.name == POSTGRES:
            kept = kept.replace("\0", "\ufffd")
        with session_scope(catalog) as session:
            assert papers.get(session, paper).title == kept
            correct.add_note(session, paper, f"note {words}", who=words[:300])
            correct.set_facts(session, paper, {"hardware": words}, who="A", why=words)
        with session_scope(catalog) as session:
            assert paper in {hit["paper_id"] for hit in search_papers(session, f'"{name}"')}
            assert papers.get_by_any_id(session, kept).id == paper


SEARCHES = {
    "attention": True, "attention & !kernel": False, "attention:*": True, "attention <-> x": False,
    "'attention'": True, '"attention': True, '"attention" OR 1=1': False, "attention|zebra": False,
    "attention\\": True, "\\'attention": True, "(attention": True, "attention)": True,
    "NEAR(attention)": False, "text:attention": False, "attention\0": True, "^attention": True,
    "attention*": True, "at%ention": False, "att_ntion": False, "attention -- ;": True,
    "attention:1A": False, "$$attention$$": True, "{attention}": True,
    "attention " + "(" * 999: True,
}  # fmt: skip
"""What means something in a search language, and whether papers are found by the words in it."""


def test_nothing_in_a_search_is_syntax(catalog: Engine) -> None:
    with session_scope(catalog) as session:
        for query, is_found in SEARCHES.items():
            assert bool(search_papers(session, query)) is is_found, query
        for query in (LONG, MANY, IDEOGRAMS, f'"{MANY}"', f'"{IDEOGRAMS}"'):
            assert search_papers(session, query) == []


HALF = "half \udcff of a sign"


def test_half_a_sign_in_an_argument_is_one_sentence(catalog: Engine, assay: Assay) -> None:
    for command in (
        ("note", "sage", HALF), ("show", HALF), ("search", HALF), ("note", HALF, "x"),
        ("set", "sage", "relevance=0.7", "--why", HALF),
        ("set", "sage", "relevance=0.7", "--why", "x", "--who", HALF),
        ("watch", "add", HALF, HALF), ("refresh", HALF), ("remove", HALF),
        ("list", "--search", HALF),
    ):  # fmt: skip
        told = assay(*command)
        assert "unexpected" not in told.err, (command, told.err)
        assert "Traceback" not in told.err, command
        assert len(told.err.splitlines()) <= 6, told.err


def test_numbers_that_are_too_large_are_a_sentence(catalog: Engine) -> None:
    for number in (2**31, 2**62, 2**63, 10**40):
        for write in (
            lambda session, n: files.remember(session, FileRow(f"{n}", None, "p", n, "r", None)),
            lambda session, n: files.of_version(session, "2401.06706", n, "r"),
            lambda session, n: correct.remove_note(session, n, who="A"),
            lambda session, n: correct.revert_fact(session, n, who="A"),
            lambda session, n: jobs.create(session, kind="k", spec={}, total=n),
        ):
            try:
                with session_scope(catalog) as session:
                    write(session, number)
            except Exception as error:
                assert reason_of(error) is not None, error


def test_what_the_catalog_cannot_hold_keeps_no_other_paper_out(
    catalog: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if a reader lied: numbers of 400 digits, none at all, and texts where numbers are."""
    odd = {"huge": 10**400, "none": float("nan"), "text": "2.0x", "list": [1, 2], "lost": None}
    files = [tmp_path / f"{name}.md" for name in ("a", *odd, "z")]
    for file in files:
        file.write_text(MARKDOWN.replace("# ", f"# {file.stem} ", 1))

    def lying(paths: Iterator[str], **_: Any) -> Iterator[dict[str, Any]]:
        for path in paths:
            name = Path(path).stem
            analysis = analysis_of(f"title {name}", name) | {"source": path}
            if name in odd:
                analysis["claims"][0]["value"] = odd[name]
                analysis["document"]["pages"] = odd[name]
            yield analysis

    monkeypatch.setattr("analyzers.isolation.analyze_files", lying)
    summary = add_sources(catalog, list(map(str, files)))
    assert {"title_a", "title_z"} <= set(summary.added)
    assert len(summary.added) + len(summary.failed) == len(files)
    assert {"huge.md", "list.md"} <= {Path(failure.source).name for failure in summary.failed}
    with session_scope(catalog) as session:
        assert {"title_a", "title_z"} <= {row["paper_id"] for row in list_papers(session)}
