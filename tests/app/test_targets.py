"""A second target: its own relevance and engine state, shown, corrected and exported."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import Engine

from analyzers.targets import load_target
from app.errors import AssayError, UsageError
from app.workflows.correct import set_facts
from app.workflows.labels import export_labels
from app.workflows.paper import show_paper
from app.workflows.ranking import list_papers
from app.workflows.target_facts import field_of, for_target, split_field
from db.engine import session_scope
from db.queries import claims as claim_queries
from db.queries import facts as fact_queries


def test_names_of_fields() -> None:
    assert field_of("relevance", "llama.cpp") == "relevance"
    assert field_of("relevance", "vllm") == "relevance.vllm"
    assert split_field("in_target.my.engine") == ("in_target", "my.engine")
    assert split_field("report.line") == ("report.line", "llama.cpp")
    rows = {"relevance": 1, "relevance.vllm": 2, "in_target.mine": 3, "technique": 4}
    assert for_target(rows, "vllm") == {"relevance": 2, "technique": 4}
    assert for_target(rows, "llama.cpp") == {"relevance": 1, "technique": 4}


def test_the_second_target_ranks_by_its_own_facts(catalog: Engine) -> None:
    target = load_target("vllm")
    with session_scope(catalog) as session:
        here = {row["paper_id"]: row for row in list_papers(session)}
        there = {row["paper_id"]: row for row in list_papers(session, target="vllm")}
    for paper_id, row in there.items():
        entry = target.engine_state(paper_id)
        assert entry is not None
        assert row["relevance"] == entry.relevance
        assert row["in_target"] == entry.state.value
    assert there["marlin"]["recommendation"] == "already_there"
    assert here["marlin"]["recommendation"] != "already_there"
    assert there["teal"]["recommendation"] == "not_recommended"
    assert there["teal"]["rank"] > there["kv_compress"]["rank"]


def test_a_correction_is_one_target_s(catalog: Engine) -> None:
    with session_scope(catalog) as session:
        set_facts(session, "sage", {"relevance.vllm": "0.9"}, why="long prompts", who="Ada")
        set_facts(session, "sage", {"in_target.vllm": "partial"}, why="a fork", who="Ada")
        rows = {
            target: next(
                row for row in list_papers(session, target=target) if row["paper_id"] == "sage"
            )
            for target in ("llama.cpp", "vllm")
        }
        shown = show_paper(session, "sage", target="vllm")
    assert (rows["vllm"]["relevance"], rows["vllm"]["in_target"]) == (0.9, "partial")
    assert (rows["llama.cpp"]["relevance"], rows["llama.cpp"]["in_target"]) == (0.35, "no")
    assert shown["facts"]["relevance"]["source"] == "person"
    assert shown["facts"]["in_target"]["value"] == "partial"
    assert "relevance.vllm" not in shown["facts"]


@pytest.mark.parametrize("field", ["relevance.abacus", "technique.vllm", "title"])
def test_no_such_field(catalog: Engine, field: str) -> None:
    with session_scope(catalog) as session, pytest.raises(UsageError, match="can't be set"):
        set_facts(session, "sage", {field: "0.5"}, why="so", who="Ada")


def test_corrections_become_labels_that_the_evaluation_reads(
    catalog: Engine, tmp_path: Path
) -> None:
    from analyzers.evaluate import evaluate
    from analyzers.evaluation.labels import read_corpus

    folder = tmp_path / "labels"
    with session_scope(catalog) as session:
        with pytest.raises(AssayError, match="no corrections"):
            export_labels(session, folder)
        values = {
            "technique": "kv_cache",
            "complexity": "medium",
            "relevance": "0.4",
            "relevance.vllm": "0.6",
            "hardware": "RTX 4090, Apple M2 Ultra",
            "code_url": "",
            "in_target": "no",
        }
        set_facts(session, "sage", values, why="read again", who="Ada")
        before = fact_queries.overrides(session, "teal")
        exported = export_labels(session, folder)
    assert before == []
    assert exported.papers == 1
    assert exported.without_file == ("sage",)
    corpus = read_corpus(folder)
    label = dict(corpus.facts["sage"])
    assert label.pop("title").startswith("SageAttention")
    assert label == {
        "technique": "kv_cache",
        "complexity": "medium",
        "relevance": {"llama.cpp": 0.4, "vllm": 0.6},
        "hardware_measured": ["RTX 4090", "Apple M2 Ultra"],
        "code_url": None,
    }
    analysis = {
        "technique": {"primary": "attention"},
        "complexity": {"level": "medium", "integration": "local"},
        "relevance": {"target": "vllm", "value": 0.5},
        "hardware": ["RTX 4090", "M2 Ultra"],
        "code_url": None,
    }
    figures = evaluate(corpus, {"sage": analysis}, places=False)["facts"]
    assert (figures["technique"], figures["complexity"], figures["hardware"]) == (0, 1, 1)
    assert (figures["code_url"], figures["relevance_near"]) == (1, 1)


def test_an_export_is_written_over_and_other_files_stay(catalog: Engine, tmp_path: Path) -> None:
    (tmp_path / "labels.json").write_text('{"mine": {"technique": "moe"}}', encoding="utf-8")
    with session_scope(catalog) as session:
        for level in ("low", "high"):
            set_facts(session, "teal", {"complexity": level}, why="tried it", who="Ada")
            export_labels(session, tmp_path)
        assert not any(
            row.source == "person" for rows in claim_queries.rows(session).values() for row in rows
        )
    written = json.loads((tmp_path / "labels_catalog.json").read_text(encoding="utf-8"))
    assert written["teal"]["complexity"] == "high"
    assert "mine" in (tmp_path / "labels.json").read_text(encoding="utf-8")
    assert not (tmp_path / "claims_catalog.jsonl").exists()


def test_a_note_of_three_sentences_stays_behind_papers(catalog: Engine, tmp_path: Path) -> None:
    from app.workflows.add import add_sources

    note = tmp_path / "note.md"
    note.write_text(
        "# Swift: Fast Drafts for llama.cpp\n\n## Abstract\n\nWe propose Swift, a training-free"
        " draft model for llama.cpp on consumer GPUs. Swift is 2.9x faster than vLLM at batch size"
        " 1. It is plug-and-play and needs no changes to the model.\n",
        encoding="utf-8",
    )
    summary = add_sources(catalog, [str(note)])
    (paper_id,) = summary.added
    with session_scope(catalog) as session:
        rows = {row["paper_id"]: row for row in list_papers(session)}
        shown = show_paper(session, paper_id)
    assert rows[paper_id]["score"] < rows["marlin"]["score"]
    assert rows[paper_id]["rank"] > 2
    doubts = shown["belief"]["headline"]["doubts"]
    assert any("only an abstract or a short text" in doubt for doubt in doubts)
    assert any("no evaluation" in doubt for doubt in doubts)
    assert shown["facts"]["trust"]["value"] == 0.25
    assert len(shown["facts"]["trust"]["reasons"]) == 2
