"""A job for the tests: takes its time, fails, crashes, hangs or starts processes, as it is told."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from analyzers.message import message
from app.jobs import JobContext, JobFailedError, tasks
from app.jobs.command import run_command

KINDS = {
    "selftest": tasks.Kind("tests.app.jobs.selftest_task:run", timeout_s=60),
    "alone": tasks.Kind("tests.app.jobs.selftest_task:run", timeout_s=60, exclusive=True),
    "again": tasks.Kind("tests.app.jobs.selftest_task:run", timeout_s=60, repeatable=True),
}

# A process in a session of its own, with a child in another: each writes its number down.
FAMILY = """
import os, subprocess, sys, time
with open(sys.argv[1], "a") as pids:
    pids.write(f"{os.getpid()}\\n")
if sys.argv[2] != "0":
    subprocess.Popen(
        [sys.executable, "-c", sys.argv[3], sys.argv[1], "0", sys.argv[3]], start_new_session=True
    )
time.sleep(300)
"""


def run(context: JobContext) -> dict[str, Any]:
    spec = context.spec
    if spec.get("pids"):
        _write_pid(Path(spec["pids"]))
        family = [sys.executable, "-c", FAMILY, spec["pids"], "1", FAMILY]
        if spec.get("as_command"):
            run_command(context, family, lambda line: False)
        subprocess.Popen(family, start_new_session=True)
    if spec.get("fail"):
        raise JobFailedError(message("This went wrong: {why}", why=spec["fail"]))
    if spec.get("bug"):
        raise RuntimeError("a bug\nof two lines")
    if spec.get("crash"):
        # As work does, not at once: of a worker that dies before the pool has read that it took
        # the task, nobody says how (`PebbleEngine` takes it for killed).
        time.sleep(0.3)
        os.kill(os.getpid(), signal.SIGSEGV)
    steps = int(spec.get("steps", 4))
    for step in range(steps):
        deadline = time.monotonic() + float(spec.get("seconds", 0.2)) / steps
        while time.monotonic() < deadline:
            time.sleep(0.02)
            if not spec.get("stubborn"):
                context.stop_if_cancelled()
        context.progress(step + 1, steps, message("step {step}", step=step + 1))
    last_word = message("all done").to_json()
    return {"value": spec.get("value"), "pid": os.getpid(), "message": last_word}


def _write_pid(path: Path) -> None:
    with path.open("a") as pids:
        pids.write(f"{os.getpid()}\n")


def register() -> None:
    tasks.KINDS.update(KINDS)
