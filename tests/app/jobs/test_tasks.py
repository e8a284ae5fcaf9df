"""What the kinds of job do, in this process, with a stand-in for the harness."""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from app import jobs
from app.jobs.context import run_task
from app.jobs.processes import sweep
from app.jobs.tasks import KINDS, load_function
from app.workflows import job_tasks
from app.workflows.opening import open_catalog
from db.engine import session_scope
from db.queries import jobs as queries
from db.queries import runs
from tests.app.run_documents import document, run
from tests.conftest import copied

from .conftest import eventually, is_running, pids_in

OWNER = "test@1"

# Says how far it is on stdout, prints to stderr, and writes the document of its case.
STAND_IN = """
import json, os, sys, time
arguments = sys.argv[2:]
out = arguments[arguments.index("--out") + 1]
case = arguments[arguments.index("--case") + 1] if "--case" in arguments else "all"
document = json.load(open(sys.argv[1])).get(case)
for step in range(3):
    print(json.dumps({"done": step, "total": 3, "message": f"{case}: round {step}"}), flush=True)
print(f"prototypes: something about {case}", file=sys.stderr)
if case == "endless":
    open(out + ".pid", "w").write(str(os.getpid()))
    time.sleep(60)
if document is None:
    sys.exit(2)
json.dump(document, open(out, "w"))
sys.exit(1)
"""


@pytest.fixture
def seeded(
    seed_file: Path, own_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Engine:
    """The seed catalog without any run."""
    nothing = tmp_path / "no-results"
    nothing.mkdir()
    monkeypatch.setattr("app.workflows.opening.SHIPPED_RUNS", nothing)
    copied(seed_file, own_home)
    return open_catalog()


@pytest.fixture
def harness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for `python -m prototypes`; the file holds the document of each case."""
    script, answers = tmp_path / "stand_in.py", tmp_path / "answers.json"
    script.write_text(STAND_IN)
    answers.write_text("{}")
    monkeypatch.setenv("ASSAY_JOB", "")  # the job sets it: put back what was there
    monkeypatch.setattr(job_tasks, "PROTOTYPES", (sys.executable, str(script), str(answers)))
    return answers


def perform(engine: Engine, spec: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """Run a benchmark job here, as the worker would; return the result and the job's id."""
    with session_scope(engine) as session:
        job_id = queries.create(session, kind="benchmark", spec=spec).id
        queries.claim(session, job_id, OWNER)
    url = engine.url.render_as_string(hide_password=False)
    return run_task(KINDS["benchmark"].function, url, job_id, OWNER, spec), job_id


def test_a_benchmark_stores_its_runs_and_says_what_moved(seeded: Engine, harness: Path) -> None:
    harness.write_text(json.dumps({"all": document(run(), run("b8", status="below_quality"))}))
    result, job_id = perform(seeded, {"prototype": "sampling", "device": "cpu"})
    assert result["state"] == "succeeded", "a run that failed a gate is a result"
    outcome = result["outcome"]
    assert (outcome["added"], outcome["known"], outcome["rejected"]) == (2, 0, [])
    assert [(r["case"], r["status"]) for r in outcome["runs"]] == [
        ("b1-v128256", "ok"),
        ("b8", "below_quality"),
    ]
    assert [r["speedup"] for r in outcome["runs"]] == [1.5, None]
    believed = [m for m in outcome["moved"] if m["kind"] == "believed"]
    assert [m["paper"] for m in believed] == ["sampling"]
    assert believed[0]["before"] != believed[0]["after"]
    assert outcome["scores"] == believed
    assert json.loads(Path(outcome["file"]).read_text())["runs"][0]["case"] == "b1-v128256"
    job = jobs.get(seeded, job_id)
    assert job is not None and job.message is not None
    assert job.message["template"] == "Storing the runs and rescoring"
    assert "something about all" in Path(job_log(job_id)).read_text()
    with session_scope(seeded) as session:
        assert len(runs.for_prototypes(session, ["sampling"])) == 2


def job_log(job_id: str) -> Path:
    from app.home import logs_folder

    return logs_folder() / f"job-{job_id}.log"


def test_several_cases_are_one_document(seeded: Engine, harness: Path) -> None:
    harness.write_text(json.dumps({c: document(run(c)) for c in ("b1", "b8")}))
    spec = {"prototype": "sampling", "device": "cpu", "quick": True, "cases": ["b1", "b8"]}
    result, _ = perform(seeded, spec)
    written = json.loads(Path(result["outcome"]["file"]).read_text())
    assert [r["case"] for r in written["runs"]] == ["b1", "b8"]
    assert result["outcome"]["added"] == 2


def test_nothing_measured_is_a_failed_job_with_the_harness_reason(
    seeded: Engine, harness: Path
) -> None:
    result, _ = perform(seeded, {"prototype": "sampling", "device": "cpu"})
    assert result["state"] == "failed"
    assert result["outcome"]["error"] == "Nothing was measured: something about all"
    assert result["message"]["template"] == "Nothing was measured: {why}"
    harness.write_text(json.dumps({"all": {"runs": [run()], "schema": 99}}))
    result, _ = perform(seeded, {"prototype": "sampling", "device": "cpu", "quick": True})
    assert result["state"] == "failed"
    assert "schema 99" in result["outcome"]["error"]


def test_a_cancelled_benchmark_stops_the_harness(seeded: Engine, harness: Path) -> None:
    spec = {"prototype": "sampling", "device": "cpu", "cases": ["endless"]}
    results: list[tuple[dict[str, Any], str]] = []
    thread = threading.Thread(target=lambda: results.append(perform(seeded, spec)))
    thread.start()
    assert eventually(lambda: list(jobs.recent(seeded)))
    [job] = jobs.recent(seeded)
    folder = Path(job_log(job.id)).parents[1] / "runs"
    assert eventually(lambda: list(folder.glob("*.pid")))
    [pid] = pids_in(next(folder.glob("*.pid")), 1)
    with session_scope(seeded) as session:
        assert queries.request_cancel(session, job.id)
    begin = time.monotonic()
    thread.join(5)
    assert time.monotonic() - begin < 2
    assert results[0][0]["state"] == "cancelled"
    assert not is_running(pid)


PAPER = """# Faster widgets by int4 attention

## Abstract

Our kernel is 1.7x faster than FlashAttention-2 on an A100 GPU in the prefill phase of attention.
"""


def test_an_add_job_analyses_in_the_background_and_names_what_failed(
    seeded: Engine, tmp_path: Path
) -> None:
    paper = tmp_path / "widgets.md"
    paper.write_text(PAPER)
    sources = [str(paper), str(tmp_path / "nowhere.pdf")]
    job = jobs.wait(seeded, jobs.submit(seeded, "add", {"sources": sources}))
    assert job.state == "succeeded" and job.outcome is not None
    assert len(job.outcome["added"]) == 1
    assert [failure["source"] for failure in job.outcome["failed"]] == [sources[1]]
    assert jobs.describe(job, "en").text == "Added: 1, updated: 0, there already: 0, failed: 1."
    job = jobs.wait(seeded, jobs.submit(seeded, "add", {"sources": sources[1:]}))
    assert job.state == "failed"
    assert "nowhere.pdf" in jobs.describe(job, "en").text
    sweep("ASSAY_HOME", str(tmp_path / "home"))


def test_every_kind_names_a_function_that_is_there() -> None:
    for kind in KINDS.values():
        assert callable(load_function(kind.function))


def test_the_spec_of_an_add_job_names_files_by_their_full_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "paper.pdf").write_bytes(b"%PDF-")
    spec = {"sources": ["paper.pdf", "2410.02367", "https://arxiv.org/abs/2410.02367", "none.pdf"]}
    assert KINDS["add"].prepare(spec)["sources"] == [
        str(tmp_path / "paper.pdf"),
        "2410.02367",
        "https://arxiv.org/abs/2410.02367",
        "none.pdf",
    ]


