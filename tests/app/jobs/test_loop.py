"""What the runner's loop decides, on a real catalog with an executor and a clock that obey."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete

from app.jobs.engine import WorkerDiedError
from app.jobs.lease import HEARTBEAT_S, IDLE_S
from app.jobs.runner import (
    CANCEL_GRACE_S,
    HOSTED_SIDE_BY_SIDE,
    SIDE_BY_SIDE,
    JobLoop,
    OustedError,
)
from db.engine import open_engine, session_scope
from db.models import Job, Runner
from db.queries import jobs

pytestmark = pytest.mark.both

TOKEN = "abc@100"


class FakeExecutor:
    """Holds what was submitted until a test says how it ends."""

    def __init__(self) -> None:
        self.futures: dict[str, Future[Any]] = {}
        self.released: list[str] = []

    def submit(self, function: Callable[..., Any], /, *args: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self.futures[args[2]] = future
        return future

    def release(self, future: Future[Any]) -> None:
        self.released += [job for job, known in self.futures.items() if known is future]

    def succeed(self, job_id: str, **outcome: Any) -> None:
        self.futures[job_id].set_result({"state": "succeeded", "outcome": outcome})


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Stage:
    """A loop that holds the lease, with what it needs."""

    def __init__(self, catalog: Engine) -> None:
        self.catalog = catalog
        self.executor = FakeExecutor()
        self.clock = Clock()
        self.forgotten: list[str] = []
        with session_scope(catalog) as session:
            session.execute(delete(Job))
            session.execute(delete(Runner))
            assert jobs.runner_acquire(session, TOKEN, pid=1, host="here")
        self.loop = JobLoop(
            catalog, self.executor, TOKEN, forget=self.forgotten.append, clock=self.clock
        )

    def queue(self, kind: str = "selftest", **spec: Any) -> str:
        with session_scope(self.catalog) as session:
            return jobs.create(session, kind=kind, spec={**spec, "n": len(self.states())}).id

    def states(self) -> dict[str, str]:
        with session_scope(self.catalog) as session:
            return {job.id: job.state for job in jobs.list_recent(session, limit=100)}

    def job(self, job_id: str) -> Job:
        with session_scope(self.catalog) as session:
            job = jobs.get(session, job_id)
            assert job is not None
            return job

    def cancel(self, job_id: str) -> bool:
        with session_scope(self.catalog) as session:
            return jobs.request_cancel(session, job_id)

    def tick(self, seconds: float = 0.0) -> bool:
        self.clock.now += seconds
        return self.loop.tick()


@pytest.fixture
def stage(catalog: Engine) -> Stage:
    return Stage(catalog)


def test_a_job_goes_from_queued_over_running_to_succeeded(stage: Stage) -> None:
    job = stage.queue()
    assert stage.job(job).state == "queued"
    assert stage.tick()
    assert (stage.job(job).state, stage.job(job).owner) == ("running", TOKEN)
    stage.executor.succeed(job, value=3)
    assert stage.tick()
    ended = stage.job(job)
    assert (ended.state, ended.outcome) == ("succeeded", {"value": 3})
    assert ended.started_at and ended.finished_at and ended.started_at <= ended.finished_at
    assert stage.executor.released == [job] and stage.forgotten == [job]


def test_some_run_side_by_side_and_a_benchmark_runs_alone_in_its_turn(stage: Stage) -> None:
    first, second, third = stage.queue(), stage.queue(), stage.queue()
    alone, after = stage.queue("alone"), stage.queue()
    stage.tick()
    assert [stage.job(j).state for j in (first, second, third)] == ["running", "running", "queued"]
    assert SIDE_BY_SIDE == 2
    for job in (first, second):
        stage.executor.succeed(job)
    stage.tick()
    assert stage.job(third).state == "running"
    assert stage.job(alone).state == "queued", "the machine isn't free"
    assert stage.job(after).state == "queued", "nobody overtakes"
    stage.executor.succeed(third)
    stage.tick()
    assert stage.job(alone).state == "running"
    stage.tick()
    assert stage.job(after).state == "queued", "nothing beside a benchmark"
    stage.executor.succeed(alone)
    stage.tick()
    assert stage.job(after).state == "running"


def test_where_other_hosts_work_benchmarks_wait_for_nobody(catalog: Engine) -> None:
    stage = Stage(catalog)
    stage.loop.hosted = True
    queued = [stage.queue("alone" if number % 2 else "selftest") for number in range(10)]
    stage.tick()
    states = [stage.job(job).state for job in queued]
    assert states == ["running"] * HOSTED_SIDE_BY_SIDE + ["queued"] * (10 - HOSTED_SIDE_BY_SIDE)


def test_a_cancelled_job_may_stop_by_itself_and_is_killed_if_it_does_not(stage: Stage) -> None:
    polite, deaf = stage.queue(), stage.queue()
    stage.tick()
    assert stage.cancel(polite) and stage.cancel(deaf)
    stage.tick()
    assert stage.executor.released == []
    stage.executor.futures[polite].set_result({"state": "cancelled", "outcome": {}})
    stage.tick(CANCEL_GRACE_S / 2)
    assert (stage.job(polite).state, stage.job(deaf).state) == ("cancelled", "running")
    stage.tick(CANCEL_GRACE_S)
    assert stage.job(deaf).state == "cancelled"
    assert stage.executor.released == [polite, deaf]


def test_a_job_that_ends_well_despite_its_cancel_has_succeeded(stage: Stage) -> None:
    job = stage.queue()
    stage.tick()
    stage.cancel(job)
    stage.executor.succeed(job)
    stage.tick()
    assert stage.job(job).state == "succeeded"


def test_a_job_past_its_time_is_stopped(stage: Stage) -> None:
    job = stage.queue(timeout_s=10)
    stage.tick()
    stage.tick(9.9)
    assert stage.job(job).state == "running"
    stage.tick(0.2)
    assert stage.job(job).state == "timed_out"
    assert stage.job(job).message == {
        "template": "Stopped: it took longer than {seconds} s.",
        "params": {"seconds": 10},
    }
    assert stage.executor.released == [job]


@pytest.mark.parametrize(
    ("code", "words"), [(-9, "out of memory"), (-11, "SIGSEGV"), (3, "exit code 3"), (-99, "99")]
)
def test_a_dead_worker_is_a_failed_job_with_a_reason(stage: Stage, code: int, words: str) -> None:
    job = stage.queue()
    stage.tick()
    stage.executor.futures[job].set_exception(WorkerDiedError(code))
    stage.tick()
    ended = stage.job(job)
    assert ended.state == "failed"
    assert ended.message is not None
    assert words in ended.message["template"].format(**ended.message["params"])


def test_a_kind_nobody_knows_fails_and_does_not_stop_the_others(stage: Stage) -> None:
    unknown, known = stage.queue("of a newer Assay"), stage.queue()
    stage.tick()
    stage.tick()
    assert stage.job(unknown).state == "failed"
    assert "no kind of job" in (stage.job(unknown).outcome or {})["error"]
    assert stage.job(known).state == "running"


@pytest.mark.sqlite
def test_a_locked_catalog_delays_the_end_of_a_job(stage: Stage) -> None:
    job = stage.queue()
    stage.tick()
    stage.executor.succeed(job)
    stage.loop.database = open_engine(str(stage.catalog.url), busy_timeout_ms=50)
    with stage.catalog.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        assert stage.tick(), "no crash"
        connection.rollback()
    assert stage.job(job).state == "running"
    stage.tick()
    assert stage.job(job).state == "succeeded"
    stage.loop.database.dispose()


def test_a_runner_that_was_replaced_stops_and_writes_nothing(stage: Stage) -> None:
    job = stage.queue()
    stage.tick()
    with session_scope(stage.catalog) as session:
        jobs.runner_release(session, TOKEN)
        assert jobs.runner_acquire(session, "next@200", pid=2, host="here")
        assert jobs.mark_lost(session, except_owner="next@200") == [job]
    stage.executor.succeed(job)
    with pytest.raises(OustedError):
        stage.tick(HEARTBEAT_S)
    stage.loop.abandon()
    assert stage.job(job).state == "lost"
    assert stage.executor.released == [job]


def test_a_zombie_cannot_end_a_job_that_was_given_away(stage: Stage) -> None:
    job = stage.queue()
    stage.tick()
    with session_scope(stage.catalog) as session:
        jobs.mark_lost(session, owner=TOKEN)
    stage.executor.succeed(job)
    stage.tick()
    assert stage.job(job).state == "lost"


def test_an_idle_runner_leaves_after_a_while_but_not_from_a_job(stage: Stage) -> None:
    job = stage.queue()
    assert stage.tick(IDLE_S + 1)
    stage.executor.succeed(job)
    assert stage.tick(IDLE_S + 1), "it was busy until now"
    assert stage.tick(IDLE_S - 0.1)
    assert not stage.tick(0.2)
    with session_scope(stage.catalog) as session:
        assert jobs.runner(session) is None


def test_stopping_marks_what_runs_lost_and_leaves_what_waits(stage: Stage) -> None:
    running, other, waiting = stage.queue(), stage.queue(), stage.queue()
    stage.tick()
    stage.loop.stop()
    assert [stage.job(j).state for j in (running, other, waiting)] == ["lost", "lost", "queued"]
    assert sorted(stage.executor.released) == sorted([running, other])
    with session_scope(stage.catalog) as session:
        assert jobs.runner(session) is None


STEPS = st.lists(
    st.sampled_from(
        ["queue", "queue alone", "cancel", "tick", "wait", "succeed", "fail", "die", "lose"]
    ),
    max_size=30,
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=STEPS, which=st.integers(min_value=0, max_value=1000))
def test_whatever_happens_states_only_go_forward(
    catalog: Engine, steps: list[str], which: int
) -> None:
    stage = Stage(catalog)
    before: dict[str, str] = {}
    for step in steps:
        known = sorted(stage.states())
        picked = known[which % len(known)] if known else None
        open_futures = [f for f in stage.executor.futures.values() if not f.done()]
        if step.startswith("queue"):
            stage.queue("alone" if "alone" in step else "selftest", which=which)
        elif step == "cancel" and picked:
            stage.cancel(picked)
        elif step == "succeed" and open_futures:
            open_futures[0].set_result({"state": "succeeded", "outcome": {}})
        elif step == "fail" and open_futures:
            open_futures[0].set_result({"state": "failed", "outcome": {"error": "x"}})
        elif step == "die" and open_futures:
            open_futures[0].set_exception(WorkerDiedError(-9))
        elif step == "lose":
            with session_scope(catalog) as session:
                jobs.mark_lost(session, owner=TOKEN)
        elif step in ("tick", "wait") and not stage.tick(
            CANCEL_GRACE_S + 0.1 if step == "wait" else 0.0
        ):
            # The loop gave up its lease for want of work: its process ends there.
            assert not stage.states() or set(stage.states().values()) <= set(jobs.FINAL_STATES)
            return
        after = stage.states()
        for job_id, state in before.items():
            if state in jobs.FINAL_STATES:
                assert after[job_id] == state
            elif state == "running":
                assert after[job_id] != "queued"
        with session_scope(catalog) as session:
            running = [j.kind for j in jobs.list_active(session) if j.state == "running"]
        assert len(running) <= SIDE_BY_SIDE
        assert "alone" not in running or len(running) == 1
        before = after
