"""The page of benchmarks in every state of a catalog, and what each of its parts says."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine, delete, select
from streamlit.testing.v1 import AppTest

from app.workflows import benchmarks
from app.workflows.benchmark import import_run_contents
from app.workflows.benchmarks import compare_claims, list_runs
from app.workflows.staleness import current_hashes, is_stale
from db.engine import read_scope, session_scope
from db.models import PrototypeLink, Run
from db.queries import jobs
from prototypes.harness.registry import scan
from tests.app.run_documents import document, interval, run
from tests.app.web.conftest import HOSTILE, Open, words

SECTIONS = ("claims", "roofline", "history", "runs", "queue", "files")
GPU = {"device_id": "gpu", "device_name": HOSTILE, "device_class": "consumer_gpu"}


@pytest.fixture(autouse=True)
def no_runner(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs are queued, and nobody works on them."""
    monkeypatch.setattr("app.jobs.client.ensure_runner", lambda engine: None)


def take_in(engine: Engine, *documents: dict[str, Any]) -> None:
    contents = [(f"{n}.json", json.dumps(d).encode()) for n, d in enumerate(documents)]
    assert import_run_contents(engine, contents).is_clean


@pytest.fixture
def measured(seeded: Engine, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """Two devices, one with a hostile name; three runs of a case, one quick, one of older code."""
    today = {("sampling", "b1-v128256"): {"0"}}
    monkeypatch.setattr("app.web.components.bench_data.code_hashes", lambda: today)
    rich: dict[str, Any] = {
        "roofline_fraction": 0.4,
        "samples": [99.0, 101.0, 100.0],
        "rates": {},
        "comparison": {"answer": "unclear", "noise": 0.02, "more_rounds": 80},
    }
    older = run(**rich, code_hash="s1-of-another-time", started_at="2026-11-01T00:00:00+00:00")
    quick = run(**rich, provisional=True, started_at="2026-11-02T00:00:00+00:00")
    full = run(**rich, started_at="2026-11-03T00:00:00+00:00")
    full["baselines"][0]["comparison"] = rich["comparison"]
    full["all_threads"] = {
        "threads": 8,
        "time_us": interval(25.0),
        "baselines": [{"name": "topk", "roles": ["engine"], "speedup": interval(1.25)}],
    }
    full["baselines"].append(
        {"name": "rival", "role": "other", "roles": ["other"], "available": False, "why": HOSTILE}
    )
    rates = {"copy_bytes_per_s": 2e11, "matmul_flops_per_s": 3e13}
    trouble = {"kind": "x", "message": HOSTILE}
    failed = run("b9", status="below_quality", error=trouble, claims=[])
    take_in(
        seeded,
        document(older, **GPU, rates=rates, started_at="2026-11-01T00:00:00+00:00"),
        document(quick, **GPU, rates=rates, started_at="2026-11-02T00:00:00+00:00"),
        document(full, failed, **GPU, rates=rates, started_at="2026-11-03T00:00:00+00:00"),
    )
    return seeded


def run_id(engine: Engine, **wanted: Any) -> str:
    with read_scope(engine) as session:
        for found in session.scalars(select(Run)):
            if all(found.record.get(k) == v for k, v in wanted.items()):
                return found.id
    raise AssertionError(wanted)


def chart(page: AppTest) -> dict[str, Any]:
    spec: dict[str, Any] = json.loads(page.get("vega_lite_chart")[0].proto.spec)
    return spec


def table(page: AppTest, number: int = 0) -> Any:
    return page.dataframe[number].value


def no_markup(text: str) -> bool:
    """Whether Markdown would show a hostile name's characters and nothing else."""
    import re

    bare = re.sub(r"\\.", "", text)
    return "<script" not in bare and "](javascript" not in bare and ":red[" not in bare


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("section", SECTIONS)
@pytest.mark.parametrize("state", ["empty", "seeded", "measured"])
def test_every_section_draws(
    state: str, section: str, language: str, open_page: Open, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue(state)
    page = open_page("benchmarks", show=section, lang=language)
    assert not page.error
    told = words(page)
    assert ("基准测试" in told) is (language == "zh")
    assert no_markup(told)
    if state == "empty":
        assert page.info


def test_an_empty_catalog_says_what_to_do(empty: Engine, open_page: Open) -> None:
    said = {name: open_page("benchmarks", show=name).info[0].value for name in SECTIONS[:4]}
    assert "nothing to compare" in said["claims"]
    assert "Measure, or import runs" in said["roofline"]
    assert "import runs" in said["history"]
    assert "import runs" in said["runs"]


def test_of_very_many_papers_those_without_a_prototype_are_the_best_ranked(
    measured: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with session_scope(measured) as session:
        session.execute(delete(PrototypeLink).where(PrototypeLink.prototype != "sampling"))
        every = {row["paper_id"] for row in compare_claims(session)}
        monkeypatch.setattr(benchmarks, "MOST", 0)
        monkeypatch.setattr(benchmarks, "UNTESTED", 2)
        some = {row["paper_id"] for row in compare_claims(session)}
    assert "sampling" in some < every
    assert len(some) <= 3


def test_every_paper_with_a_speed_claim_is_on_the_picture(
    measured: Engine, open_page: Open
) -> None:
    with read_scope(measured) as session:
        rows = compare_claims(session)
    assert len({row["paper_id"] for row in rows}) == 10
    devices = {row["device"] for row in rows if row["paper_id"] == "sampling"}
    assert devices == {"test-cpu", "gpu"}
    untested = [row for row in rows if row["verdict"] == "untested"]
    assert {row["device"] for row in untested} == {None}
    page = open_page("benchmarks")
    frame = table(page)
    assert len(frame) == len(rows)
    assert frame["verdict"].iloc[0] == "✓ confirmed"
    assert frame["measured"].iloc[0] == "12.0x"
    assert frame["verdict"].iloc[-1] == "○ untested"
    told = words(page).replace("\\", "")
    assert "Verdicts, one a claim and device: ✓ 2 confirmed, ○ 9 untested." in told
    proto = page.get("vega_lite_chart")[0].proto
    assert "confirmed" in proto.alt
    marks = [layer["mark"]["type"] for layer in json.loads(proto.spec)["layer"]]
    assert marks.count("point") == 3


def test_a_claim_keeps_its_bound(seeded: Engine) -> None:
    with read_scope(seeded) as session:
        rows = {row["key"]: row for row in compare_claims(session)}
    up_to = rows["2410.09426/prefill-speedup"]
    assert (up_to["claimed_low"], up_to["claimed"], up_to["claimed_high"]) == (1.0, 2.3, 2.3)
    at_least = rows["flashinfer-sampling/sampling-time"]
    assert (at_least["claimed_low"], at_least["claimed_high"]) == (2.0, None)
    ends = rows["2405.03917/throughput-gain"]
    assert (ends["claimed_low"], ends["claimed_high"]) == (1.4, 3.5)
    assert ends["claimed"] == pytest.approx((1.4 * 3.5) ** 0.5)


def test_one_device_alone(measured: Engine, open_page: Open) -> None:
    page = open_page("benchmarks", device="gpu")
    frame = table(page)
    assert len(frame) == 10
    assert list(frame["device"].dropna().unique()) == [HOSTILE]
    assert page.selectbox(key="device").value == "gpu"
    page.selectbox(key="device").select("test-cpu").run()
    assert page.query_params["device"] in ("test-cpu", ["test-cpu"])
    # A quick look at what no run of this device has: untested here, and said so.
    other = open_page("benchmarks", device="unheard-of")
    assert other.selectbox(key="device").value == ""


def test_labels_are_literals_of_the_charts_language(measured: Engine, open_page: Open) -> None:
    axes = [
        layer["encoding"]["y"]["axis"]["labelExpr"]
        for layer in chart(open_page("benchmarks"))["layer"]
        if (layer["encoding"].get("y") or {}).get("axis")
    ]
    assert len(axes) == 2
    for expression in axes:
        words_of_rows = json.loads(expression.removeprefix("(").removesuffix(")[datum.value]"))
        assert len(words_of_rows) == 11


def test_roofline_shows_the_newest_full_run_of_a_case(measured: Engine, open_page: Open) -> None:
    from app.web.components.bench_roofline import newest, roofline_frame

    page = open_page("benchmarks", show="roofline")
    told = words(page).replace("\\", "")
    assert "copy 200 GB/s, matrix product 30 TFLOP/s" in told
    assert chart(page)["layer"]
    with read_scope(measured) as session:
        here = [found for found in list_runs(session, device="gpu") if found["status"] == "ok"]
    assert len(here) == 3
    [shown] = newest(here)
    assert shown["at"] == "2026-11-03T00:00:00+00:00"
    frame = roofline_frame([shown], by_case=True)
    assert list(frame["share"]) == [0.4]
    assert list(frame["bound"]) == ["memory"]


def test_history_marks_what_counts_for_less(measured: Engine, open_page: Open) -> None:
    page = open_page("benchmarks", show="history", device="gpu")
    frame = table(page)
    assert list(frame["State"]) == ["✓ ok", "✓ ok · quick", "✓ ok · stale"]
    page.selectbox(key="figure").select("paper").run()
    assert not page.error
    assert page.query_params["figure"] in ("paper", ["paper"])
    page.selectbox(key="figure").select("strongest").run()
    assert any("No run of this case" in info.value for info in page.info)


@pytest.mark.parametrize(
    ("parameters", "count"),
    [
        ({}, 5),
        ({"device": "gpu"}, 4),
        ({"state": "below_quality"}, 1),
        ({"kind": "quick"}, 1),
        ({"kind": "stale"}, 1),
        ({"kind": "full", "device": "gpu"}, 3),
        ({"prototype": "sampling"}, 5),
        ({"device": "no such", "state": "<b>"}, 5),
    ],
)
def test_runs_are_filtered_by_the_address(
    parameters: dict[str, str], count: int, measured: Engine, open_page: Open
) -> None:
    page = open_page("benchmarks", show="runs", **parameters)
    assert not page.error
    assert len(table(page)) == count


def test_a_filter_that_lets_nothing_through(measured: Engine, open_page: Open) -> None:
    page = open_page("benchmarks", show="runs", device="test-cpu", state="below_quality")
    assert "No run matches" in page.info[0].value


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
