"""The contract of `app.jobs.engine.Engine`, held by the engine of one machine and by Dask's."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.jobs.engine import Engine, PebbleEngine, WorkerDiedError
from tests.app.jobs import engine_work

from .conftest import eventually, is_running, pids_in
from .hosts_cluster import Cluster

pytestmark = pytest.mark.xdist_group("hosts")


@pytest.fixture(params=["embedded", "hosts"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    if request.param == "embedded":
        yield PebbleEngine()
        return
    cluster: Cluster = request.getfixturevalue("cluster")
    from app.jobs.hosts.engine import DaskEngine

    with DaskEngine(cluster.address(), patience_s=20) as hosts:
        yield hosts


def test_what_an_engine_promises(engine: Engine, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    begun: dict[str, Any] = {
        "right": engine.submit(engine_work.add, 2, 3),
        "wrong": engine.submit(engine_work.fail, "no such shelf"),
        "crash": engine.submit(engine_work.crash),
        "stays": engine.submit(engine_work.family, str(pids)),
    }
    assert begun["right"].result(30) == 5
    with pytest.raises(LookupError, match="no such shelf"):
        begun["wrong"].result(30)
    with pytest.raises(WorkerDiedError) as died:  # and it cost the others nothing
        begun["crash"].result(30)
    assert died.value.code == -signal.SIGSEGV
    family = pids_in(pids, 3)
    assert not begun["stays"].done()
    begin = time.monotonic()
    engine.release(begun["stays"])
    assert eventually(lambda: not is_running(family[0]) and not is_running(family[1]), 3)
    assert time.monotonic() - begin < 3
    for future in begun.values():
        engine.release(future)  # one that is over, or was released, is no error
    after = engine.submit(engine_work.add, 1, 1)
    assert after.result(30) == 2
    engine.release(after)
