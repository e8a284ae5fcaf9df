"""SIGKILL for one process after another, of every kind that there is."""

from __future__ import annotations

import os
import random
import signal
from contextlib import suppress

import psutil

from benchmarks.soak.stage import HOSTS, Stage

SHARES = {
    "web server": 14,
    "workbench command": 4,
    "job runner": 14,
    "job's worker": 14,
    "measuring child": 12,
    "reading child": 8,
    "command": 10,
    "host's worker": 14,
    "host": 4,
    "scheduler": 8,
    "database backend": 8,
    "database server": 7,
}
"""How often each kind is chosen, of 100; one that isn't there is left out."""


def victims(stage: Stage) -> dict[str, list[int]]:
    """Return the processes that may be killed, by kind."""
    found: dict[str, list[int]] = {kind: [] for kind in SHARES}
    for process in stage.marked():
        try:
            command, parent = process.cmdline(), process.ppid()
        except psutil.Error:
            continue
        kind = _kind(" ".join(command), parent, stage)
        if kind:
            found[kind].append(process.pid)
    if stage.server is not None and stage.server.process is not None:
        found["database backend"] = stage.server.backends()
        if stage.server.process.poll() is None:
            found["database server"] = [stage.server.process.pid]
    for name in HOSTS:
        if (pid := stage.pid(f"host {name}")) is not None:
            found["host"].append(pid)
    if (pid := stage.pid("scheduler")) is not None:
        found["scheduler"] = [pid]
    if (pid := stage.pid("web")) is not None:
        found["workbench command"] = [pid]
    return {kind: pids for kind, pids in found.items() if pids}


def _kind(command: str, parent: int, stage: Stage) -> str | None:
    if "resource_tracker" in command or "processes.py" in command or "benchmarks.soak" in command:
        return None  # the people themselves go on; what they type is killed
    if "streamlit run" in command:
        return "web server"
    if "-m app.jobs.hosts.serving" in command:
        return "host's worker"
    if "-m app.jobs" in command:
        return "job runner"
    if "prototypes" in command:
        return "measuring child"
    if "multiprocessing" in command:
        return "job's worker" if _is_runner(parent) else "reading child"
    if "app.cli" in command and parent not in {stage.pid(n) for n in stage.services()}:
        return None if _is_service(command) else "command"
    return None


def _is_runner(pid: int) -> bool:
    try:
        return "-m app.jobs" in " ".join(psutil.Process(pid).cmdline())
    except psutil.Error:
        return False


def _is_service(command: str) -> bool:
    return " hosts " in command or " ui " in command


def strike(stage: Stage, draw: random.Random) -> str | None:
    """Kill one process; return its kind, None where there was none to kill."""
    found = victims(stage)
    if not found:
        return None
    kinds = sorted(found)
    kind = draw.choices(kinds, [SHARES[k] for k in kinds])[0]
    pid = draw.choice(sorted(found[kind]))
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
        stage.note_kill(kind, pid)
    return kind
