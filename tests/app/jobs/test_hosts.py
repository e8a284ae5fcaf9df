"""Work on several hosts that die, restart and lose the network: each job ends as what it is."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from sqlalchemy import Engine

from app import jobs
from app.jobs.context import run_task
from app.jobs.tasks import KINDS
from app.workflows import job_tasks
from db.engine import session_scope
from db.queries import jobs as queries
from db.queries import runs
from tests.app.jobs import engine_work
from tests.app.run_documents import document, run
from tests.conftest import PROJECT

from .conftest import eventually, is_running, pids_in
from .hosts_cluster import Cluster, make_certificates, proxy
from .test_tasks import OWNER, job_log, seeded

__all__ = ["seeded"]

pytestmark = pytest.mark.xdist_group("hosts")

# Stands in for `python -m prototypes` on a host: slow where it finds no file, and says so.
HARNESS = """
import json, os, pathlib, sys, time
arguments = sys.argv[2:]
folder = pathlib.Path(sys.argv[1])
print(json.dumps({"done": 1, "total": 2, "message": "half way"}), flush=True)
print("prototypes: measured in", os.getpid(), file=sys.stderr, flush=True)
mark = folder / "begun"
if not mark.exists():
    mark.write_text(str(os.getpid()))
    time.sleep(300)
out = pathlib.Path(arguments[arguments.index("--out") + 1])
out.write_text((folder / "answer.json").read_text())
"""


@pytest.fixture
def hosted(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """The cluster, as the environment names it."""
    monkeypatch.setenv("ASSAY_SCHEDULER", cluster.url)
    monkeypatch.setenv("ASSAY_TLS", str(cluster.tls))
    monkeypatch.setenv("ASSAY_HOSTS_PATIENCE", "30")
    monkeypatch.setenv("ASSAY_JOB", "")  # the job sets it: put back what was there
    return cluster


@pytest.fixture
def harness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a stand-in for the harness, which hangs until "begun" is there."""
    script = tmp_path / "stand_in.py"
    script.write_text(HARNESS)
    (tmp_path / "answer.json").write_text(json.dumps(document(run())))
    monkeypatch.setattr(job_tasks, "PROTOTYPES", (sys.executable, str(script), str(tmp_path)))
    return tmp_path


class Benchmark:
    """A benchmark job that runs in a thread, as the runner's worker would run it."""

    def __init__(self, engine: Engine, **spec: Any) -> None:
        self.spec = {"prototype": "sampling", "device": "cpu", **spec}
        self.engine = engine
        with session_scope(engine) as session:
            self.id = queries.create(session, kind="benchmark", spec=self.spec).id
            queries.claim(session, self.id, OWNER)
        self.result: dict[str, Any] = {}
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        url = self.engine.url.render_as_string(hide_password=False)
        function = KINDS["benchmark"].function
        self.result = run_task(function, url, self.id, OWNER, self.spec)

    def says(self) -> str:
        job = jobs.get(self.engine, self.id)
        assert job is not None
        return jobs.describe(job, "en").text

    def host(self) -> str:
        """The host that is at work, once one is."""
        assert eventually(lambda: "first" in self.says() or "second" in self.says(), 20), (
            self.says()
        )
        return "first" if "first" in self.says() else "second"

    def ends(self, seconds: float = 60.0) -> tuple[str, str]:
        """Its state and its last word, as the page shows them."""
        self._thread.join(seconds)
        assert self.result, f"still at work: {self.says()}"
        with session_scope(self.engine) as session:
            queries.finish(
                session, self.id, OWNER, self.result["state"],
                outcome=self.result["outcome"], message=self.result.get("message"),
            )  # fmt: skip
        job = jobs.get(self.engine, self.id)
        assert job is not None
        view = jobs.describe(job, "en")
        assert view.can_retry is (view.state != "succeeded")
        return view.state, view.text


def measured(engine: Engine) -> int:
    with session_scope(engine) as session:
        return len(runs.for_prototypes(session, ["sampling"]))


def until_begun(harness: Path) -> int:
    mark = harness / "begun"
    assert eventually(lambda: mark.exists() and mark.read_text(), 40)
    return int(mark.read_text())


