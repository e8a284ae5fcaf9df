from __future__ import annotations

import re

import bibtexparser
import pytest
from sqlalchemy.orm import Session

from app.reports.formats.bibtex import escape
from app.workflows.report import build_report, render
from db.models import Paper
from tests.app.reports.small_catalog import NOW


def library(session: Session, language: str = "en") -> bibtexparser.Library:
    text = render(session, format="bibtex", language=language, now=NOW).decode()
    found = bibtexparser.parse_string(text)
    assert not found.failed_blocks
    return found


@pytest.mark.parametrize("language", ["en", "zh"])
def test_each_paper_is_an_entry(session: Session, language: str) -> None:
    model = build_report(session, now=NOW)
    entries = library(session, language).entries
    assert [entry.key for entry in entries] == [row.paper_id for row in model.ranking]
    quick = next(entry for entry in entries if entry.key == "quick")
    assert quick["title"] == "{Quick: Sampling without Sorting}"
    assert quick["author"] == "Ann One and Bo Two"
    assert quick["eprint"] == "2501.00001v2"
    assert quick["year"] == "2025"
    assert ("名" in quick["note"]) == (language == "zh")


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("100% of $x_1$ & #2", r"100\% of \$x\_1\$ \& \#2"),
        (r"\input{x}", r"\textbackslash{}input\textbraceleft{}x\textbraceright{}"),
        ("a~b^c", r"a\textasciitilde{}b\textasciicircum{}c"),
        ("}}}", r"\textbraceright{}" * 3),
    ],
)
def test_what_latex_reads_is_spelled_out(text: str, written: str) -> None:
    assert escape(text) == written


def test_hostile_text_is_a_field(session: Session, hostile: str) -> None:
    entries = library(session).entries
    assert len(entries) == 3
    entry = next(entry for entry in entries if entry.key == "quick")
    assert "url" not in entry
    for name in ("title", "author", "howpublished", "note"):
        value = entry[name]
        depth = 0
        for mark in value:
            depth += (mark == "{") - (mark == "}")
            assert depth >= 0
        assert depth == 0
        commands = set(re.findall(r"\\([A-Za-z]+)", value))
        assert commands <= {
            "textbackslash", "textbraceleft", "textbraceright", "textasciitilde", "textasciicircum",
        }  # fmt: skip
    # Two authors, whatever their names say: braces hide an "and" that is part of one.
    assert re.sub(r"\{[^{}]*\}", "", entry["author"]).count(" and ") == 1


def test_keys_are_plain_and_differ(session: Session) -> None:
    for number, name in enumerate(["a b,{c}", "a-b-c-", "A b c"]):
        session.add(Paper(id=name, title=f"Title {number}", authors=[]))
    session.flush()
    from app.workflows.triage import rescore

    rescore(session, {"kind": "reading", "ref": "current"})
    keys = [entry.key for entry in library(session).entries]
    assert len(keys) == len({key.lower() for key in keys}) == 6
    assert all(re.fullmatch(r"[A-Za-z0-9_.:-]+", key) for key in keys)
