"""An hour of work by several people while processes are killed: is all that was accepted there?

python -m benchmarks.soak [--minutes 60] [--database sqlite|postgresql] [--seed N]
                          [--folder DIR] [--pause-while FILE] [--kill-every S]

Several processes add papers, search, edit, take back, measure and back up, by commands, in the
workbench and as programs, while others are killed by SIGKILL at random. On PostgreSQL the work goes
over a scheduler and two hosts of this machine. At the end the catalog must be whole, with all that
was accepted in it; every job must be over and say how; no process and no file may be left. Prints
what was done and what was wrong; exit status 1 if anything was.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.soak import chaos, verdict
from benchmarks.soak.stage import Stage

PEOPLE = ("reader", "editor", "editor", "typist", "keeper", "visitor", "visitor", "measurer")
PATIENCE_S = 180.0
"""How long the people may take to finish what they do."""


def main() -> int:
    """Run the soak and print what came of it."""
    asked = _arguments()
    root = Path(asked.folder or tempfile.mkdtemp(prefix="soak-"))
    root.mkdir(exist_ok=True)
    print(
        f"In {root}, seed {asked.seed}, {asked.minutes:g} minutes on {asked.database}.", flush=True
    )
    stage = Stage(root, with_postgres=asked.database == "postgresql")
    os.environ.update(stage.environment)  # a runner may be started from here too
    (root / "port").write_text(str(stage.port))
    stage.keep()
    stage.wait_for_web()
    people = _people(stage, asked.seed)
    wrong: list[str] = []
    worked_s = 0.0
    try:
        worked_s = _unrest(stage, asked, people)
        wrong += _quiet(stage, people)
        stage.stop()
        wrong += verdict.orphans(stage)
        found, told = verdict.faults(stage)
    finally:
        for process in stage.marked():
            process.kill()
        if stage.server is not None:
            stage.server.stop()
    _print(told | {"restarted": stage.restarts}, wrong + found, worked_s)
    return 1 if wrong + found else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--folder", help="for all files; it stays (else one in the temporary folder)"
    )
    parser.add_argument("--pause-while", type=Path, help="nothing is done while this file is there")
    parser.add_argument("--kill-every", type=float, default=10.0, help="seconds, on average")
    return parser.parse_args()


def _people(stage: Stage, seed: int) -> dict[str, subprocess.Popen[bytes]]:
    return {
        f"{role}-{number}": stage.start(
            f"{role}-{number}",
            [sys.executable, "-m", "benchmarks.soak.people", role, str(number), str(stage.root)],
            ASSAY_SOAK_SEED=str(seed),
        )
        for number, role in enumerate(PEOPLE)
    }


def _unrest(
    stage: Stage, asked: argparse.Namespace, people: Mapping[str, subprocess.Popen[bytes]]
) -> float:
    """Kill and start again until the time is over; return how long people worked, in seconds."""
    draw = random.Random(asked.seed)
    lasts_s = float(asked.minutes) * 60
    left_s, last = lasts_s, time.monotonic()
    next_kill = next_word = 0.0
    pause = stage.root / "pause"
    while left_s > 0 and any(process.poll() is None for process in people.values()):
        time.sleep(0.2)
        now = time.monotonic()
        is_paused = asked.pause_while is not None and asked.pause_while.exists()
        if is_paused != pause.exists():
            pause.touch() if is_paused else pause.unlink()
        stage.keep()
        if not is_paused:
            left_s -= now - last
            if (next_kill := next_kill - (now - last)) <= 0:
                chaos.strike(stage, draw)
                next_kill = draw.uniform(0.3, 1.7) * asked.kill_every
            if (next_word := next_word - (now - last)) <= 0:
                load = os.getloadavg()[0]
                print(f"{left_s / 60:.1f} minutes left, load {load:.1f}", flush=True)
                next_word = 60
        last = now
    return lasts_s - left_s


def _quiet(stage: Stage, people: Mapping[str, subprocess.Popen[bytes]]) -> list[str]:
    """Let everybody finish, with nobody killed; return what was wrong."""
    (stage.root / "pause").unlink(missing_ok=True)
    (stage.root / "stop").touch()
    wrong = []
    deadline = time.monotonic() + PATIENCE_S
    while any(process.poll() is None for process in people.values()):
        stage.keep()
        time.sleep(0.2)
        if time.monotonic() > deadline:
            wrong += [f"{name} doesn't end" for name, p in people.items() if p.poll() is None]
            break
    wrong += [f"{name} ended with {p.poll()}" for name, p in people.items() if p.poll()]
    stage.keep()
    if stage.server is not None:
        stage.server.wait()
    return wrong + verdict.wait_for_jobs(stage)


def _print(told: Mapping[str, Any], wrong: list[str], worked_s: float) -> None:
    print(f"\nWorked for {worked_s / 60:.1f} minutes.")
    for name, counts in told.items():
        print(f"\n{name}:")
        if isinstance(counts, dict):
            for what, count in sorted(counts.items(), key=lambda item: str(item[0])):
                shown = ", ".join(what) if isinstance(what, tuple) else what
                print(f"  {count:6}  {shown}")
        else:
            print(f"  {counts}")
    print(f"\n{len(wrong)} faults")
    for fault in wrong:
        print(f"  {fault}")


if __name__ == "__main__":
    sys.exit(main())
