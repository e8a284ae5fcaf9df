"""SIGKILL of any process of a run at any moment: is the catalog whole, nobody left, the state true?

python -m benchmarks.kills [TRIALS] [SEED]

Each trial submits a real quick measurement as a job, in a catalog of its own, kills one of its
processes (runner, sweeper, worker, session, warden, measuring child) after a random time, and waits
for what becomes of it. Prints a table of what was killed and how the job ended; exit status 1 if
anything was wrong.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

CASE = "b1-v128256-k40-p0.95-m0.05-zipf"
LONGEST_S = 12.0
"""A kill comes at any moment of the first so many seconds; a run takes about ten."""
PATIENCE_S = 10.0

KINDS = (
    ("prototypes.harness.child", "measuring child"),
    ("orphans.py", "warden"),
    ("prototypes run", "session"),
    ("processes.py sweep", "sweeper"),
    ("resource_tracker", "resource tracker"),
    ("app.jobs", "runner"),
)
HOUSEKEEPERS = {"runner", "sweeper", "resource tracker"}
"""They outlive a job: they wait for the next one, or for the end of the runner."""


def carrying(variable: str, value: str) -> dict[int, str]:
    """Return the living processes with this in their environment, but this one, by command line."""
    wanted = f"{variable}={value}".encode()
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if wanted not in (folder / "environ").read_bytes().split(b"\0"):
                continue
            state = (folder / "stat").read_text("ascii", "replace").rpartition(")")[2].split()[0]
            command = (
                (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            )
        except (OSError, IndexError):
            continue
        if state != "Z" and int(folder.name) != os.getpid():
            found[int(folder.name)] = command
    return found


def kind(command: str) -> str:
    """Return what a process of a run is, from its command line."""
    return next((name for part, name in KINDS if part in command), "worker")


def one_trial(home: Path, draw: random.Random) -> tuple[str, str, list[str]]:
    """Kill one process of one job; return what it was, how the job ended, and what was wrong."""
    from app import jobs
    from app.home import database_url
    from app.workflows.opening import open_catalog
    from db.check import check

    engine = open_catalog()
    spec = {"prototype": "sampling", "device": "cpu", "quick": True, "cases": [CASE]}
    job_id = jobs.submit(engine, "benchmark", spec, device="cpu")
    time.sleep(draw.uniform(0.0, LONGEST_S))
    family = carrying("ASSAY_HOME", str(home))
    victim = "nobody (it was over)"
    if family:
        # By kind first: there are several children, and one session.
        kinds = sorted({kind(c) for c in family.values()})
        victim = draw.choice(kinds)
        pid = draw.choice(sorted(p for p, c in family.items() if kind(c) == victim))
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    job = jobs.wait(engine, job_id)
    wrong = []
    deadline = time.monotonic() + PATIENCE_S
    while left := {
        p: c for p, c in carrying("ASSAY_HOME", str(home)).items() if kind(c) not in HOUSEKEEPERS
    }:
        if time.monotonic() > deadline:
            break
        time.sleep(0.1)
    # The runner's own pool waits for the next job; what measures must be gone.
    orphans = [kind(c) for c in left.values() if kind(c) != "worker"]
    if orphans:
        wrong.append(f"left behind: {', '.join(orphans)}")
    wrong += [str(problem) for problem in check(database_url())]
    outcome = job.outcome or {}
    if job.state == "succeeded":
        document = json.loads(Path(outcome["file"]).read_text("utf-8"))
        if len(document["runs"]) != outcome["added"] + outcome["known"]:
            wrong.append("it says it succeeded, and its runs aren't all in the catalog")
    elif job.finished_at is None:
        wrong.append(f"{job.state}, but never finished")
    engine.dispose()
    return victim, job.state, wrong


def main() -> int:
    """Run the trials in a catalog of their own, and print what came of them."""
    trials = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    draw = random.Random(seed)
    ends: Counter[tuple[str, str]] = Counter()
    faults = []
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        os.environ["ASSAY_HOME"] = folder
        os.environ.pop("ASSAY_DATABASE_URL", None)
        from app.workflows.opening import create_catalog

        create_catalog()[0].dispose()
        try:
            for number in range(1, trials + 1):
                victim, state, wrong = one_trial(home, draw)
                ends[victim, state] += 1
                faults += [f"trial {number}, {victim} killed: {w}" for w in wrong]
                told = "; ".join(wrong) or "whole"
                print(f"[{number}/{trials}] {victim}: {state}, {told}", file=sys.stderr, flush=True)
        finally:
            for pid in carrying("ASSAY_HOME", folder):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
    print("| killed | the job then | times |\n| --- | --- | --- |")
    for (victim, state), count in sorted(ends.items()):
        print(f"| {victim} | {state} | {count} |")
    print(f"{trials} kills (seed {seed}), {len(faults)} faults")
    for fault in faults:
        print(f"  {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
