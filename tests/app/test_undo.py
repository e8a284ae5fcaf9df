"""Undoing: every edit of a paper can be taken back, and what was there before is there again."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.errors import UsageError
from app.workflows import correct
from app.workflows.paper import show_paper
from app.workflows.undo import changes, newest, undo
from db import seed
from db.engine import session_scope
from db.errors import CatalogError
from db.queries import edits, notes, papers, prototype_links
from tests.app.conftest import Assay

pytestmark = pytest.mark.both


def score(session: Session, paper: str = "sage") -> float:
    return float(show_paper(session, paper)["row"]["score"])


def test_a_correction_is_undone_and_stays_on_record(catalog: Engine) -> None:
    with session_scope(catalog) as session:
        before = score(session)
        correct.set_facts(session, "sage", {"relevance": "0.9"}, why="asked for", who="Ada")
        ref = newest(session, "sage")
        assert score(session) > before
        done = undo(session, ref, who="Bela")
        assert (done.paper_id, done.kind, done.told) == ("sage", "correction", "relevance = 0.9")
        assert any(
            m.kind == "believed" and m.after == pytest.approx(before, abs=1e-3) for m in done.moves
        )
        assert score(session) == before
        (change,) = changes(session, "sage")
        assert (change["who"], change["why"], change["undone_by"]) == ("Ada", "asked for", "Bela")
        assert (change["before"], change["value"]) == (0.35, 0.9)
        assert not change["can_undo"]
        with pytest.raises(CatalogError):
            undo(session, ref, who="Bela")


def test_undoing_the_older_of_two_corrections_leaves_the_newer(catalog: Engine) -> None:
    with session_scope(catalog) as session:
        correct.set_facts(session, "sage", {"relevance": "0.5"}, why="first", who="Ada")
        first = newest(session, "sage")
        correct.set_facts(session, "sage", {"relevance": "0.7"}, why="second", who="Ada")
        second = newest(session, "sage")
        assert [(c["before"], c["value"]) for c in changes(session, "sage")] == [
            (0.5, 0.7),
            (0.35, 0.5),
        ]
        undo(session, first, who="Ada")
        assert show_paper(session, "sage")["facts"]["relevance"]["value"] == 0.7
        undo(session, second, who="Ada")
        assert show_paper(session, "sage")["facts"]["relevance"]["value"] == 0.35


def test_a_status_is_undone_unless_it_was_changed_since(catalog: Engine) -> None:
    with session_scope(catalog) as session:
        correct.set_status(session, "sage", "shortlisted", who="Ada")
        first = newest(session, "sage")
        correct.set_status(session, "sage", "building", who="Ada")
        correct.set_status(session, "sage", "building", who="Ada")  # no edit: nothing changed
        second = newest(session, "sage")
        assert [c["can_undo"] for c in changes(session, "sage")] == [True, False]
    with pytest.raises(UsageError, match="changed again since"), session_scope(catalog) as session:
        undo(session, first, who="Ada")
    with session_scope(catalog) as session:
        undo(session, second, who="Ada")
        assert papers.get(session, "sage").status == "shortlisted"
        undo(session, newest(session, "sage"), who="Ada")
        assert papers.get(session, "sage").status == "inbox"


def test_a_note_is_taken_back_and_a_removed_one_comes_back_as_it_was(catalog: Engine) -> None:
    def kept(session: Session) -> list[tuple[str, str, str]]:
        return [(n.text, n.who, n.at) for n in notes.for_paper(session, "sage")]

    with session_scope(catalog) as session:
        correct.add_note(session, "sage", "ask about head_dim 80", who="Ada")
        before = kept(session)
        correct.remove_note(session, notes.for_paper(session, "sage")[0].id, who="Bela")
        assert kept(session) == []
        undo(session, newest(session, "sage"), who="Bela")
        assert kept(session) == before
        correct.add_note(session, "sage", "a second one", who="Ada")
        undo(session, newest(session, "sage"), who="Ada")
        assert kept(session) == before


def test_what_another_one_did_meanwhile_is_seen(catalog: Engine) -> None:
    with session_scope(catalog) as session:
        correct.add_note(session, "sage", "ask about head_dim 80", who="Ada")
        (note,) = notes.for_paper(session, "sage")
        correct.add_note(session, "sage", "a second one", who="Ada")
        ref = newest(session, "sage")
    # What each of the slow ones read stays in their hands while the fast one acts.
    slow = [Session(catalog, expire_on_commit=False) for _ in range(3)]
    edit, held = edits.get(slow[0], int(ref.partition(":")[2])), notes.get(slow[1], note.id)
    paper = papers.get(slow[2], "sage")
    for session in slow:
        session.commit()
    with session_scope(catalog) as fast:
        undo(fast, ref, who="Bela")
        correct.remove_note(fast, note.id, who="Bela")
        correct.set_status(fast, "sage", "shortlisted", who="Bela")
    with slow[0], pytest.raises(CatalogError, match="undone already"):
        edits.mark_undone(slow[0], edit, "Ada")
    with slow[1], pytest.raises(CatalogError, match="no note"):
        correct.remove_note(slow[1], held.id, who="Ada")
    with slow[2]:
        correct.set_status(slow[2], paper.id, "building", who="Ada")
        slow[2].commit()
    with session_scope(catalog) as session:
        change = changes(session, "sage")[0]
        assert (change["before"], change["value"]) == ("shortlisted", "building")


@pytest.mark.parametrize("ref", ["", "fact", "fact:", "fact:x", "edit:-1", "score:1", "fact:1:2"])
def test_a_reference_that_is_none_is_refused(ref: str, catalog: Engine) -> None:
    with session_scope(catalog) as session, pytest.raises(UsageError):
        undo(session, ref, who="Ada")


@pytest.mark.parametrize("ref", ["fact:999999", "edit:999999"])
def test_an_edit_that_is_not_there_is_said(ref: str, catalog: Engine) -> None:
    with session_scope(catalog) as session, pytest.raises(CatalogError):
        undo(session, ref, who="Ada")


def test_only_a_persons_word_can_be_undone(catalog: Engine) -> None:
    with session_scope(catalog) as session:
        seeded = show_paper(session, "sage")["facts"]["relevance"]["id"]
        with pytest.raises(CatalogError):
            undo(session, f"fact:{seeded}", who="Ada")


def links(session: Session) -> Any:
    return prototype_links.prototypes(session).get("teal", [])


def test_a_link_survives_the_seed_and_is_undone(catalog: Engine) -> None:
    with session_scope(catalog) as session:
        correct.set_facts(session, "teal", {"prototype.sampling": "linked"}, why="try", who="Ada")
        assert links(session) == ["sampling", "teal"]
        assert "teal" in [p.id for p in prototype_links.of_prototype(session, "sampling")]
        correct.set_facts(
            session, "sampling", {"prototype.sampling": "unlinked"}, why="no", who="A"
        )
        seed.load(session)
        assert links(session) == ["sampling", "teal"]
        assert "sampling" not in prototype_links.prototypes(session)
        assert [c["kind"] for c in changes(session, "teal")] == ["link"]
        undo(session, newest(session, "teal"), who="Ada")
        undo(session, newest(session, "sampling"), who="Ada")
        assert links(session) == ["teal"]
        assert prototype_links.prototypes(session)["sampling"] == ["sampling"]


def test_a_prototype_that_is_not_there_cannot_be_linked(catalog: Engine) -> None:
    with session_scope(catalog) as session:
        for field, value in (("prototype.none", "linked"), ("prototype.sampling", "yes")):
            with pytest.raises(UsageError):
                correct.set_facts(session, "sage", {field: value}, why="try", who="Ada")
        with pytest.raises(UsageError):
            correct.set_facts(session, "sage", {"prototype.": "linked"}, why="try", who="Ada")


def test_the_command_line_undoes(catalog: Engine, assay: Assay) -> None:
    assert assay("set", "sage", "relevance=0.9", "complexity=low", "--why", "so").status == 0
    undone = assay("set", "sage", "relevance", "--undo")
    assert undone.status == 0
    assert "undone  relevance = 0.9" in undone.out
    assert "believed score" in undone.out
    assert "complexity = low" in assay("set", "sage", "--undo").out
    nothing = assay("set", "sage", "--undo")
    assert nothing.status == 2
    assert "nobody changed sage" in nothing.err
    assert "relevance of sage was not corrected" in assay("set", "sage", "relevance", "--undo").err
    assert assay("set", "sage").status == 2
    assert assay("set", "sage", "relevance=0.9").status == 2  # a correction needs a reason
