"""`assay watch …`: what it prints, and what it says when something is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from sqlalchemy import Engine

from tests.analyzers.arxiv_server import Entry, Replica, replica
from tests.app.arxiv import publish
from tests.app.conftest import Assay

HOSTILE = "<script>alert(1)</script> & [x](javascript:1) \x1b[2J\x00\u202e $y$ ]]> " + "long " * 400
ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Replica]:
    with replica() as state:
        monkeypatch.setenv("ASSAY_ARXIV_URL", f"{state.url}/api/query")
        state.papers.clear()
        yield state


def test_add_list_run_remove(catalog: Engine, server: Replica, assay: Assay) -> None:
    publish(server, "2412.90001", "Fast Caches for Everyone")
    assert assay("watch", "add", "kv", "--query", 'abs:"KV cache"', "--every", "week").status == 0
    [listed] = assay("watch", "list", "--json").json
    assert (listed["name"], listed["every"], listed["result"]) == ("kv", "week", None)
    run = assay("watch", "run", "--json")
    assert run.status == 0
    assert [paper["paper_id"] for paper in run.json[0]["new"]] == ["2412.90001"]
    assert "1 new" in run.err
    again = assay("watch", "run", "kv")
    assert (again.status, again.out) == (0, "")
    assert "0 new" in again.err
    assert "1 new" not in assay("watch", "list").out
    assert assay("watch", "pause", "kv").status == 0
    assert assay("watch", "list", "--json").json[0]["paused"]
    assert "No watch to run" in assay("watch", "run").err
    assert assay("watch", "resume", "kv").status == 0
    assert assay("watch", "remove", "kv").out == "removed  kv\n"
    assert assay("watch", "list", "--json").json == []
    assert assay("list", "--json").json[-1]["rank"] == 11  # its papers stay


def test_offline_is_one_sentence(catalog: Engine, assay: Assay) -> None:
    for name in ("a", "b"):
        assay("watch", "add", name, "--query", "abs:cache")
    output = assay("watch", "run")
    assert (output.status, output.out) == (1, "")
    assert output.err.count("\n") == 1
    assert output.err.startswith("Error: a, b: arXiv can't be reached")


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (["add", "kv", "--query", " "], 1, "The query is empty"),
        (["add", "-- ", "--query", "x"], 2, ""),
        (["add", "x" * 61, "--query", "x"], 1, "name of 1 to 60"),
        (["add", "kv", "--query", "x", "--every", "hour"], 2, "day or week"),
        (["add", "kv", "--query", "x", "--most", "0"], 2, ""),
        (["run", "kv"], 1, "There is no watch 'kv'"),
        (["remove", "kv"], 1, "There is no watch 'kv'"),
        (["digest", "--since", "yesterday"], 2, "is no day"),
        (["digest", "--format", "rss"], 2, "no digest format 'rss'"),
        (["digest", "--lang", "fr"], 2, "no language 'fr'"),
    ],
)
def test_what_is_wrong_is_said(
    arguments: list[str], status: int, told: str, catalog: Engine, assay: Assay
) -> None:
    output = assay("watch", *arguments)
    assert output.status == status, output
    assert told in output.err
    assert "Traceback" not in output.err


def test_a_name_is_taken_once(catalog: Engine, assay: Assay) -> None:
    assert assay("watch", "add", "kv", "--query", "abs:a").status == 0
    assert "already" in assay("watch", "add", " kv ", "--query", "abs:b").err
    assay("watch", "remove", "kv")
    assert assay("watch", "add", "kv", "--query", "abs:b").status == 0
    assert assay("watch", "list", "--json").json[0]["query"] == "abs:b"


def test_the_digest_is_the_same_twice_and_harmless(
    catalog: Engine, server: Replica, assay: Assay, tmp_path: Path
) -> None:
    publish(server, "2412.90001", "Fast Caches for Everyone")
    hostile = HOSTILE.replace("\x00", "").replace("\x1b", "")  # XML has no way to say these
    server.papers["2412.90002"] = Entry(hostile)
    assay("watch", "add", "kv", "--query", "abs:cache")
    ran = assay("watch", "run")
    assert ran.status == 0, ran
    markdown = assay("watch", "digest").out
    assert markdown == assay("watch", "digest").out
    assert "Fast Caches for Everyone" in markdown
    assert "Claims 2.4x" in markdown and "over vLLM" in markdown
    assert "<script" not in markdown
    assert not re.search(r"(?<!\\)\]\(javascript", markdown)
    assert "needs no retraining" not in markdown  # no abstract, no sentence of the paper
    assert "## 1. [" in markdown
    assert "beside the papers of the first report · rank" in markdown
    out = tmp_path / "digest.atom"
    assert assay("watch", "digest", "-o", str(out)).status == 0
    feed = out.read_bytes()
    assert assay("watch", "digest", "--format", "atom").out.encode() == feed
    root = ElementTree.fromstring(feed)
    entries = root.findall(f"{ATOM}entry")
    assert len(entries) == 2
    for element in (root, *entries):
        for name in ("id", "title", "updated"):
            [child] = element.findall(f"{ATOM}{name}")
            assert child.text
    assert all(e.findtext(f"{ATOM}id", "").startswith("urn:uuid:") for e in entries)
    titles = {entry.findtext(f"{ATOM}title", "") for entry in entries}
    assert any("<script>" in title for title in titles)  # as text
    assert b"<script" not in feed
    links = [e.find(f"{ATOM}link").get("href", "") for e in entries]  # type: ignore[union-attr]
    assert sorted(links) == [f"https://arxiv.org/abs/2412.9000{n}v1" for n in (1, 2)]
    chinese = assay("watch", "digest", "--lang", "zh").out
    assert "新论文" in chinese
    assert "Nothing new" in assay("watch", "digest", "--since", "2100-01-01").out


def test_a_digest_of_nothing(catalog: Engine, assay: Assay) -> None:
    assert "Nothing new." in assay("watch", "digest").out
    ElementTree.fromstring(assay("watch", "digest", "--format", "atom").out)
