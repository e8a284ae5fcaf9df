"""Watches on time: once for each date, whoever looks, and after a restart too."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from app.jobs.context import JobCancelledError, JobContext, JobFailedError
from app.workflows.job_tasks import ask_watches
from app.workflows.watch import next_due
from app.workflows.watch_schedule import Schedule, submit_due
from db.engine import open_engine, session_scope
from db.models import Job
from db.queries import jobs, watches
from tests.analyzers.arxiv_server import Replica, replica
from tests.app.arxiv import publish

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def no_runner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.workflows.watch_schedule.ensure_runner", lambda engine: None)


@pytest.fixture
def kv(catalog: Engine) -> Engine:
    """A catalog with a watch that was due at noon."""
    with session_scope(catalog) as session:
        watch = watches.add(session, "kv", "abs:cache")
        watches.note_result(session, watch.id, due_at=NOON.isoformat(timespec="microseconds"))
    return catalog


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Replica]:
    with replica() as state:
        monkeypatch.setenv("ASSAY_ARXIV_URL", f"{state.url}/api/query")
        state.papers.clear()
        yield state


def waiting(engine: Engine) -> list[Job]:
    with session_scope(engine) as session:
        return jobs.list_active(session)


def test_a_date_is_taken_once(kv: Engine) -> None:
    assert submit_due(kv, NOON - timedelta(seconds=1)) == []
    assert len(submit_due(kv, NOON)) == 1
    assert submit_due(kv, NOON + timedelta(hours=23)) == []
    assert [job.spec for job in waiting(kv)] == [{"names": ["kv"]}]
    restarted = open_engine(str(kv.url))
    assert submit_due(restarted, NOON + timedelta(hours=23)) == []
    # The machine was off for three days: that is one date, not three.
    [job] = submit_due(restarted, NOON + timedelta(days=3))
    assert job == waiting(kv)[0].id  # still waiting: the same work is the same job
    assert submit_due(restarted, NOON + timedelta(days=3, hours=23)) == []
    restarted.dispose()


def test_two_servers_ask_once(kv: Engine) -> None:
    barrier = threading.Barrier(4)
    queued: list[str] = []

    def look() -> None:
        engine = open_engine(str(kv.url))
        barrier.wait()
        queued.extend(submit_due(engine, NOON))
        engine.dispose()

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(queued) == 1


def test_paused_and_removed_watches_rest(kv: Engine) -> None:
    with session_scope(kv) as session:
        watches.set_paused(session, "kv", True)
    assert submit_due(kv, NOON) == []
    with session_scope(kv) as session:
        watches.set_paused(session, "kv", False)
        watches.remove(session, "kv")
    assert submit_due(kv, NOON) == []
    with session_scope(kv) as session:
        watches.restore(session, "kv")
    assert len(submit_due(kv, NOON)) == 1


def test_the_thread_looks_and_ends(kv: Engine) -> None:
    schedule = Schedule(first_look_s=0.0, look_every_s=0.05, clock=lambda: NOON)
    schedule.start()
    give_up = time.monotonic() + 5
    while not waiting(kv) and time.monotonic() < give_up:
        time.sleep(0.02)
    schedule.stop()
    assert len(waiting(kv)) == 1


def test_the_thread_makes_no_catalog_and_outlives_trouble(
    own_home: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule = Schedule(first_look_s=0.0, look_every_s=0.01)
    schedule.start()
    time.sleep(0.1)
    assert not (own_home / "assay.db").exists()
    monkeypatch.setattr("app.home.database_url", lambda: "mysql://nowhere")
    time.sleep(0.1)
    monkeypatch.undo()
    assert schedule._thread.is_alive()
    schedule.stop()
    assert not schedule._thread.is_alive()
    assert "could not be looked at" in caplog.text


def context(engine: Engine, cancelled: bool = False) -> JobContext:
    with session_scope(engine) as session:
        job = jobs.create(session, kind="watch", spec={"names": ["kv"]})
        taken = jobs.claim(session, job.id, "test")
        assert taken is not None
        if cancelled:
            jobs.request_cancel(session, job.id)
    return JobContext(engine, job.id, "test", {"names": ["kv"]})


def test_the_job_asks_and_tells(kv: Engine, server: Replica) -> None:
    publish(server, "2412.90001", "Fast Caches for Everyone", has_pdf=False)
    outcome = ask_watches(context(kv))
    assert [p["paper_id"] for p in outcome["runs"][0]["new"]] == ["2412.90001"]
    assert outcome["message"]["params"] == {"new": 1, "versions": 0}


def test_a_cancelled_job_reads_nothing(kv: Engine, server: Replica) -> None:
    publish(server, "2412.90001", "Fast Caches for Everyone", has_pdf=False)
    with pytest.raises(JobCancelledError):
        ask_watches(context(kv, cancelled=True))
    assert not server.asked


def test_a_failing_job_says_why_and_backs_off(kv: Engine) -> None:
    with pytest.raises(JobFailedError, match="can't be reached"):
        ask_watches(context(kv))
    with session_scope(kv) as session:
        watch = watches.get(session, "kv")
        asked = datetime.fromisoformat(watch.asked_at or "")
        assert watch.failures == 1
        soon = datetime.fromisoformat(watch.due_at) - asked
    assert timedelta(minutes=14) < soon < timedelta(minutes=16)
    assert next_due("day", NOON, 2, "offline") - NOON == timedelta(minutes=30)


def test_the_job_of_a_removed_watch_says_so(kv: Engine) -> None:
    with session_scope(kv) as session:
        watches.remove(session, "kv")
    with pytest.raises(JobFailedError, match="removed"):
        ask_watches(context(kv))
