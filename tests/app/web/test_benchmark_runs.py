"""The page of benchmarks: the record of a run, measuring here, runs in and out as files."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine

from app.workflows.benchmarks import list_runs
from app.workflows.staleness import current_hashes, is_stale
from db.engine import read_scope, session_scope
from db.queries import jobs
from prototypes.harness.registry import scan
from tests.app.run_documents import document, interval, run
from tests.app.web.conftest import HOSTILE, Open, words
from tests.app.web.measured_catalog import no_markup, run_id

pytestmark = pytest.mark.usefixtures("no_runner")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_runs_record_has_everything(language: str, measured: Engine, open_page: Open) -> None:
    wanted = run_id(measured, started_at="2026-11-03T00:00:00+00:00", status="ok")
    page = open_page("benchmarks", run=wanted, lang=language)
    assert not page.error
    told = words(page)
    assert no_markup(told)
    frames = [frame.value for frame in page.dataframe]
    baselines = frames[0]
    assert list(baselines.iloc[:, 0]) == ["torch_sort", "topk", "rival"]
    text = " ".join(str(cell) for frame in frames for cell in frame.to_numpy().ravel())
    assert "torch 2.13" in text
    assert wanted in text
    assert "test-cpu" not in text
    assert HOSTILE in text  # in a table it is text, and nothing else
    assert ("约再测 80 轮" if language == "zh" else "about 80 more rounds") in text
    assert ("使用全部 8 个线程：25" if language == "zh" else "all 8 threads: 25") in told.replace(
        "\\", ""
    )
    assert "1.25x" in text
    assert page.get("download_button")
    assert page.get("vega_lite_chart")


def test_a_failed_run_says_why(measured: Engine, open_page: Open) -> None:
    page = open_page("benchmarks", run=run_id(measured, status="below_quality"))
    assert not page.error
    assert no_markup(page.warning[0].value)
    told = words(page).replace("\\", "")
    assert "Quality: ✗ failed" in told
    assert "Fidelity: ✓ passed" in told


@pytest.mark.parametrize("asked", ["nothing", "%", "' OR 1=1 --", "x" * 5000])
def test_a_run_that_is_not_there(asked: str, measured: Engine, open_page: Open) -> None:
    page = open_page("benchmarks", run=asked)
    assert len(page.error) == 1
    assert "No run has the id" in page.error[0].value
    page.button(key="bench-back").click().run()
    assert "run" not in page.query_params
    assert not page.error


def test_a_short_id_is_enough(measured: Engine, open_page: Open) -> None:
    wanted = run_id(measured, status="below_quality")
    assert not open_page("benchmarks", run=wanted[:10]).error


Queue = Callable[..., str]


@pytest.fixture
def queue(measured: Engine) -> Queue:
    def queued(state: str, **changes: Any) -> str:
        spec = {"prototype": "sampling", "device": "cpu", "quick": True, "cases": []}
        with session_scope(measured) as session:
            job = jobs.create(session, kind="benchmark", spec=spec, device=None)
            job.state, job.owner = state, "test"
            for name, value in changes.items():
                setattr(job, name, value)
            return job.id

    return queued


def test_a_run_is_started_here(seeded: Engine, open_page: Open) -> None:
    page = open_page("benchmarks", show="queue")
    page.button(key="bench-run").click().run()
    assert not page.error
    with session_scope(seeded) as session:
        assert [job.spec["prototype"] for job in jobs.list_active(session)] == [min(scan())]
    assert "waiting" in words(page)


def test_the_queue_tells_progress_and_time_left(queue: Queue, open_page: Open) -> None:
    from datetime import UTC, datetime, timedelta

    started = (datetime.now(UTC) - timedelta(seconds=100)).isoformat()
    job = queue("running", done=1, total=2, started_at=started)
    page = open_page("benchmarks", show="queue")
    assert page.get("progress")[0].proto.value == 50
    assert "about 1 min 4" in words(page)
    assert page.button(key=f"cancel-{job}")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_failing_job_can_be_tried_again(language: str, queue: Queue, open_page: Open) -> None:
    job = queue("failed", outcome={"error": HOSTILE})
    page = open_page("benchmarks", show="queue", lang=language)
    assert not page.error
    assert no_markup(words(page))
    page.button(key=f"retry-{job}").click().run()
    assert not page.error


def test_no_prototypes_is_a_sentence(
    seeded: Engine, open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.web.components.bench_data.prototypes", list)
    page = open_page("benchmarks", show="queue")
    assert not page.error
    assert "assay doctor" in page.warning[0].value.replace("\\", "")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_files_are_imported_and_wrong_ones_told(
    language: str, seeded: Engine, open_page: Open
) -> None:
    page = open_page("benchmarks", show="files", lang=language)
    good = json.dumps(document(run("imported"), run("b", part="kitchen"))).encode()
    page.file_uploader(key="bench-upload").set_value(
        [
            ("../<b>good.json", good, "application/json"),
            ("bad.json", b"{", "application/json"),
            (f"{HOSTILE[:40]}.json", b"[]", "application/json"),
        ]
    )
    next(b for b in page.button if b.label in ("Import", "导入")).click().run()
    with read_scope(seeded) as session:
        assert "imported" in {found["case"] for found in list_runs(session)}
    assert len(page.error) == 3
    told = [error.value for error in page.error]
    assert ("不是 JSON" in "".join(told)) is (language == "zh")
    assert all(no_markup(text) for text in told)
    assert len(page.warning) == 1
    page.run()
    assert not page.error  # said once


def test_importing_nothing_says_so(seeded: Engine, open_page: Open) -> None:
    page = open_page("benchmarks", show="files")
    next(b for b in page.button if b.label == "Import").click().run()
    assert [w.value for w in page.warning] == ["Choose a file first."]


def test_the_selection_is_exported(measured: Engine, open_page: Open) -> None:
    page = open_page("benchmarks", show="files", device="gpu")
    [button] = page.get("download_button")
    assert button.proto.label == "Download 4 runs"


def test_a_samples_summary_takes_what_comes() -> None:
    from app.web.components.run_samples import numbers, sample_series

    assert numbers([[1, 2.5], {"a": [3]}, "x", None, True]) == [1.0, 2.5, 3.0]
    record = run(samples=[0, -1, 2]) | {"baselines": [3, {"name": "b", "samples": "x"}]}
    assert sample_series(record) == {"torch_sieve": [2.0]}


def test_intervals_of_the_history_are_the_runs_own() -> None:
    from app.web.components.bench_history import history_rows

    found = run(time_us=interval(50.0, 0.1)) | {"at": "no time", "stale": False}
    [row] = history_rows([found], "time", str)
    assert (row["low"], row["value"], row["high"]) == pytest.approx((45.0, 50.0, 55.0))


def test_stale_is_what_todays_code_is_not() -> None:
    case = {"id": "c", "code_hash": "s1-now"}
    listed = [{"name": "p", "cases": [case, "old"], "older_code_hashes": ["kept"]}]
    current = current_hashes(listed)
    assert current == {("p", "c"): {"s1-now", "kept"}}
    stale = [
        is_stale({"prototype": p, "case": c, "code_hash": h}, current)
        for p, c, h in (
            ("p", "c", "s1-now"), ("p", "c", "kept"), ("p", "c", "s1-then"), ("p", "c", None),
            ("p", "gone", "s1-then"), ("q", "c", "s1-then"),
        )
    ]  # fmt: skip
    assert stale == [False, False, True, False, False, False]
