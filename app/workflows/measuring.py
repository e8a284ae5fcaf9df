"""Measuring prototypes from the command line: the same jobs that the workbench's button makes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from analyzers.message import N_, Message, message
from app.errors import AssayError, UsageError
from app.jobs.hosts.address import is_configured
from app.labels import say
from app.workflows.moves import Move

PROJECT = Path(__file__).parents[2]
PAUSE_S = 2.0
"""How long a line of progress stands before the next: no more often than a person reads."""
DONE = ("ok", "quality_only")
"""How a run ends that did what was asked of it."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What running prototypes gave: the run document, a line a run, what became of the scores."""

    document: dict[str, Any]
    lines: tuple[str, ...]
    moves: tuple[Move, ...]
    succeeded: bool


def list_prototypes() -> list[dict[str, Any]]:
    """Return `python -m prototypes list --json`; the pillar is asked, not imported.

    Asked again when one of its files is another than it was: a page that is open for days tells
    a stale run from a fresh one.
    """
    files = sorted((PROJECT / "prototypes").rglob("*.py"))
    return _listed(tuple((str(file), file.stat().st_mtime_ns) for file in files))


@lru_cache(maxsize=1)
def _listed(_: tuple[tuple[str, int], ...]) -> list[dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-m", "prototypes", "list", "--json"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise AssayError(message("The prototypes can't be listed: {why}", why=last))
    prototypes: list[dict[str, Any]] = json.loads(done.stdout)
    return prototypes


def run_prototypes(
    engine: Engine,
    names: Sequence[str],
    *,
    device: str,
    quick: bool,
    cases: Sequence[str],
    on_progress: Callable[[Message], None],
    on: Sequence[str] = (),
) -> Measured:
    """Measure prototypes one after another, each as a job, and wait for them.

    `on` is what else a host must offer than the device, where the work goes to hosts. Raises
    `UsageError` for an unknown prototype, device or case before anything runs.
    """
    from app import jobs

    if on and not is_configured():
        raise UsageError(
            message("There are no other hosts: set ASSAY_SCHEDULER, or leave out --on.")
        )
    chosen = _choose(names, device, cases)
    document: dict[str, Any] = {}
    lines: list[str] = []
    moves: list[Move] = []
    succeeded = True
    for name in chosen:
        spec: dict[str, Any] = {
            "prototype": name,
            "device": device,
            "quick": quick,
            "cases": list(cases),
        }
        if on:
            spec["on"] = list(on)
        job_id = jobs.submit(engine, "benchmark", spec, device=device)
        job = jobs.wait(engine, job_id, lambda job: on_progress(_progress(job)), every_s=PAUSE_S)
        outcome = job.outcome or {}
        if job.state != "succeeded":
            succeeded = False
            reason = outcome.get("error")
            told = say(reason, "en") if isinstance(reason, dict) else str(reason or job.state)
            lines.append(f"{name}: {told}")
        if outcome.get("file") and Path(outcome["file"]).is_file():
            found = json.loads(Path(outcome["file"]).read_text(encoding="utf-8"))
            if document:
                document["runs"] += found["runs"]
                document.pop("summaries", None)  # they are about the first one's runs only
            else:
                document = found
            lines += [_run_line(run) for run in found["runs"]]
            succeeded = succeeded and all(run["status"] in DONE for run in found["runs"])
            if job.message:
                on_progress(Message.from_json(job.message))
        moves += [
            Move(m["paper"], m["kind"], m["before"], m["after"]) for m in outcome.get("scores", ())
        ]
    return Measured(document, tuple(lines), tuple(moves), succeeded)


def require_prototype(name: str, known: Collection[str]) -> None:
    """Raise `UsageError` for a name that isn't among the known prototypes."""
    if name not in known:
        raise UsageError(
            message(
                "There is no prototype {name!r}. Prototypes: {known}.",
                words=("known",),
                name=name,
                known=", ".join(known) or N_("none yet"),
            )
        )


def _choose(names: Sequence[str], device: str, cases: Sequence[str]) -> list[str]:
    known = {p["name"]: p for p in list_prototypes()}
    chosen = list(known) if "all" in names else list(dict.fromkeys(names))
    for name in chosen:
        require_prototype(name, known)
        there = {c["id"] if isinstance(c, dict) else c for c in known[name]["cases"]}
        for case in cases:
            if case not in there:
                raise UsageError(
                    message(
                        "{name} has no case {case!r}. Type `assay bench list --json`.",
                        name=name,
                        case=case,
                    )
                )
    if device not in ("cpu", "cuda"):
        raise UsageError(message("The device is cpu or cuda, not {device!r}.", device=device))
    return chosen


def _progress(job: Any) -> Message:
    if not job.message:
        return message("{state}", words=("state",), state=job.state)
    step = Message.from_json(job.message)
    if not job.total:
        return step
    return message("{percent} %: {step}", percent=100 * job.done // job.total, step=step)


def _run_line(run: dict[str, Any]) -> str:
    line = f"{run['prototype']:10} {run['case']:34} {run['implementation']:20} {run['status']:10}"
    time_us = (run.get("time_us") or {}).get("median")
    if time_us is not None:
        line += f" {time_us:10.1f} us"
    for baseline in run.get("baselines") or ():
        speedup = baseline.get("speedup")
        if speedup:
            line += (
                f"  {speedup['median']:.2f}x [{speedup['low']:.2f}, {speedup['high']:.2f}]"
                f" vs {baseline['name']}"
            )
    if run.get("error"):
        line += f"  {run['error'].get('message', '')}"
    return line
