"""A database server that goes away and comes back: what runs goes on, nothing is forgotten."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine

from app.jobs import lease
from db import patience
from db.engine import open_engine, session_scope
from db.errors import UnreachableError
from db.patience import PATIENCE_S, patiently
from db.postgres_errors import as_catalog_error
from db.queries import jobs
from tests.app.jobs.test_loop import TOKEN, Stage

NOBODY = "postgresql+psycopg://assay@/assay?host=/no/such/folder"


@pytest.fixture
def stage(catalog: Engine) -> Stage:
    return Stage(catalog)


@pytest.fixture
def away() -> Engine:
    pytest.importorskip("psycopg")
    return open_engine(NOBODY)


def test_a_job_ends_when_the_server_is_back(stage: Stage, away: Engine) -> None:
    job = stage.queue()
    stage.tick()
    stage.executor.succeed(job)
    stage.loop.database = away
    assert stage.tick() and stage.tick(PATIENCE_S - 1)
    stage.loop.database = stage.catalog
    assert stage.tick()
    assert stage.job(job).state == "succeeded"
    stage.loop.database = away
    assert stage.tick(), "the patience begins anew"
    with pytest.raises(UnreachableError):
        stage.tick(PATIENCE_S + 1)


def test_a_claim_that_nobody_heard_of_is_begun(stage: Stage) -> None:
    """The server took the claim, and the connection broke before it said so."""
    job = stage.queue()
    with session_scope(stage.catalog) as session:
        assert jobs.claim(session, job, TOKEN)
    stage.tick()
    stage.tick()
    assert list(stage.executor.futures) == [job]
    assert len(stage.loop.running) == 1
    stage.executor.succeed(job)
    stage.tick()
    assert stage.job(job).state == "succeeded"


def test_a_runner_that_was_silent_while_the_server_was_away_is_not_taken_for_dead(
    catalog: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    long_ago = "2026-01-01T00:00:00.000000+00:00"
    with session_scope(catalog) as session:
        assert jobs.runner_acquire(session, TOKEN, pid=1, host="elsewhere", at=long_ago)

    def beat(seconds: float) -> None:
        with session_scope(catalog) as session:
            assert jobs.runner_heartbeat(session, TOKEN)

    def held() -> bool:
        with session_scope(catalog) as session:
            return jobs.runner(session) is not None

    monkeypatch.setattr("time.sleep", beat)
    assert lease.bury(catalog) == [] and held()
    with session_scope(catalog) as session:
        assert jobs.runner_heartbeat(session, TOKEN, at=long_ago)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    lease.bury(catalog)
    assert not held()


def test_work_is_done_again_while_the_server_is_away(
    away: Engine, catalog: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "PAUSE_S", 0.0)
    tries: list[int] = []

    def act() -> int:
        tries.append(len(tries))
        if len(tries) % 3:
            raise UnreachableError("away")
        return len(tries)

    assert patiently(away, act) == 3
    with pytest.raises(UnreachableError):
        patiently(away, act, is_wanted=lambda: False)
    assert patiently(away, act) == 6
    with pytest.raises(UnreachableError):
        patiently(away, act, patience_s=0.0)
    if catalog.dialect.name == "sqlite":  # no server that could come back
        with pytest.raises(UnreachableError):
            patiently(catalog, act)


def test_a_server_that_starts_is_said_to_be_starting() -> None:
    psycopg = pytest.importorskip("psycopg")
    for words in ("starting up", "in recovery mode", "not yet accepting connections"):
        said = f'connection to server on socket "/x" failed: FATAL:  the database system is {words}'
        error = as_catalog_error(psycopg.OperationalError(said), "db/assay")
        assert error is not None and "just starting" in error.message