def test_a_dead_host_a_new_scheduler_and_a_cancel(
    seeded: Engine, harness: Path, hosted: Cluster
) -> None:
    # The host that measures is killed: another does it, and the page says so.
    benchmark = Benchmark(seeded)
    pid = until_begun(harness)
    lost = benchmark.host()
    assert hosted.worker(lost) in {parent.pid for parent in psutil.Process(pid).parents()}
    hosted.kill_worker(lost)
    state, text = benchmark.ends()
    assert state == "succeeded", text
    assert text.startswith("Runs stored: 1. Host: ")
    assert f"tried 2 times ({lost} went away)" in text or "its host went away" in text
    assert benchmark.result["outcome"]["retried"] == 1
    assert benchmark.result["outcome"]["hosts"][0] == lost
    assert measured(seeded) == 1
    assert not is_running(pid), "what the dead host had started is gone"
    log = Path(job_log(benchmark.id)).read_text()
    assert "measured in" in log and str(pid) not in log, "the log is that of the run that counts"

    # The scheduler is killed and comes again: workers join anew, the work is done.
    (harness / "begun").unlink()
    benchmark = Benchmark(seeded, quick=True)
    pid = until_begun(harness)
    hosted.kill_scheduler()
    assert eventually(lambda: not is_running(pid), 20), "a host without a scheduler ends its work"
    hosted.serve()
    state, text = benchmark.ends()
    assert state == "succeeded", text
    assert "tried 2 times (the connection to the scheduler broke)" in text

    # Cancelled, the harness is gone from the host at once.
    (harness / "begun").unlink()
    benchmark = Benchmark(seeded, cases=["b1-v128256"])
    pid = until_begun(harness)
    with session_scope(seeded) as session:
        queries.request_cancel(session, benchmark.id)
    assert eventually(lambda: not is_running(pid), 10)
    benchmark.ends()
    assert benchmark.result["state"] == "cancelled"


