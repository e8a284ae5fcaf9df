"""One request at a time over threads and processes."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from itertools import pairwise
from pathlib import Path

import pytest

from analyzers.errors import ErrorKind, SourceError
from analyzers.sources.rate_gate import RateGate
from tests.conftest import PROJECT


def test_threads_take_turns(tmp_path: Path) -> None:
    inside: list[int] = []
    most: list[int] = []

    def work() -> None:
        with RateGate(tmp_path / "lock", 0.05).turn():
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.02)
            inside.pop()

    threads = [threading.Thread(target=work) for _ in range(5)]
    start = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 5
    assert time.monotonic() - start >= 4 * 0.05


def test_processes_take_turns(tmp_path: Path) -> None:
    script = (
        "import sys, time\nfrom pathlib import Path\n"
        "from analyzers.sources.rate_gate import RateGate\n"
        "for _ in range(2):\n"
        "    with RateGate(Path(sys.argv[1]), 0.3).turn():\n"
        "        print(time.time(), flush=True)\n"
    )
    children = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path / "lock")],
            cwd=PROJECT,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    times = sorted(float(line) for child in children for line in child.communicate()[0].split())
    assert len(times) == 4
    assert min(b - a for a, b in pairwise(times)) >= 0.28


def test_waiting_can_be_stopped_and_has_an_end(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    gate = RateGate(lock, 0.0, patience_s=0.1)
    with RateGate(lock, 0.0).turn(), pytest.raises(SourceError) as busy, gate.turn():
        pass
    assert busy.value.kind is ErrorKind.BUSY
    with pytest.raises(SourceError) as stopped:
        RateGate(lock, 60.0, should_stop=lambda: True).sleep(60.0)
    assert stopped.value.kind is ErrorKind.CANCELLED


@pytest.mark.parametrize(
    "content",
    [b"", b"not a number", b"9999999999.0", b"9999999999.0 refused", b"1 strange", b"\xff\xfe"],
)
def test_a_strange_lock_file_costs_one_interval_at_most(tmp_path: Path, content: bytes) -> None:
    lock = tmp_path / "lock"
    lock.write_bytes(content)
    start = time.monotonic()
    with RateGate(lock, 0.2).turn():
        pass
    assert time.monotonic() - start < 1.0


def test_a_planted_link_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / "lock").symlink_to(victim)
    with pytest.raises(SourceError) as caught, RateGate(tmp_path / "lock", 0.0).turn():
        pass
    assert caught.value.kind is ErrorKind.DISK
    assert victim.read_text() == "precious"


def test_one_that_asks_all_the_time_starves_no_other(tmp_path: Path) -> None:
    stop = threading.Event()

    def ask_and_ask() -> None:
        while not stop.is_set():
            with RateGate(tmp_path / "lock", 0.1).turn():
                pass

    busy = threading.Thread(target=ask_and_ask)
    busy.start()
    try:
        start = time.monotonic()
        for _ in range(3):
            with RateGate(tmp_path / "lock", 0.1, patience_s=10.0).turn():
                pass
        assert time.monotonic() - start < 8.0
    finally:
        stop.set()
        busy.join()


def test_what_one_process_is_told_to_wait_all_wait(tmp_path: Path) -> None:
    with RateGate(tmp_path / "lock", 0.0).turn() as turn:
        turn.hold(0.5, ErrorKind.RATE_LIMITED)
    start = time.monotonic()
    with RateGate(tmp_path / "lock", 0.0).turn():
        assert time.monotonic() - start >= 0.4
    with RateGate(tmp_path / "lock", 0.0).turn() as turn:
        turn.hold(3600.0, ErrorKind.REFUSED)
    with pytest.raises(SourceError) as caught, RateGate(tmp_path / "lock", 0.0).turn():
        pass
    assert caught.value.kind is ErrorKind.REFUSED
    assert "60 min" in caught.value.message
