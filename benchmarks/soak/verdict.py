"""What is left when everybody has gone: the catalog, the jobs, processes, files, logs."""

from __future__ import annotations

import re
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.soak.accepted import missing
from benchmarks.soak.journal import Entry, entries, of_kind
from benchmarks.soak.stage import Stage

DASKS_OWN = "dask-scratch-space"
"""A folder with two locks that all schedulers and workers of a machine share."""
JOBS_PATIENCE_S = 240.0
LEAVE_S = 20.0
_STAGING = re.compile(r"^\.|\.part$|\.tmp$|^assay-|^tmp")
_ACCIDENTS = re.compile(r"Traceback|something unexpected|A page failed")


def wait_for_jobs(stage: Stage) -> list[str]:
    """Wait until every job is over, looking at them as the page does; return what was wrong."""
    from app import jobs
    from db.engine import open_engine

    engine = open_engine(stage.url)
    deadline = time.monotonic() + JOBS_PATIENCE_S
    try:
        while True:
            jobs.describe_all(engine, "en")
            left = jobs.active(engine)
            if not left:
                return []
            if time.monotonic() > deadline:
                return [f"job {job.id} ({job.kind}) is {job.state} for ever" for job in left]
            time.sleep(0.5)
    finally:
        engine.dispose()


def orphans(stage: Stage) -> list[str]:
    """Return the processes that are left when all services were told to end."""
    deadline = time.monotonic() + LEAVE_S
    while (left := stage.marked()) and time.monotonic() < deadline:
        time.sleep(0.2)
    told = []
    for process in left:
        try:
            told.append(f"process {process.pid} is left: {' '.join(process.cmdline())[:200]}")
        except Exception:
            continue  # it ended just now
    return told


def staging(root: Path) -> list[str]:
    """Return files and folders that something made for the meantime, and left."""
    found = [path for path in (root / "tmp").rglob("*") if not _is_dasks_own(path)]
    for folder in ("home", "backups", "in"):
        found += [path for path in (root / folder).rglob("*") if _STAGING.search(path.name)]
    return [f"left behind: {path.relative_to(root)}" for path in found]


def _is_dasks_own(path: Path) -> bool:
    is_lock = path.parent.name == DASKS_OWN and path.suffix == ".lock"
    return is_lock or path.name == DASKS_OWN


def accidents(root: Path) -> list[str]:
    """Return the logs in which something nobody foresaw is told."""
    found = []
    for path in sorted([*(root / "logs").glob("*"), *(root / "home" / "logs").glob("*")]):
        lines = path.read_text("utf-8", "replace").splitlines()
        if hits := [number for number, line in enumerate(lines) if _ACCIDENTS.search(line)]:
            last = next((line for line in reversed(lines) if line.strip()), "")
            found.append(f"{path.name}: {len(hits)} accidents, the log ends with: {last[:200]}")
    return found


def endings(url: str) -> tuple[Counter[tuple[str, str]], list[str]]:
    """Return how often jobs of each kind ended how, and what is wrong with their words."""
    from db.engine import open_engine, read_scope
    from db.models import Job

    engine = open_engine(url)
    counts: Counter[tuple[str, str]] = Counter()
    wrong = []
    try:
        with read_scope(engine) as session:
            for job in session.query(Job):
                counts[job.kind, job.state] += 1
                if job.state != "cancelled" and not job.message:
                    wrong.append(f"job {job.id} ({job.kind}) ended as {job.state} without a word")
                if "unexpected error" in str(job.message):
                    wrong.append(f"job {job.id} ({job.kind}): {job.outcome}")
    finally:
        engine.dispose()
    return counts, wrong


def faults(stage: Stage) -> tuple[list[str], dict[str, Any]]:
    """Return all that is wrong at the end, and what the people did."""
    from db.check import check

    found = list(entries(stage.root / "journal"))
    wrong = [str(problem) for problem in check(stage.url)]
    wrong += missing(stage.url, found)
    counts, unsaid = endings(stage.url)
    wrong += unsaid
    wrong += [f"{e['by']}, {e['what']}: {e['why'].strip()}" for e in of_kind(found, "fault")]
    wrong += staging(stage.root) + accidents(stage.root)
    return wrong, {
        "accepted": accepted(found),
        "jobs": counts,
        "killed": Counter(entry["what"] for entry in of_kind(found, "killed")),
        "refused": Counter(_kind_of(entry["why"]) for entry in of_kind(found, "refused")),
        "done": Counter(e["by"].split("-")[0] + " " + e["what"] for e in of_kind(found, "done")),
        "unread": len(of_kind(found, "unread")),
    }


def accepted(found: list[Entry]) -> dict[str, int]:
    """Return how many actions of each kind were accepted."""
    names = ("note", "correction", "status", "decision", "undone", "job", "restored")
    told = {name: len(of_kind(found, name)) for name in names}
    told["papers"] = len({h for entry in of_kind(found, "papers") for h in entry["hashes"]})
    told["runs"] = sum(entry["count"] for entry in of_kind(found, "runs"))
    return told


def _kind_of(sentence: str) -> str:
    """Return a refusal without what differs from one to the next."""
    return re.sub(r"/\S+|postgresql\S+|\d+", "…", sentence)[:110]