def test_a_device_that_nobody_offers_and_hosts_with_other_code(
    seeded: Engine, harness: Path, hosted: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSAY_HOSTS_PATIENCE", "1.5")
    state, text = Benchmark(seeded, device="cuda", on=["h100"]).ends()
    assert state == "lost"
    assert text == (
        "For 2 s no host offered cuda + h100: start one (assay hosts join), then retry."
    )

    # Other code is refused, and it is said where to bring it up to date.
    monkeypatch.setattr("app.jobs.hosts.engine.code_version", lambda kind: "0.1.0+ffffffffffff")
    state, text = Benchmark(seeded).ends()
    assert state == "failed"
    assert text.startswith("Other code than here (0.1.0+ffffffffffff) on first (0.1.0+")
    assert "second (0.1.0+" in text and "git pull && make setup" in text
    assert not (harness / "begun").exists(), "nothing ran"


def test_papers_are_read_by_all_and_none_is_lost_with_a_host(
    seeded: Engine, hosted: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.workflows.add import add_sources

    folder = tmp_path / "papers"
    folder.mkdir()
    for number in range(3):
        (folder / f"paper-{number}.md").write_text(
            f"# Widget {number} by int4 attention\n\n## Abstract\n\nOur kernel is 1.{number}x "
            "faster than FlashAttention-2 on an A100 GPU in the prefill phase of attention.\n"
        )
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 nothing")
    killed: list[str] = []

    def kill_one(done: int, total: int | None, note: object) -> None:
        if not killed:
            killed.append("first")
            hosted.kill_worker("first")

    summary = add_sources(seeded, [str(folder)], on_progress=kill_one)
    assert killed
    assert len(summary.added) == 3
    assert [failure.source for failure in summary.failed] == [str(folder / "broken.pdf")]
    again = add_sources(seeded, [str(folder)])
    assert (len(again.known), again.added) == (3, [])


def test_a_connection_that_breaks_costs_time_only(hosted: Cluster, tmp_path: Path) -> None:
    from app.jobs.hosts.engine import DaskEngine

    told: list[Any] = []
    mark = tmp_path / "mark"
    with (
        proxy(hosted.port) as between,
        DaskEngine(hosted.address(between.port), patience_s=20) as engine,
    ):
        future = engine.submit(engine_work.second_time, str(mark), on_event=told.append)
        assert eventually(mark.exists, 40)
        between.cut()
        assert future.result(30) == "done"
        assert [event.kind for event in told] == ["began", "retried", "began"]
        assert str(told[1].value) == "the connection to the scheduler broke"


ASKS = """
import sys, time
from pathlib import Path
from app.jobs.hosts.address import SchedulerAddress
from app.jobs.hosts.engine import DaskEngine
from tests.app.jobs import engine_work
engine = DaskEngine(SchedulerAddress(sys.argv[1], Path(sys.argv[2])))
engine.submit(engine_work.family, sys.argv[3])
time.sleep(60)
"""


def test_when_who_asked_dies_the_hosts_end_its_work(hosted: Cluster, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    command = [sys.executable, "-c", ASKS, hosted.url, str(hosted.tls), str(pids)]
    asking = subprocess.Popen(command, cwd=PROJECT)
    family = pids_in(pids, 3)
    asking.kill()
    asking.wait()
    assert eventually(lambda: not [pid for pid in family if is_running(pid)], 15)


def test_nobody_is_there(hosted: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.jobs.hosts import engine as engine_module
    from app.jobs.hosts.engine import DaskEngine
    from app.jobs.hosts.reasons import HostsLostError

    monkeypatch.setattr(engine_module, "LONG_S", 0.1)
    begin = time.monotonic()
    heard: list[str] = []
    with DaskEngine(hosted.address(9), patience_s=0.5) as engine:
        future = engine.submit(
            engine_work.add, 1, 2, on_event=lambda event: heard.append(str(event.value))
        )
        told = future.exception(20)
    assert isinstance(told, HostsLostError)
    assert "tls://127.0.0.1:9 could not be reached for 0 s: start it again" in str(told)
    assert heard == ["Waiting: No scheduler answers at tls://127.0.0.1:9."]
    assert time.monotonic() - begin < 15


def test_a_host_without_room_hands_the_work_on(hosted: Cluster) -> None:
    from app.jobs.hosts.engine import DaskEngine
    from app.jobs.hosts.reasons import HostsLostError

    heard: list[Any] = []
    with DaskEngine(hosted.address(), patience_s=20) as engine:
        told = engine.submit(engine_work.no_room, on_event=heard.append).exception(40)
    assert isinstance(told, HostsLostError), "nothing is wrong with the work: it can be retried"
    assert str(told) == (
        "No host could do it: first (No space left on device), second (No space left on device). "
        "Mend that, then retry."
    )
    tried = [str(event.value) for event in heard if event.kind == "retried"]
    assert sorted(tried) == [f"{name}: No space left on device" for name in ("first", "second")]


def listening(pid: int) -> int:
    """At how many ports a process listens, be it for IPv4, IPv6 or both."""
    found = psutil.Process(pid).net_connections(kind="tcp")
    return len({c.laddr.port for c in found if c.status == psutil.CONN_LISTEN})


def test_who_is_there_and_nothing_but_one_port_each(
    hosted: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.errors import AssayError
    from app.workflows.doctor import examine
    from app.workflows.hosts import Offers, list_hosts

    assert eventually(lambda: len(list_hosts(None)) == 2, 40)
    found = list_hosts(None)
    assert [host["name"] for host in found] == ["first", "second"]
    assert all(host["offers"] == ["cpu", "ours", "reading"] for host in found)
    told = {finding.name: (finding.good, str(finding.text)) for finding in examine()}
    assert told["hosts"] == (True, "2: first (cpu, ours, reading), second (cpu, ours, reading)")
    assert told["certificates"][0]
    assert Offers(list_hosts, again_s=9).devices(30) == ["cpu"]
    assert hosted.scheduler is not None
    pids = [hosted.scheduler.pid, hosted.worker("first"), hosted.worker("second")]
    assert [listening(pid) for pid in pids] == [1, 1, 1], "no dashboard, nor any other server"
    # Who has a certificate of another authority isn't let in.
    monkeypatch.setenv("ASSAY_TLS", str(make_certificates(tmp_path / "other")))
    monkeypatch.setattr("app.jobs.hosts.connection.CONNECT_S", 1.0)
    with pytest.raises(AssayError, match=r"at tls://127\.0.* no certificate that is trusted"):
        list_hosts(None)
