"""Targets as a person sees, changes, tries and undoes them, on the command line and below it."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from analyzers.facts import DeviceClass
from analyzers.targets import TargetError, load_target
from app import home
from app.errors import AssayError, UsageError
from app.workflows import settings, target_files
from app.workflows.paper import show_paper
from app.workflows.ranking import list_papers
from app.workflows.target_fields import Evidence
from app.workflows.targets import (
    create_target,
    edit_target,
    list_targets,
    notice_hand_edits,
    preview,
    show_target,
    undo_edit,
    use_target,
)
from db.engine import session_scope
from db.errors import NotFoundError
from db.queries import scores as score_queries
from tests.app.conftest import Assay

WEIGHT = {"devices.datacentre_gpu": "1"}
PROOF = Evidence("PR 5, https://example.org/pull/5", "2026-12-01")


def scores(engine: Engine, target: str | None = None) -> dict[str, float]:
    with session_scope(engine) as session:
        return {r["paper_id"]: r["score"] for r in list_papers(session, target=target)}


def test_an_edit_scores_at_once_and_the_history_names_it(catalog: Engine) -> None:
    before = scores(catalog)
    with session_scope(catalog) as session:
        done = edit_target(session, "llama.cpp", WEIGHT, why="we serve too", who="Ada")
        history = show_paper(session, "marlin", language="zh")["history"]
    after = scores(catalog)
    assert after["marlin"] > before["marlin"]
    assert ("marlin", "believed") in {(m.paper_id, m.kind) for m in done.moves}
    assert history[-1]["cause_kind"] == "target"
    assert "Ada" in history[-1]["cause"]
    assert "数据中心 GPU = 1" in history[-1]["cause"]
    edits = show_target("llama.cpp")["edits"]
    assert [(e["who"], e["why"]) for e in edits] == [("Ada", "we serve too")]
    assert edits[0]["changes"] == [
        {"field": "devices.datacentre_gpu", "before": "0.25", "after": "1"}
    ]
    with session_scope(catalog) as session:
        undo_edit(session, "llama.cpp", who="Ben")
        last = score_queries.history(session, ["marlin"], target="llama.cpp")[-1]
    assert scores(catalog) == before
    assert not target_files.own_path("llama.cpp").exists()
    assert str(last.cause["message"]["params"]["who"]) == "Ben"
    with session_scope(catalog) as session, pytest.raises(AssayError, match="no edit"):
        undo_edit(session, "llama.cpp", who="Ben")


def test_every_edit_can_be_taken_back_one_by_one(catalog: Engine) -> None:
    states = []
    with session_scope(catalog) as session:
        for weight in ("0.3", "0.4", "0.5"):
            states.append(load_target("llama.cpp", home.targets_folder()))
            values = {"devices.datacentre_gpu": weight}
            edit_target(session, "llama.cpp", values, why="so", who="Ada")
        assert list_targets()[0].edits == 3
        for state in reversed(states):
            undo_edit(session, "llama.cpp", who="Ada")
            assert load_target("llama.cpp", home.targets_folder()) == state
    undone = list((home.targets_folder() / ".versions" / "llama.cpp").glob("undone-*.toml"))
    assert len(undone) == 3  # what was taken back is kept


def test_edits_at_once_are_all_kept(catalog: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    values = {"devices.cpu": "0.9", "workload.batch": "2", "workload.prompt_tokens": "4096"}
    save = target_files.save

    def slowly(name: str, record: dict[str, Any]) -> None:
        time.sleep(0.05)  # time enough for the others to read what this one changes
        save(name, record)

    def edit(field: str) -> None:
        with session_scope(catalog) as session:
            edit_target(session, "vllm", {field: values[field]}, why="a try", who=field)

    monkeypatch.setattr(target_files, "save", slowly)
    with ThreadPoolExecutor(len(values)) as people:
        list(people.map(edit, values))
    edits = show_target("vllm")["edits"]
    assert {e["who"]: e["changes"][0]["after"] for e in edits} == values
    target = load_target("vllm", home.targets_folder())
    assert (target.devices[DeviceClass.CPU], target_files.versions("vllm")) == (0.9, 3)


def test_what_the_engine_has_is_told_with_evidence_and_keeps_what_else_is_known(
    catalog: Engine,
) -> None:
    before = load_target("vllm").engine_state("teal")
    assert before is not None
    with session_scope(catalog) as session:
        values = {"in_target.TEAL": "merged"}
        with pytest.raises(UsageError, match="needs evidence"):
            edit_target(session, "vllm", values, why="landed", who="Ada")
        early = Evidence("PR 5", "2020-01")
        with pytest.raises(UsageError, match="newest entry of teal is of"):
            edit_target(session, "vllm", values, why="landed", who="Ada", evidence=early)
        edit_target(session, "vllm", values, why="landed", who="Ada", evidence=PROOF)
        rows = {row["paper_id"]: row for row in list_papers(session, target="vllm")}
    after = load_target("vllm", home.targets_folder()).engine_state("teal")
    assert after is not None
    assert (after.date, after.relevance) == ("2026-12-01", before.relevance)
    assert after.today == before.today
    assert dict(after.evidence[0]) == {"text": "PR 5", "url": "https://example.org/pull/5"}
    assert rows["teal"]["recommendation"] == "already_there"


@pytest.mark.parametrize(
    ("field", "value", "error", "says"),
    [
        ("shares.decode", "0.9", TargetError, "parts of whole_run take 1.4"),
        ("shares.decode", "much", UsageError, "is a number, not 'much'"),
        ("shares.decode", "nan", TargetError, "isn't in 0"),
        ("shares.whole_run", "0.9", UsageError, "can't be set"),
        ("workload.batch", "1.5", UsageError, "is a number"),
        ("core_techniques", "attention, magic", UsageError, "not 'magic'"),
        ("in_target.sage", "soon", UsageError, "not 'soon'"),
        ("in_target.nothing-like-it", "no", NotFoundError, "nothing-like-it"),
        ("name", "x", UsageError, "can't be set"),
        ("devices.cpu", "1", UsageError, "says that already"),
    ],
)
def test_a_mistake_is_one_sentence_and_changes_nothing(
    catalog: Engine, field: str, value: str, error: type[Exception], says: str
) -> None:
    before = scores(catalog)
    with pytest.raises(error, match=says), session_scope(catalog) as session:
        edit_target(session, "llama.cpp", {field: value}, why="so", who="Ada", evidence=PROOF)
    with pytest.raises(UsageError, match="reason"), session_scope(catalog) as session:
        edit_target(session, "llama.cpp", WEIGHT, why=" ", who="Ada")
    assert not target_files.own_path("llama.cpp").exists()
    assert scores(catalog) == before


def test_an_edit_that_can_t_be_scored_leaves_the_file_as_it_was(
    catalog: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise AssayError("the disk is full")

    monkeypatch.setattr("app.workflows.targets.rescore", broken)
    with pytest.raises(AssayError, match="disk"), session_scope(catalog) as session:
        edit_target(session, "llama.cpp", WEIGHT, why="so", who="Ada")
    assert not target_files.own_path("llama.cpp").exists()


def test_a_preview_shows_what_the_edit_then_does_and_writes_nothing(catalog: Engine) -> None:
    values = {"in_target.marlin": "merged"}
    with session_scope(catalog) as session:
        seen = preview(session, "llama.cpp", values, evidence=PROOF)
    assert not target_files.own_path("llama.cpp").exists()
    assert [r["paper_id"] for r in seen.before] != [r["paper_id"] for r in seen.after]
    with session_scope(catalog) as session:
        edit_target(session, "llama.cpp", values, why="so", who="Ada", evidence=PROOF)
        listed = list_papers(session)
    assert [r["paper_id"] for r in listed] == [r["paper_id"] for r in seen.after]
    assert [r["score"] for r in listed] == [r["score"] for r in seen.after]


def test_one_s_own_target_begins_as_another_and_goes_its_way(catalog: Engine) -> None:
    create_target("ours", "llama.cpp", who="Ada")
    assert scores(catalog, "ours") == pytest.approx(scores(catalog))
    with session_scope(catalog) as session:
        done = edit_target(session, "ours", WEIGHT, why="so", who="Ada")
        fact = show_paper(session, "sage", target="ours")["facts"]["relevance"]
    assert {m.paper_id for m in done.moves} >= {"marlin"}
    assert scores(catalog, "ours")["marlin"] > scores(catalog)["marlin"]
    assert (fact["value"], fact["source"]) == (0.35, "seed")
    create_target("ours2", "ours", who="Ada")
    assert scores(catalog, "ours2") == scores(catalog, "ours")
    for name, says in (("ours", "already"), ("../x", "can't be"), ("Ours", "can't be")):
        with pytest.raises(UsageError, match=says):
            create_target(name, "vllm", who="Ada")
    with session_scope(catalog) as session:
        undo_edit(session, "ours2", who="Ada")
    assert "ours2" not in {view.name for view in list_targets()}


def test_the_target_in_use_is_the_one_whose_scores_are_stored(catalog: Engine) -> None:
    there = scores(catalog, "vllm")
    with session_scope(catalog) as session:
        use_target(session, "vllm", who="Ada")
    assert settings.default_target() == "vllm"
    assert scores(catalog) == there
    with session_scope(catalog) as session:
        stored = score_queries.for_target(session, "vllm", "believed")
        assert {s.paper_id for s in stored} == set(there)
        row = list_papers(session)[0]
        history = show_paper(session, row["paper_id"])["history"]
        assert list_papers(session, target="llama.cpp")[0]["rank_claimed"] is None
    assert history[0]["cause"] == "Ada chose the engine vllm"
    (home.data_folder() / settings.FILE).write_text("target = [", encoding="utf-8")
    assert settings.default_target() == "llama.cpp"


def test_the_target_in_use_can_t_be_undone_away(catalog: Engine) -> None:
    create_target("ours", "vllm", who="Ada")
    with session_scope(catalog) as session:
        use_target(session, "ours", who="Ada")
        with pytest.raises(UsageError, match="in use"):
            undo_edit(session, "ours", who="Ada")
    target_files.own_path("ours").unlink()
    assert settings.default_target() == "llama.cpp"  # one that is gone is no engine


def test_a_file_that_was_changed_by_hand_counts_and_a_broken_one_can_be_undone(
    catalog: Engine,
) -> None:
    before = scores(catalog)
    with session_scope(catalog) as session:
        edit_target(session, "llama.cpp", WEIGHT, why="so", who="Ada")
    path = target_files.own_path("llama.cpp")
    path.write_text(path.read_text("utf-8").replace("= 1.0", "= 0.25"), encoding="utf-8")
    with session_scope(catalog) as session:
        assert notice_hand_edits(session)
        assert not notice_hand_edits(session)
    assert scores(catalog) == before
    path.write_text("shares = [", encoding="utf-8")
    assert [view.problem is not None for view in list_targets()] == [True, False]
    with session_scope(catalog) as session:
        undo_edit(session, "llama.cpp", who="Ada")
    assert scores(catalog) == before


def test_the_command_line(assay: Assay, catalog: Engine, own_home: Path) -> None:
    assert assay("target", "set", "llama.cpp", "devices.datacentre_gpu", "--why", "x").status == 2
    done = assay("target", "set", "llama.cpp", "devices.datacentre_gpu=1", "--why", "we serve")
    assert (done.status, "marlin: believed score" in done.out) == (0, True)
    wrong = assay("target", "set", "llama.cpp", "shares.decode=0.9", "--why", "x")
    assert (wrong.status, wrong.out) == (1, "")
    assert "The parts of the whole run take 1.4" in wrong.err
    assert assay("target", "new", "ours", "--from", "llama.cpp").status == 0
    assert assay("target", "use", "ours").status == 0
    listed = {view["name"]: view for view in assay("target", "list", "--json").json}
    assert {name: view["origin"] for name, view in listed.items()} == {
        "llama.cpp": "edited", "ours": "own", "vllm": "shipped",
    }  # fmt: skip
    assert listed["ours"]["is_default"]
    assert "in use" in assay("target", "list").out
    shown = assay("target", "show", "llama.cpp")
    assert "devices.datacentre_gpu 0.25 → 1 (we serve)" in shown.out
    translated = assay("target", "show", "llama.cpp", "--lang", "zh").out
    assert "devices.datacentre_gpu 0.25 → 1（we serve）" in translated
    assert "shares.decode_attention      0.1      解码注意力" in translated
    assert "使用中" in assay("target", "list", "--lang", "zh").out
    assert assay("target", "show", "ours", "--json").json["devices"]["datacentre_gpu"] == 1
    assert assay("list", "--json").json == assay("list", "--target", "ours", "--json").json
    assert assay("target", "use", "llama.cpp").status == 0
    assert "marlin" in assay("target", "undo", "llama.cpp").out
    assert assay("target", "undo", "llama.cpp").status == 1
    assert assay("target", "show", "abacus").status == 1
