"""Jobs in words."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psutil
import pytest
from sqlalchemy import Engine

from analyzers.message import message
from app import jobs
from app.jobs import launch, lease, processes
from app.jobs.watch import STATE_WORDS
from db.engine import session_scope
from db.models import Job, Runner
from db.queries import jobs as queries

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def job(**values: Any) -> Job:
    defaults: dict[str, Any] = {
        "id": "j1",
        "kind": "benchmark",
        "spec": {"prototype": "sampling", "device": "cpu", "quick": True},
        "state": "running",
        "device": "cpu",
        "done": 3,
        "total": 4,
        "cancel_requested": False,
        "created_at": START.isoformat(),
        "started_at": (START + timedelta(seconds=5)).isoformat(),
    }
    return Job(**{**defaults, **values})


def test_a_running_job_in_words() -> None:
    told = jobs.describe(
        job(message=message("round {n}", n=2).to_json()), "en", at=START + timedelta(seconds=15)
    )
    assert told.title == "Quick run of sampling on cpu"
    assert (told.state_text, told.text) == ("running", "round 2")
    assert (told.fraction, told.elapsed_s, told.position) == (0.75, 10.0, None)
    assert told.can_cancel and not told.can_retry and told.is_active


def test_a_job_that_was_asked_to_stop_says_so() -> None:
    told = jobs.describe(job(cancel_requested=True), "en")
    assert told.state_text == "stopping" and not told.can_cancel


@pytest.mark.parametrize("state", sorted(jobs.FINAL))
def test_a_job_that_is_over(state: str) -> None:
    told = jobs.describe(
        job(
            state=state,
            finished_at=(START + timedelta(seconds=65)).isoformat(),
            outcome={"error": "x"} if state == "failed" else None,
        ),
        "en",
    )
    assert told.elapsed_s == 60.0
    assert told.state_text == STATE_WORDS[state]
    assert told.can_retry == (state != "succeeded")
    assert not told.is_active and not told.can_cancel
    assert told.error == ("x" if state == "failed" else None)


@pytest.mark.parametrize(
    ("spec", "title"),
    [
        ({"sources": ["/home/me/a {paper}.pdf"]}, "Add a {paper}.pdf"),
        ({"sources": ["2410.02367", "x"]}, "Add 2 papers"),
        ({"sources": [], "query": "kv cache"}, "Add papers found for “kv cache”"),
        ({}, "Add 0 papers"),
    ],
)
def test_titles_of_add_jobs(spec: dict[str, Any], title: str) -> None:
    assert jobs.describe(job(kind="add", spec=spec), "en").title == title


def test_places_in_the_queue_and_expected_times(catalog: Engine) -> None:
    with session_scope(catalog) as session:
        for seconds in (10, 30, 20):
            done = queries.create(session, kind="selftest", spec={"x": 1})
            done.started_at = START.isoformat()
            done.finished_at = (START + timedelta(seconds=seconds)).isoformat()
            done.state = "succeeded"
            session.flush()
        ids = [queries.create(session, kind="selftest", spec={"x": x}).id for x in (1, 2)]
    told = jobs.describe_all(catalog, "en")
    assert [view.id for view in told[:2]] == ids
    assert [view.position for view in told] == [1, 2, None, None, None]
    assert [view.expected_s for view in told[:2]] == [20, None]
    assert [job.id for job in jobs.active(catalog)] == ids
    assert jobs.active(catalog, "benchmark") == []


def test_looking_starts_a_runner_for_a_job_that_waits_in_vain(
    catalog: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []
    monkeypatch.setattr(launch, "_children", [])
    monkeypatch.setattr(launch, "_start", lambda url: started.append(url) or Child())

    class Child:
        def poll(self) -> None:
            return None

    with session_scope(catalog) as session:
        fresh = queries.create(session, kind="selftest", spec={})
    [view] = jobs.describe_all(catalog, "en")
    assert (view.id, view.state, started) == (fresh.id, "queued", [])
    with session_scope(catalog) as session:
        old = queries.create(session, kind="selftest", spec={"x": 1})
        old.created_at = START.isoformat()
    jobs.describe_all(catalog, "en")
    jobs.describe_all(catalog, "en")
    assert started == [str(catalog.url)], "once: it is on its way"


def test_when_a_runner_is_taken_for_dead() -> None:
    at = datetime.now(UTC)

    def runner(silent_s: float, **values: Any) -> Runner:
        beat = (at - timedelta(seconds=silent_s)).isoformat()
        defaults = {"token": lease.new_token(), "pid": os.getpid(), "host": lease.this_machine()}
        return Runner(id=1, heartbeat_at=beat, **{**defaults, **values})

    assert lease.is_live(runner(1), at)
    assert lease.is_live(runner(15), at), "busy or asleep, but there"
    assert not lease.is_live(runner(25), at), "hung"
    assert not lease.is_live(runner(1, token="abc@1000000000"), at), "another process by now"
    assert not lease.is_live(runner(1, pid=2**22 - 1), at)
    assert lease.is_live(runner(4, host="elsewhere", pid=1), at)
    assert not lease.is_live(runner(6, host="elsewhere", pid=1), at)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a start time is the clock's")
def test_a_clock_that_is_put_right_kills_no_runner(monkeypatch: pytest.MonkeyPatch) -> None:
    here = os.getpid()
    started = processes.start_time(here)
    assert started is not None and 0 < started < psutil.boot_time()
    later = psutil.boot_time() + 3600.0
    monkeypatch.setattr("psutil._pslinux.boot_time", lambda: later)
    assert processes.is_alive(here, started)


def test_a_runner_whose_machine_has_another_clock_is_known_by_its_beat(
    catalog: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with session_scope(catalog) as session:
        job = queries.create(session, kind="selftest", spec={})
        assert queries.runner_acquire(session, "far@1", pid=1, host=socket.gethostname())
        assert queries.claim(session, job.id, "far@1") is not None
    naps: list[float] = []

    def beating(ahead: timedelta) -> Callable[[float], None]:
        def beat(seconds: float) -> None:
            naps.append(seconds)
            clock = (datetime.now(UTC) + ahead).isoformat(timespec="microseconds")
            with session_scope(catalog) as session:
                assert queries.runner_heartbeat(session, "far@1", at=clock)

        return beat

    for ahead in (timedelta(hours=-1), timedelta(hours=1)):
        beat = beating(ahead)
        beat(0)
        monkeypatch.setattr("time.sleep", beat)
        assert lease.bury(catalog) == []
        beat(0)
        assert lease.bury(catalog) == []
    assert naps == [0, lease.SECOND_LOOK_S, 0, 0, 0], "it is looked at twice once"
    # An hour ahead, and silent: it isn't taken for alive until the clock here has caught up.
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    monkeypatch.setattr(lease, "_heard", {})
    assert lease.bury(catalog) == [job.id]


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({"prototype": "sage", "device": "cpu"}, "sage"),
        ({"names": ["attention", "kv"]}, "attention, kv"),
        ({"sources": ["2410.02367", "/papers/0123456789ab-mine.pdf"]}, "2410.02367, mine.pdf"),
        ({"sources": [], "query": "cat:cs.LG"}, "cat:cs.LG"),
        ({}, ""),
    ],
)
def test_what_a_job_is_about(spec: dict[str, Any], told: str) -> None:
    assert jobs.subject(spec) == told


def test_a_file_that_was_sent_is_called_as_it_was() -> None:
    sent = job(kind="add", spec={"sources": ["/papers/0123456789ab-mine.pdf"]})
    assert jobs.describe(sent, "en").title == "Add mine.pdf"
