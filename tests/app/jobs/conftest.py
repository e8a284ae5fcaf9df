from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from sqlalchemy import Engine

from app.jobs import launch
from app.jobs.processes import sweep
from app.jobs.tasks import KINDS
from db.engine import open_engine
from db.models import Base
from tests.app.jobs import selftest_task

RUNNER = (sys.executable, "-m", "tests.app.jobs.selftest_runner")


@pytest.fixture
def catalog(
    backend: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> Iterator[Engine]:
    """An empty catalog in a home of its own; whatever its jobs started is gone afterwards."""
    monkeypatch.setenv("ASSAY_HOME", str(tmp_path))
    monkeypatch.delenv("ASSAY_DATABASE_URL", raising=False)
    monkeypatch.setattr(launch, "COMMAND", RUNNER)
    monkeypatch.setattr(launch, "IDLE_S", 1.0)
    for name, kind in selftest_task.KINDS.items():
        monkeypatch.setitem(KINDS, name, kind)
    if backend == "sqlite":
        engine = open_engine(f"sqlite:///{tmp_path / 'assay.db'}")
        Base.metadata.create_all(engine)
    else:
        url = request.getfixturevalue("postgres_url")
        monkeypatch.setenv("ASSAY_DATABASE_URL", url)
        engine = open_engine(url)
    yield engine
    engine.dispose()
    sweep("ASSAY_HOME", str(tmp_path))


def eventually(condition: Callable[[], object], seconds: float = 8.0) -> bool:
    """Whether `condition` comes true within `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.03)
    return bool(condition())


def is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def pids_in(path: Path, count: int) -> list[int]:
    """The process numbers that a job wrote down, once there are `count` of them."""
    assert eventually(lambda: path.exists() and len(path.read_text().split()) >= count)
    return [int(line) for line in path.read_text().split()]
