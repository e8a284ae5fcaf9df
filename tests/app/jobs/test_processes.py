"""Jobs as they are run: real processes, real signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from sqlalchemy import Engine

from app import jobs
from app.jobs import launch
from db.engine import session_scope
from db.models import Runner
from db.queries import jobs as queries

from .conftest import RUNNER, eventually, is_running, pids_in


def runner_of(engine: Engine) -> Runner:
    def found() -> Runner | None:
        with session_scope(engine) as session:
            return queries.runner(session)

    assert eventually(found)
    runner = found()
    assert runner is not None
    return runner


def state(engine: Engine, job_id: str) -> str:
    job = jobs.get(engine, job_id)
    assert job is not None
    return job.state


def test_a_job_runs_reports_and_leaves_a_quiet_machine(catalog: Engine) -> None:
    seen = []
    job_id = jobs.submit(catalog, "selftest", {"seconds": 0.8, "value": 7})
    runner = runner_of(catalog)
    job = jobs.wait(catalog, job_id, lambda job: seen.append((job.state, job.done)))
    assert job.state == "succeeded"
    assert job.outcome is not None and job.outcome["value"] == 7
    assert (job.done, job.total) == (4, 4)
    assert [step for _, step in seen] == sorted(step for _, step in seen)
    assert {"running", "succeeded"} <= {state for state, _ in seen}
    assert len({step for _, step in seen}) > 2, "progress was seen as it was made"
    view = jobs.describe(job, "en")
    assert view.text == "all done" and view.fraction == 1.0 and not view.is_active
    # The runner waits a few seconds for more, then leaves, and nothing stays behind.
    assert eventually(lambda: not is_running(runner.pid), 8)
    with session_scope(catalog) as session:
        assert queries.runner(session) is None
    assert not is_running(job.outcome["pid"])


def test_the_ways_to_fail_have_words_and_cost_their_own_job_only(catalog: Engine) -> None:
    failing = jobs.submit(catalog, "selftest", {"fail": "no such thing"})
    buggy = jobs.submit(catalog, "selftest", {"bug": True})
    crashing = jobs.submit(catalog, "selftest", {"crash": True})
    slow = jobs.submit(catalog, "selftest", {"seconds": 30, "stubborn": True, "timeout_s": 0.5})
    fine = jobs.submit(catalog, "selftest", {"seconds": 0.1})
    ended = {
        job_id: jobs.wait(catalog, job_id) for job_id in (failing, buggy, crashing, slow, fine)
    }
    words = {job_id: jobs.describe(job, "en") for job_id, job in ended.items()}
    assert words[failing].state == "failed"
    assert words[failing].text == "This went wrong: no such thing"
    assert words[buggy].error == "RuntimeError: a bug of two lines"
    assert "Traceback" not in words[buggy].text
    log = Path(str(ended[buggy].outcome and ended[buggy].message["params"]["log"]))  # type: ignore[index]
    assert "Traceback" in log.read_text()
    assert words[crashing].state == "failed"
    assert words[crashing].text == "The worker crashed (SIGSEGV)."
    assert words[slow].state == "timed_out"
    assert words[slow].can_retry
    assert words[fine].state == "succeeded"


def test_cancel_ends_all_processes_of_a_job_within_two_seconds(
    catalog: Engine, tmp_path: Path
) -> None:
    pids = tmp_path / "pids"
    running = jobs.submit(
        catalog, "alone", {"seconds": 60, "stubborn": True, "pids": str(pids), "steps": 600}
    )
    waiting = jobs.submit(catalog, "selftest", {"value": 1})
    family = pids_in(pids, 3)
    assert state(catalog, waiting) == "queued", "nothing runs beside one that must be alone"
    assert jobs.cancel(catalog, waiting)
    assert state(catalog, waiting) == "cancelled", "one that waits is cancelled at once"
    begin = time.monotonic()
    assert jobs.cancel(catalog, running)
    assert jobs.cancel(catalog, running), "twice is no error"
    assert jobs.wait(catalog, running).state == "cancelled"
    assert time.monotonic() - begin < 2
    assert not [pid for pid in family if is_running(pid)]
    assert not jobs.cancel(catalog, running), "it is over"
    # The runner is well, and cancelled work can be asked for again.
    again = jobs.submit(catalog, "selftest", {"value": 1})
    assert again != waiting
    assert jobs.wait(catalog, again).state == "succeeded"


def test_cancel_ends_a_command_and_its_children(catalog: Engine, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    job_id = jobs.submit(catalog, "selftest", {"pids": str(pids), "as_command": True})
    family = pids_in(pids, 3)
    begin = time.monotonic()
    jobs.cancel(catalog, job_id)
    assert jobs.wait(catalog, job_id).state == "cancelled"
    assert time.monotonic() - begin < 2
    assert not [pid for pid in family if is_running(pid)]


def test_a_killed_runner_leaves_no_process_and_jobs_that_are_begun_again_or_retried(
    catalog: Engine, tmp_path: Path
) -> None:
    pids = tmp_path / "pids"
    spec = {"seconds": 60, "pids": str(pids), "stubborn": True}
    job_id = jobs.submit(catalog, "selftest", spec)
    repeatable = jobs.submit(catalog, "again", {"steps": 400})
    family = pids_in(pids, 3)
    assert eventually(lambda: state(catalog, repeatable) == "running")
    os.kill(runner_of(catalog).pid, signal.SIGKILL)
    assert eventually(lambda: not [pid for pid in family if is_running(pid)], 3)
    assert state(catalog, job_id) == "running", "nobody has looked yet"
    waiting, view = jobs.describe_all(catalog, "en")
    assert (waiting.id, waiting.state) == (repeatable, "queued")
    assert "begun again" in waiting.text
    job = jobs.get(catalog, job_id)
    assert job is not None
    assert (view.state, view.can_retry) == ("lost", True)
    assert "died" in view.text
    pids.unlink()
    again = jobs.retry(catalog, job_id)
    assert again is not None
    done = jobs.wait(catalog, repeatable)
    assert (done.state, (done.outcome or {}).get("begun_again")) == ("succeeded", 1)
    told = "all done Begun again after the background process died (times: 1)."
    assert jobs.describe(done, "en").text == told
    repeated = jobs.get(catalog, again)
    assert repeated is not None and repeated.retry_of == job_id and repeated.spec == job.spec
    pids_in(pids, 3)
    jobs.cancel(catalog, again)
    assert jobs.wait(catalog, again).state == "cancelled"


def test_even_without_its_sweeper_a_killed_runner_is_cleaned_up_after(
    catalog: Engine, tmp_path: Path
) -> None:
    pids = tmp_path / "pids"
    job_id = jobs.submit(catalog, "selftest", {"pids": str(pids), "seconds": 60})
    family = pids_in(pids, 3)
    runner = runner_of(catalog)
    listing = subprocess.run(
        ["pgrep", "-f", f"sweep ASSAY_RUNNER={runner.token}"], capture_output=True, text=True
    )
    for pid in [*map(int, listing.stdout.split()), runner.pid]:
        os.kill(pid, signal.SIGKILL)
    assert eventually(lambda: not is_running(family[0]), 2), "the worker is tethered"
    assert is_running(family[2]), "its detached grandchild is not"
    assert eventually(lambda: jobs.reap(catalog) == [job_id])
    assert not [pid for pid in family if is_running(pid)]


def test_a_runner_told_to_stop_marks_its_job_lost(catalog: Engine, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    job_id = jobs.submit(catalog, "alone", {"seconds": 60, "pids": str(pids), "stubborn": True})
    waiting = jobs.submit(catalog, "selftest", {})
    family = pids_in(pids, 3)
    runner = runner_of(catalog)
    os.kill(runner.pid, signal.SIGTERM)
    assert eventually(lambda: not is_running(runner.pid), 4)
    assert not [pid for pid in family if is_running(pid)]
    job = jobs.get(catalog, job_id)
    assert job is not None and job.state == "lost"
    assert "stopped" in jobs.describe(job, "en").text
    assert state(catalog, waiting) == "queued"
    assert jobs.ensure_runner(catalog), "what still waits is taken up again"
    assert jobs.wait(catalog, waiting).state == "succeeded"


def test_of_three_runners_one_wins(catalog: Engine) -> None:
    with session_scope(catalog) as session:
        job = queries.create(session, kind="selftest", spec={"seconds": 60, "steps": 600})
    runners = [subprocess.Popen(RUNNER, cwd=launch._ROOT) for _ in range(3)]
    try:
        assert eventually(lambda: state(catalog, job.id) == "running")
        winner = runner_of(catalog)
        assert eventually(
            lambda: [process.pid for process in runners if process.poll() is None] == [winner.pid]
        )
        held = jobs.get(catalog, job.id)
        assert held is not None and held.owner == winner.token
    finally:
        jobs.cancel(catalog, job.id)
        endings = [process.wait(15) for process in runners]
    assert endings == [0, 0, 0]
    assert state(catalog, job.id) == "cancelled"


SUBMIT = """
import sys
from app import jobs
from app.home import database_url
from app.jobs import launch
from db.engine import open_engine
from tests.app.jobs import selftest_task
selftest_task.register()
launch.COMMAND = tuple(sys.argv[1:])
print(jobs.submit(open_engine(database_url()), "selftest", {"seconds": 1, "value": "same"}))
heavy = {"torch", "pymupdf", "fitz", "pebble", "streamlit", "pandas"} & set(sys.modules)
print(",".join(sorted(heavy)) or "light")
"""


def test_submitted_twice_at_once_it_runs_once_and_outlives_who_asked(catalog: Engine) -> None:
    command = [sys.executable, "-c", SUBMIT, *RUNNER]
    asking = [
        subprocess.Popen(command, cwd=launch._ROOT, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    answers = [process.communicate(timeout=20)[0].split() for process in asking]
    assert [process.returncode for process in asking] == [0, 0]
    (first, first_imports), (second, second_imports) = answers
    assert first == second, "the same work is the same job"
    assert (first_imports, second_imports) == ("light", "light")
    assert state(catalog, first) in ("queued", "running"), "those who asked are gone"
    assert jobs.wait(catalog, first).state == "succeeded"
    assert len(jobs.recent(catalog)) == 1
    assert jobs.submit(catalog, "selftest", {"seconds": 1, "value": "same"}) != first


def test_a_locked_catalog_delays_a_job_and_no_more(catalog: Engine) -> None:
    job_id = jobs.submit(catalog, "selftest", {"seconds": 0.5, "steps": 10})
    assert eventually(lambda: state(catalog, job_id) == "running")
    with catalog.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        time.sleep(3.2)  # past the job's end, and past the runner's busy timeout
        assert state(catalog, job_id) == "running"
        connection.rollback()
    assert jobs.wait(catalog, job_id).state == "succeeded"


def test_ctrl_c_while_waiting_cancels_the_job(catalog: Engine) -> None:
    job_id = jobs.submit(catalog, "selftest", {"seconds": 60, "steps": 600})
    assert eventually(lambda: state(catalog, job_id) == "running")
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    begin = time.monotonic()
    assert jobs.wait(catalog, job_id).state == "cancelled"
    assert time.monotonic() - begin < 3
