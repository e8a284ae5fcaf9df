"""Runs as files: out and in again they are the same; a wrong file is one sentence, no loss."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from app.errors import AssayError
from app.i18n import translator
from app.workflows.benchmark import import_run_contents, import_run_files, shipped_documents
from app.workflows.opening import SHIPPED_RUNS
from app.workflows.run_files import count, dumps, export_runs
from db.engine import read_scope, session_scope
from db.models import Environment, Run
from tests.app.conftest import Assay
from tests.app.run_documents import document, run


def contents(*documents: dict[str, Any]) -> list[tuple[str, bytes]]:
    return [(f"{n}.json", json.dumps(d).encode()) for n, d in enumerate(documents)]


def stored(engine: Engine) -> dict[str, Any]:
    with read_scope(engine) as session:
        environments = {e.id: e.record for e in session.scalars(select(Environment))}
        return {
            r.id: (r.record, environments[r.environment_id]) for r in session.scalars(select(Run))
        }


def forget(engine: Engine) -> None:
    with session_scope(engine) as session:
        for table in (Run, Environment):
            for row in session.scalars(select(table)):
                session.delete(row)
            session.flush()


def two_machines() -> list[dict[str, Any]]:
    hostile = {"device_id": "other", "device_name": "GPU \u202e <b>`$x$`</b>\n设备"}
    return [
        document(run("a", samples=[1.5, 2.25]), run("b", status="below_quality")),
        document(run("a"), **hostile, device_class="consumer_gpu"),
    ]


@pytest.mark.parametrize("machines", [1, 2])
def test_out_and_in_again_is_the_same(machines: int, catalog: Engine) -> None:
    import_run_contents(catalog, contents(*two_machines()[:machines]))
    before = stored(catalog)
    with read_scope(catalog) as session:
        exported = export_runs(session)
    assert count(exported) == len(before)
    assert ("runs" in exported) is (machines == 1)
    forget(catalog)
    summary = import_run_contents(catalog, [("all.json", dumps(exported))])
    assert summary.is_clean
    assert stored(catalog) == before
    assert import_run_contents(catalog, [("all.json", dumps(exported))]).added == 0


def test_the_shipped_runs_survive_the_way_out_and_in(catalog: Engine, tmp_path: Path) -> None:
    import_run_files(catalog, sorted(SHIPPED_RUNS.glob("*.json")))
    before = stored(catalog)
    assert len(before) == sum(len(d["runs"]) for d in shipped_documents(SHIPPED_RUNS))
    with read_scope(catalog) as session:
        out = tmp_path / "all.json"
        out.write_bytes(dumps(export_runs(session)))
    forget(catalog)
    import_run_files(catalog, [out])
    assert stored(catalog) == before


def test_a_selection_is_exported_alone(catalog: Engine) -> None:
    import_run_contents(catalog, contents(*two_machines()))
    with read_scope(catalog) as session:
        assert count(export_runs(session, device="other")) == 1
        some = next(iter(stored(catalog)))
        assert count(export_runs(session, ids=[some])) == 1
        with pytest.raises(AssayError, match=r"No run is of 'teal'. Prototypes with runs: sampl"):
            export_runs(session, prototype="teal")
        with pytest.raises(AssayError, match=r"Nothing was measured on 'x'. Devices with runs:"):
            export_runs(session, device="x")


WRONG: dict[str, tuple[bytes, str, str]] = {
    "picture.png": (b"\x89PNG\r\n\x1a\n\x00", "it is not JSON", "不是 JSON"),
    "empty.json": (b"", "it is not JSON", "不是 JSON"),
    "deep.json": (b"[" * 200_000, "it is not JSON", "不是 JSON"),
    "list.json": (b"[1, 2]", "it holds no record", "其中没有记录"),
    "other.json": (b'{"a": 1}', "it has no runs", "其中没有运行"),
    "old.json": (b'{"schema": 7, "runs": []}', "schema 7", "格式版本是 7"),
    "nan.json": (
        json.dumps(document(run(bytes=float("nan")))).encode(), "NaN, infinity", "NaN",
    ),
    "noise.json": (json.dumps(document(noise_floor="x")).encode(), "noise floor", "噪声底"),
    "half.json": (json.dumps(document(device_name="x\ud800")).encode(), "no device_name", "缺少"),
    "bundle.json": (b'{"schema": 1, "documents": [3]}', "it has no runs", "其中没有运行"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_file_is_one_sentence_and_loses_nothing(name: str, catalog: Engine) -> None:
    content, english, chinese = WRONG[name]
    good = contents(document(run("good")))
    summary = import_run_contents(catalog, [(name, content), *good])
    assert summary.added == 1
    [problem] = summary.problems
    assert problem.say().startswith(name)
    assert english in problem.say()
    assert chinese in problem.say(translator("zh"))
    assert "\n" not in problem.say()


@pytest.mark.parametrize(
    ("changes", "english", "chinese"),
    [
        ({"part": "kitchen"}, "part is 'kitchen', not one of", "不在以下取值之中"),
        ({"error": "boom"}, "error is 'boom'", "error 是"),
        ({"roofline_fraction": "x"}, "roofline_fraction is 'x'", "roofline_fraction 是"),
        ({"claims": [3]}, "claims is no list of keys", "不是键的列表"),
        ({"baselines": [{"role": "paper"}]}, "a baseline has no name", "没有名称"),
        ({"baselines": [{"name": "x", "roles": [1]}]}, "the roles of x", "x 的角色"),
        ({"quality_pass": None}, "without having passed its quality gate", "没有通过 quality 关卡"),
    ],
)
def test_a_run_that_cannot_be_read_is_refused_beside_the_others(
    changes: dict[str, Any], english: str, chinese: str, catalog: Engine
) -> None:
    broken = document(run("good"), run("broken") | changes)
    summary = import_run_contents(catalog, contents(broken))
    assert summary.added == 1
    [problem] = summary.problems
    assert problem.say().startswith("0.json: run 2 (sampling broken): ")
    assert english in problem.say()
    assert chinese in problem.say(translator("zh"))


def test_a_run_of_no_known_part_is_kept_and_counts_for_nothing(catalog: Engine) -> None:
    partless = {k: v for k, v in run().items() if k != "part"}
    summary = import_run_contents(catalog, contents(document(partless)))
    assert (summary.added, summary.moves) == (1, ())


def test_export_and_import_on_the_command_line(
    assay: Assay, catalog: Engine, tmp_path: Path
) -> None:
    import_run_contents(catalog, contents(*two_machines()))
    out = tmp_path / "out.json"
    done = assay("bench", "export", "--out", str(out))
    assert (done.status, "3 runs written" in done.err) == (0, True)
    assert assay("bench", "import", str(out)).out == "0 runs added, 3 known already.\n"
    listed = assay("bench", "runs", "--json").json
    assert {r["case"] for r in listed} == {"a", "b"}
    assert "samples" not in listed[0]
    assert len(assay("bench", "runs", "--device", "other", "--json").json) == 1
    assert len(assay("bench", "runs", "--status", "below_quality", "--json").json) == 1
    table = assay("bench", "runs").out
    assert table.count("sampling") == 3
    one = next(r["id"] for r in listed if r["device_id"] == "test-cpu" and r["case"] == "a")
    shown = assay("bench", "show", one[:8])
    assert "torch_sort [paper] torch 2.13: 1200" in shown.out
    assert "samples: 2, median 1.875 us" in shown.out
    assert "device_id: test-cpu" in shown.out
    assert assay("bench", "show", one, "--json").json["run"]["samples"] == [1.5, 2.25]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("show", "no-such-run"), "No run has the id 'no-such-run'."),
        (("show", "%%%%"), "No run has the id '%%%%'."),
        (("export", "--out", "/nowhere/x.json"), "name another file with --out"),
        (("export", "--out", "x.json", "--device", "gone"), "Nothing was measured on 'gone'"),
    ],
)
def test_what_goes_wrong_is_one_sentence(
    arguments: tuple[str, ...], told: str, assay: Assay, catalog: Engine
) -> None:
    import_run_contents(catalog, contents(document()))
    done = assay("bench", *arguments)
    assert done.status == 1
    assert told in done.err
    assert "Traceback" not in done.err


def test_a_quick_run_beside_a_full_one_says_that_it_does_not_count(catalog: Engine) -> None:
    quick = {"provisional": True, "time_us": {"median": 50.0, "low": 49.0, "high": 51.0}}
    for runs, is_outranked in (
        ([run("a", **quick)], False),
        ([run("a")], False),
        ([run("a", **quick)], False),  # the first one again: nothing was added
        ([run("a", **quick, samples=[1.0]), run("b", **quick)], True),
        ([run("a", **quick, samples=[2.0]), run("b")], False),
    ):
        summary = import_run_contents(catalog, contents(document(*runs)))
        assert [file.is_outranked for file in summary.files] == [is_outranked]
