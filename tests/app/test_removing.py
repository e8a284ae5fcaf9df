"""Removing a paper loses nothing: it comes back with all that was known of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from app import home
from app.errors import UsageError
from app.workflows import correct, removing
from app.workflows.add import add_sources
from app.workflows.opening import create_catalog
from app.workflows.paper import show_paper
from db.engine import read_scope, session_scope
from db.errors import CatalogError
from db.models import Note
from db.queries import search
from tests.app.conftest import Assay

NOTE = """# QuickKV: a kernel for small caches

## Abstract

We present a kernel for attention over a quantized KV cache on consumer GPUs. It decodes 2.0x
faster than FlashAttention-2 on an RTX 4090 at batch size 1. Accuracy drops by 0.1 % on MMLU.
"""


@pytest.fixture
def filled(catalog: Engine, tmp_path: Path) -> Engine:
    file = tmp_path / "quickkv.md"
    file.write_text(NOTE, encoding="utf-8")
    (paper_id,) = add_sources(catalog, [str(file)]).added
    for paper in (paper_id, "sage"):
        with session_scope(catalog) as session:
            correct.set_facts(session, paper, {"relevance": "0.9"}, why="ours", who="Ada")
            correct.add_note(session, paper, "zebra crossing", who="Ada")
            correct.set_status(session, paper, "shortlisted", who="Ada")
    return catalog


def known(engine: Engine, paper: str) -> dict[str, Any]:
    with read_scope(engine) as session:
        return show_paper(session, paper)


def found(engine: Engine, words: str) -> set[str]:
    with read_scope(engine) as session:
        return {hit.paper_id for hit in search.find(session, words)}


@pytest.mark.parametrize("paper", ["quickkv", "sage"])
def test_what_was_removed_comes_back_whole(filled: Engine, paper: str) -> None:
    with read_scope(filled) as session:
        ids = [n.paper_id for n in session.scalars(select(Note))]
    paper_id = next(i for i in ids if i.startswith(paper))
    before = known(filled, paper_id)
    assert before["notes"]
    assert before["overrides"]
    with session_scope(filled) as session:
        assert removing.remove_papers(session, [paper_id]) == [paper_id]
    assert paper_id not in found(filled, "zebra")
    create_catalog()[0].dispose()  # a seed paper stays away
    with session_scope(filled) as session:  # its numbers are taken meanwhile
        correct.add_note(session, "teal", "another", who="Bela")
        assert removing.restore_papers(session, [paper_id]) == [paper_id]
    after = known(filled, paper_id)
    for part in ("paper", "row", "facts", "claims", "score", "breakdown", "overrides", "history"):
        assert after[part] == before[part], part
    assert [n["text"] for n in after["notes"]] == [n["text"] for n in before["notes"]]
    assert paper_id in found(filled, "zebra")
    with pytest.raises(CatalogError, match="is in the catalog"), session_scope(filled) as session:
        removing.restore_papers(session, [paper_id])


def test_from_the_command_line(filled: Engine, assay: Assay) -> None:
    done = assay("remove", "sage", "2408.14690")
    assert done.out.split() == ["removed", "sage", "removed", "teal"]
    back = assay("remove", "--undo", "sage", "2408.14690")
    assert (back.status, back.out.split()) == (0, ["restored", "sage", "restored", "teal"])
    again = assay("remove", "--undo", "sage")
    assert again.status != 0
    assert "is in the catalog" in again.err


def test_wrong_input_is_a_sentence(filled: Engine) -> None:
    (home.removed_folder() / "20260101T000000000000Z-x.json").write_text("{", encoding="utf-8")
    with (
        pytest.raises(UsageError, match="No paper 'nothing' was removed here"),
        session_scope(filled) as session,
    ):
        removing.restore_papers(session, ["nothing"])
