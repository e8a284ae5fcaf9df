"""Limits and ends: output, memory in use, marks, the warden, taking turns."""

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest

from prototypes.harness import cpu, environment, gpu, turns
from prototypes.harness.isolation import Child, Limits, resident_bytes, run_child
from prototypes.harness.orphans import VARIABLE, Warden, marked, sweep
from prototypes.harness.status import Status

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]
REQUEST = {
    "task": "measure",
    "declaration": "tests.prototypes.specimens.declaration",
    "implementation": "doubling",
    "device": "cpu",
    "quick": True,
    "threads": 1,
    "rates": None,
}


def asleep(mark: str, **more: object) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(SLEEP, env={**os.environ, VARIABLE: mark}, **more)  # type: ignore[call-overload,no-any-return]


def wait_for(condition: "object", seconds: float = 5) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():  # type: ignore[operator]
            return True
        time.sleep(0.02)
    return False


def test_a_sweep_finds_the_detached_and_those_under_a_mark_and_nobody_else() -> None:
    mark, other = uuid.uuid4().hex, uuid.uuid4().hex
    mine = [asleep(mark), asleep(f"{mark}/one", start_new_session=True)]
    stranger = asleep(f"{other}{mark}")
    try:
        assert wait_for(lambda: len(marked(mark)) == 2)
        assert sweep(mark) == 2
        assert [p.wait() for p in mine] == [-signal.SIGKILL] * 2
        assert stranger.poll() is None
    finally:
        for process in (*mine, stranger):
            process.kill()
            process.wait()


def test_the_warden_sweeps_when_its_session_is_killed() -> None:
    mark = uuid.uuid4().hex
    script = (
        "import os, subprocess, sys, time\n"
        "from prototypes.harness.orphans import VARIABLE, Warden\n"
        f"warden = Warden({mark!r}); warden.watch()\n"
        f"env = dict(os.environ, **{{VARIABLE: {mark + '/x'!r}}})\n"
        f"subprocess.Popen({SLEEP!r}, env=env, start_new_session=True)\n"
        "print('up', flush=True); time.sleep(600)"
    )
    session = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert session.stdout is not None
    with session.stdout:
        assert session.stdout.readline() == "up\n"
    assert wait_for(lambda: marked(mark))
    session.kill()
    session.wait()
    assert wait_for(lambda: not marked(mark))


def test_a_killed_warden_is_started_again() -> None:
    warden = Warden(uuid.uuid4().hex)
    warden.watch()
    first = warden._process
    assert first is not None
    first.kill()
    first.wait()
    warden.watch()
    assert warden._process is not first
    warden.close()
    assert first.returncode == -signal.SIGKILL


def test_too_much_output_ends_it_with_a_sentence() -> None:
    limits = Limits(60, 8 << 30, output_bytes=1 << 20)
    ended = run_child({**REQUEST, "case": "prints"}, limits)
    assert ended.status is Status.CRASHED
    assert ended.message == "It printed or wrote more than 1 MB."


def test_memory_in_use_is_a_limit_too() -> None:
    assert resident_bytes(os.getpid()) > 1 << 20
    limits = Limits(60, None, resident_bytes=64 << 20)  # less than torch alone takes
    ended = run_child({**REQUEST, "case": "honest"}, limits)
    assert ended.status is Status.OUT_OF_MEMORY
    assert ended.message == "Used more than 0.0625 GB of memory."


def test_who_times_is_alone(tmp_path: Path) -> None:
    """Two processes check beside each other, and neither while the other times."""
    lock, log = tmp_path / "lock", tmp_path / "log"
    lock.touch()
    script = (
        "import sys, time\n"
        "from prototypes.harness.turns import Turn\n"
        "def say(what):\n"
        "    with open(sys.argv[2], 'a') as f: f.write(f'{sys.argv[3]} {what}\\n')\n"
        "part = Turn(sys.argv[1])\n"
        "say('checks'); time.sleep(0.3); say('checked')\n"
        "with part.alone():\n"
        "    say('times'); time.sleep(0.3); say('timed')\n"
        "say('checks'); time.sleep(0.1); say('checked')\n"
    )
    both = [
        subprocess.Popen([sys.executable, "-c", script, str(lock), str(log), name]) for name in "ab"
    ]
    assert [p.wait(timeout=20) for p in both] == [0, 0]
    lines = [line.split() for line in log.read_text().splitlines()]
    starts = [i for i, (_, what) in enumerate(lines) if what == "times"]
    assert len(starts) == 2
    for start in starts:
        assert lines[start + 1] == [lines[start][0], "timed"]


def test_a_killed_timer_gives_its_turn_back(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    lock.touch()
    script = (
        "import sys, time\n"
        "from prototypes.harness.turns import Turn\n"
        "with Turn(sys.argv[1]).alone():\n"
        "    print('times', flush=True); time.sleep(600)\n"
    )
    command = [sys.executable, "-c", script, str(lock)]
    holder = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    with holder.stdout:
        assert holder.stdout.readline() == "times\n"
    holder.kill()
    holder.wait()
    before = os.sched_getaffinity(0)
    part = turns.Turn(str(lock))
    part.pin_to([min(before)])
    with part.alone():
        assert os.sched_getaffinity(0) == {min(before)}
    assert os.sched_getaffinity(0) == before


def test_a_child_that_is_never_asked_leaves_nothing() -> None:
    mark = uuid.uuid4().hex
    with Child(Limits(60, 8 << 30), ("json",), mark=mark) as child:
        assert child.wait_ready(20)
        assert wait_for(lambda: child.pid in marked(mark))
    assert marked(mark) == []


def test_the_idlest_core_is_not_the_busy_one(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = iter([{0: (0, 0, 0), 1: (0, 0, 0)}, {0: (15, 0, 0), 1: (1, 14, 0)}])
    monkeypatch.setattr(cpu, "times", lambda: next(seen))
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    assert cpu.idlest(1, 0) == (1,)
    monkeypatch.setattr(cpu, "times", dict)
    assert cpu.idlest(1, 0) is None


def test_a_gpus_throttling_is_seen_in_the_midst(monkeypatch: pytest.MonkeyPatch) -> None:
    bits = iter(["0x1", "0x4", "0x44", "[N/A]"])

    def state(index: int = 0) -> dict[str, str]:
        return {"clocks.sm": "1980 MHz", "clocks_throttle_reasons.active": next(bits)}

    monkeypatch.setattr(environment, "gpu_state", state)
    watch = gpu.GpuWatch(is_on=True)
    for message in ("gate: quality", "timing: round 1 of 9", "timing: round 2 of 9", "checking"):
        watch.look(message)
    watch.look("timing: round 1 of 9")  # the next process
    record = watch.to_json()
    assert record is not None
    assert len(record["during"]) == 2
    assert record["throttled"] == ["software power cap", "hardware thermal slowdown"]
    assert gpu.GpuWatch(is_on=False).to_json() is None
    json.dumps(record)


def test_cores_of_the_same_memory_are_near(tmp_path: Path) -> None:
    for node, text in {"node0": "0-3,8\n", "node1": "4-7\n"}.items():
        (tmp_path / node).mkdir()
        (tmp_path / node / "cpulist").write_text(text)
    assert turns.near([2], tmp_path) == {0, 1, 2, 3, 8}
    assert turns.near([4, 8], tmp_path) == set(range(9))
    assert turns.near([5], tmp_path / "nowhere") == {5}
