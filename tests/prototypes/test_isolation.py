"""Each way to die has its status, and nothing outlives its parent."""

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import pytest

from prototypes.harness.isolation import Ended, Limits, Report, run_child
from prototypes.harness.status import Status

CASE = "b8-v128256-k0-p0.9-normal3"


def measured(
    behaviour: str,
    seconds: float = 60,
    gigabytes: int = 8,
    report: Report | None = None,
    **more: Any,
) -> Ended:
    request = {
        "task": "measure",
        "declaration": "tests.prototypes.specimens.declaration",
        "case": behaviour,
        "implementation": "doubling",
        "device": "cpu",
        "quick": True,
        "threads": 1,
        "rates": None,
    }
    return run_child({**request, **more}, Limits(seconds, gigabytes << 30), report)


def test_a_result_comes_back_with_progress() -> None:
    seen: list[tuple[float, str]] = []
    request = {
        "task": "measure",
        "declaration": "tests.prototypes.specimens.declaration",
        "case": "below-quality",
        "implementation": "doubling",
        "device": "cpu",
        "quick": True,
        "rates": None,
    }
    ended = run_child(request, Limits(60, 8 << 30), lambda f, m: seen.append((f, m)))
    assert ended.status is Status.OK
    assert ended.result is not None
    assert ended.result["status"] == "below_quality"
    assert ("gate: quality") in [message for _, message in seen]


@pytest.mark.parametrize(
    ("behaviour", "status", "words"),
    [
        ("raises", Status.ERROR, "ValueError: this is what went wrong"),
        ("not-runnable", Status.NOT_RUNNABLE, "Needs a library that isn't here."),
        ("crashes", Status.CRASHED, "SIGSEGV"),
        ("exits", Status.CRASHED, "exit code 3"),
        ("hoards", Status.OUT_OF_MEMORY, "allocate"),
    ],
)
def test_each_way_to_die_has_its_status(behaviour: str, status: Status, words: str) -> None:
    ended = measured(behaviour)
    assert ended.status is status
    assert ended.result is None
    assert words in ended.message
    assert "\n" not in ended.message


def test_a_timeout_ends_it_in_time() -> None:
    start = time.monotonic()
    ended = measured("sleeps", seconds=4)
    assert ended.status is Status.TIMEOUT
    assert time.monotonic() - start < 6


def test_what_is_printed_is_a_capped_log_and_no_result() -> None:
    ended = measured("prints", seconds=60)
    assert ended.result is not None
    assert ended.result["gate_seed"] >= 0  # the real one, not what was printed
    assert len(ended.log) <= 16 << 10


def test_a_grandchild_ends_with_the_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    mark = f"specimen-{uuid.uuid4()}"
    monkeypatch.setenv("SPECIMEN_MARK", mark)
    seen: list[int] = []
    start = time.monotonic()
    ended = measured("leaves-a-child", report=lambda *_: seen.extend(marked(mark)))
    assert ended.result is not None
    assert time.monotonic() - start < 40
    assert seen
    assert all(gone(pid, 2) for pid in set(seen))
    assert marked(mark) == []


def test_an_unusable_device_is_not_runnable() -> None:
    ended = measured("honest", device="cuda") if not has_cuda() else None
    if ended is not None:
        assert ended.status is Status.NOT_RUNNABLE


def test_sigterm_ends_all_within_a_second_and_keeps_the_document(tmp_path: Path) -> None:
    out = tmp_path / "runs.json"
    process, child = started(out)
    stopped_at = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=5) == 1
    assert time.monotonic() - stopped_at < 1.5
    assert gone(child, 1)
    document = json.loads(out.read_text())
    assert document["complete"] is False
    assert [r["status"] for r in document["runs"]] == ["cancelled"]
    assert document["runs"][0]["speedup"] is None
    assert list(tmp_path.iterdir()) == [out]


def test_a_killed_parent_leaves_no_orphan(tmp_path: Path) -> None:
    process, child = started(tmp_path / "runs.json")
    process.kill()
    process.wait()
    assert gone(child, 3)


def test_it_stops_with_its_own_parent_if_asked(tmp_path: Path) -> None:
    arguments = command(tmp_path / "runs.json", "--exit-with-parent")
    script = (
        f"import subprocess, time; p = subprocess.Popen({arguments!r}); "
        "print(p.pid, flush=True); time.sleep(600)"
    )
    outer = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert outer.stdout is not None
    with outer.stdout:
        inner = int(outer.stdout.readline())
    child = child_of(inner)
    outer.kill()
    outer.wait()
    assert gone(inner, 3)
    assert gone(child, 3)


def command(out: Path, *more: str) -> list[str]:
    return [
        *(sys.executable, "-m", "prototypes", "run", "sampling", "--device", "cpu", "--case", CASE),
        *("--quick", "--out", str(out), *more),
    ]


def started(out: Path) -> tuple["subprocess.Popen[bytes]", int]:
    """Start a session and wait until its first measurement (after the probe) is under way."""
    reader, writer = os.pipe()
    process = subprocess.Popen(
        command(out, "--progress-fd", str(writer)), pass_fds=(writer,), stderr=subprocess.DEVNULL
    )
    os.close(writer)
    with os.fdopen(reader) as lines:
        for line in lines:
            if "gate" in json.loads(line)["message"]:
                break
        else:
            raise AssertionError("it ended before it began to measure")
    return process, child_of(process.pid)


def child_of(pid: int) -> int:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        if children:
            return int(children[0])
        time.sleep(0.02)
    raise AssertionError("it started no child")


def gone(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


def marked(mark: str) -> list[int]:
    """Return the living processes that have this among their arguments."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            arguments = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if mark.encode() in arguments:
            found.append(int(folder.name))
    return found


def has_cuda() -> bool:
    return Path("/dev/nvidia0").exists()
