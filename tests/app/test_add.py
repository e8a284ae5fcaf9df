"""Adding papers from disk, and what happens when something is wrong with one of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine

from app.errors import UsageError
from app.workflows.add import add_sources, refresh_papers, save_upload
from app.workflows.correct import add_note, set_facts
from app.workflows.paper import show_paper
from app.workflows.ranking import list_papers
from db.engine import session_scope
from tests.app.conftest import Assay
from tests.conftest import CORPUS

POST = """# Turbo: Quantized Attention for Everyone

Ada Example, Bob Sample

## Abstract

We present Turbo, a 4-bit attention kernel for llama.cpp on consumer GPUs. Turbo achieves a 1.9x
speedup over FlashAttention-2 on an RTX 4090, and reduces memory by up to 40 %. Our code is at
https://github.com/example/turbo.

## Results

On an RTX 4090, Turbo is 1.9 times faster than FlashAttention-2 at batch size 1.
"""


@pytest.fixture
def post(tmp_path: Path) -> Path:
    path = tmp_path / "turbo.md"
    path.write_text(POST, encoding="utf-8")
    return path


def paper(engine: Engine, name: str) -> dict[str, object]:
    with session_scope(engine) as session:
        return show_paper(session, name)


def test_a_post_is_analysed_stored_and_ranked(catalog: Engine, post: Path) -> None:
    summary = add_sources(catalog, [str(post)])
    assert len(summary.added) == 1
    record = paper(catalog, summary.added[0])
    assert record["paper"]["title"] == "Turbo: Quantized Attention for Everyone"
    row = record["row"]
    assert row["claimed_speedup"] == pytest.approx(1.9)
    assert 1 <= row["rank"] <= 11
    claim = next(c for c in record["claims"] if c["value"] == 1.9)
    assert "1.9" in claim["places"][0]["quote"]
    assert record["history"][-1]["cause"] == "the paper was analysed"
    assert record["facts"]["technique"]["reasons"]


def test_adding_twice_is_one_paper(catalog: Engine, post: Path) -> None:
    first = add_sources(catalog, [str(post)])
    with session_scope(catalog) as session:
        set_facts(session, first.added[0], {"relevance": "0.2"}, why="no", who="Ada")
        add_note(session, first.added[0], "seen", who="Ada")
    again = add_sources(catalog, [str(post)])
    assert (again.added, again.updated, again.known) == ([], [], first.added)
    record = paper(catalog, first.added[0])
    assert record["row"]["relevance"] == 0.2
    assert [n["text"] for n in record["notes"]] == ["seen"]
    assert refresh_papers(catalog, first.added).known == first.added
    refreshed = refresh_papers(catalog, first.added, again=True)
    assert refreshed.updated == first.added
    assert paper(catalog, first.added[0])["overrides"]


def test_one_bad_file_keeps_nobody_out(catalog: Engine, post: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.pdf"
    broken.write_bytes(b"%PDF-1.7\n" + b"\x00" * 200)
    empty = tmp_path / "empty.pdf"
    empty.write_bytes(b"")
    summary = add_sources(
        catalog, [str(broken), str(post), str(empty), str(tmp_path / "nowhere.pdf")]
    )
    assert len(summary.added) == 1
    assert {Path(f.source).name for f in summary.failed} == {
        "broken.pdf",
        "empty.pdf",
        "nowhere.pdf",
    }
    assert all(f.message and "\n" not in f.message for f in summary.failed)
    with session_scope(catalog) as session:
        assert len(list_papers(session)) == 11


def test_without_a_network_it_says_so_and_the_files_go_on(catalog: Engine, post: Path) -> None:
    summary = add_sources(catalog, ["2401.06706", str(post)])
    assert len(summary.added) == 1
    assert [f.kind for f in summary.failed] == ["offline"]
    assert "Nothing was lost" in summary.failed[0].message


def test_cancelling_keeps_what_was_done(catalog: Engine, tmp_path: Path) -> None:
    files = []
    for number in range(4):
        path = tmp_path / f"{number}.md"
        path.write_text(POST.replace("Turbo", f"Turbo{number}"), encoding="utf-8")
        files.append(str(path))
    seen = []
    summary = add_sources(
        catalog,
        files,
        on_progress=lambda done, total, note: seen.append(done),
        cancelled=lambda: len(seen) >= 1,
    )
    assert 1 <= len(summary.added) < 4
    with session_scope(catalog) as session:
        assert len(list_papers(session)) == 10 + len(summary.added)


def test_nothing_to_add(catalog: Engine) -> None:
    with pytest.raises(UsageError, match="Nothing to add"):
        add_sources(catalog, [], query="  ")


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b\\c.pdf", ".hidden", "x" * 300, "…"])
def test_an_upload_stays_in_the_papers_folder(own_home: Path, name: str) -> None:
    path = save_upload(name, b"text")
    assert path.parent == own_home / "papers"
    assert path.read_bytes() == b"text"
    assert save_upload(name, b"text") == path


@pytest.mark.corpus
def test_a_seed_paper_s_own_pdf_gives_its_claims_their_places(catalog: Engine) -> None:
    before = paper(catalog, "int_flash")
    summary = add_sources(catalog, [str(CORPUS / "pdfs" / "2409.16997.pdf")])
    assert summary.updated == ["int_flash"]
    record = paper(catalog, "int_flash")
    claim = next(c for c in record["claims"] if c["key"] == "2409.16997/attention-speedup")
    assert claim["source"] == "seed"
    assert "72%" in claim["places"][0]["quote"]
    assert claim["places"][0]["page"] == 1
    assert claim["places"][0]["boxes"]
    assert record["score"]["believed"] == before["score"]["believed"]
    assert record["paper"]["title"] == before["paper"]["title"]


@pytest.mark.corpus
def test_a_paper_of_another_field_is_not_sent_to_the_bench(catalog: Engine) -> None:
    summary = add_sources(catalog, [str(CORPUS / "pdfs" / "2407.08568.pdf")])
    row = paper(catalog, summary.added[0])["row"]
    assert row["recommendation"] == "not_recommended"


def test_the_command_says_what_it_did(catalog: Engine, assay: Assay, post: Path) -> None:
    output = assay("add", str(post), "nowhere.pdf")
    assert output.status == 1
    assert output.out.startswith("added    turbo")
    assert "Error: nowhere.pdf" in output.err
    analysed = assay("analyze", str(post), "--jsonl")
    assert analysed.status == 0
    assert analysed.json["claims"]
