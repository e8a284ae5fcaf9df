from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from app.jobs import launch
from app.jobs.processes import sweep
from app.jobs.tasks import KINDS
from db.engine import open_engine
from db.models import Base
from tests.app.jobs import hosts_cluster, selftest_task
from tests.app.jobs.hosts_cluster import Cluster
from tests.app.jobs.waiting import eventually, is_running

__all__ = ["eventually", "is_running", "pids_in"]

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


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A scheduler and two hosts on this machine; started once, by the first test that asks."""
    if importlib.util.find_spec("distributed") is None:
        pytest.skip("distributed isn't installed: pip install 'assay[hosts]'")
    if hosts_cluster.OPENSSL is None:
        pytest.skip("there is no openssl to make certificates with")
    home = tmp_path_factory.mktemp("cluster")
    made = hosts_cluster.Cluster(hosts_cluster.make_certificates(home / "tls"), home)
    made.serve()
    made.join("first", "--device", "cpu", "--offer", "ours")
    made.join("second", "--device", "cpu", "--offer", "ours")
    assert eventually(lambda: made.log().count(" works for ") == 2, 60), made.log()
    yield made
    made.stop()


def pids_in(path: Path, count: int) -> list[int]:
    """The process numbers that a job wrote down, once there are `count` of them."""
    assert eventually(lambda: path.exists() and len(path.read_text().split()) >= count)
    return [int(line) for line in path.read_text().split()]