def test_what_cannot_be_a_job_is_said_at_once(catalog: Engine) -> None:
    with pytest.raises(ValueError, match=r"no kind of job named 'brew'.*benchmark"):
        jobs.submit(catalog, "brew", {})
    with pytest.raises(ValueError, match="plain JSON"):
        jobs.submit(catalog, "selftest", {"value": Path("x")})
    with pytest.raises(ValueError, match="plain JSON"):
        jobs.submit(catalog, "selftest", {"value": float("nan")})
    with pytest.raises(ValueError, match="no job 'x'"):
        jobs.wait(catalog, "x")
    assert jobs.get(catalog, "x") is None
    assert not jobs.cancel(catalog, "x")
    assert jobs.retry(catalog, "x") is None
    assert jobs.recent(catalog) == []


def test_progress_is_written_at_most_five_times_a_second_and_the_last_one_counts(
    catalog: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    written: list[int] = []
    real = queries.progress

    def counted(*arguments: Any, done: int, **rest: Any) -> bool:
        written.append(done)
        return real(*arguments, done=done, **rest)

    monkeypatch.setattr(queries, "progress", counted)
    with session_scope(catalog) as session:
        job_id = queries.create(session, kind="selftest", spec={}).id
        queries.claim(session, job_id, OWNER)
    context = jobs.JobContext(catalog, job_id, OWNER, {}, clock=lambda: now[0])
    for step in range(1, 301):
        now[0] += 0.01
        context.progress(step, 300)
    assert len(written) <= 3 * 5 + 5
    context.flush()
    job = jobs.get(catalog, job_id)
    assert job is not None and job.done == 300
    assert not context.cancelled()
    with session_scope(catalog) as session:
        queries.mark_lost(session, owner=OWNER)
    assert not context.cancelled(), "asked a moment ago"
    now[0] += 1
    assert context.cancelled(), "a job that was given up for lost is to stop"
