"""What a worker process runs for each kind of job; see `app.jobs.tasks.KINDS`."""

from __future__ import annotations

import json
import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from analyzers.errors import reason_of
from analyzers.message import message
from app.home import runs_folder
from app.jobs.command import run_command
from app.jobs.context import JobCancelledError, JobContext, JobFailedError
from app.jobs.hosts.address import SchedulerAddress, scheduler_address
from app.workflows.benchmark import import_run_files, read_run_document
from app.workflows.hosted import Story, measure_on_host
from app.workflows.moves import Move
from db.patience import patiently

PROTOTYPES = (sys.executable, "-m", "prototypes")


def run_benchmark(context: JobContext) -> dict[str, Any]:
    """Measure a prototype, store its runs, rescore.

    Spec: {"prototype", "device"?, "quick"?, "cases"?, "on"?: what else its host must offer}.
    Outcome: {"file", "added", "known", "rejected", "runs": [{"prototype", "case",
    "implementation", "status", "speedup", "provisional"}], "moved": [{"paper", "kind", "before",
    "after"}], "scores": the same of the papers that were measured, moved or not; of other hosts
    "hosts", "retried"}. A run that failed a gate is a result; the job fails
    when nothing was measured.
    """
    cases = context.spec.get("cases") or [None]
    out = _out_file(context)
    scheduler = scheduler_address()
    story: Story | None = None
    if scheduler is None:
        documents = [
            _measure(context, out, case, number, len(cases)) for number, case in enumerate(cases)
        ]
    else:
        documents, story = _measure_elsewhere(context, scheduler, out, cases)
    if len(documents) > 1:  # one prototype, one machine, one job: one document
        # What a summary says is about its own document's runs only.
        head = {key: value for key, value in documents[0].items() if key != "summaries"}
        together = head | {"runs": [run for found in documents for run in found["runs"]]}
        out.write_text(json.dumps(together), encoding="utf-8")
    context.progress(1, 1, message("Storing the runs and rescoring"))
    summary = patiently(context.engine, lambda: import_run_files(context.engine, [out]))
    file = summary.files[0]
    if file.error:
        raise JobFailedError(message("The runs can't be stored: {why}", why=file.error))
    done = message("Runs stored: {count}.", count=file.added)
    if file.is_outranked:
        done = message(
            "{done} The full runs on this device go on counting: a quick one doesn't replace them.",
            done=done,
        )
    return (story.to_json() if story else {}) | {
        "file": str(out),
        "added": file.added,
        "known": file.known,
        "rejected": list(file.rejected),
        "runs": [_brief(run) for found in documents for run in found["runs"]],
        "moved": [_move(move) for move in summary.moves],
        "scores": [_move(move) for move in file.scores],
        "message": (story.ending(done) if story else done).to_json(),
    }


def add_papers(context: JobContext) -> dict[str, Any]:
    """Fetch and analyse papers.

    Spec: {"sources": [id, URL or full path, …], "query"?, "limit"?, "again"?}. The outcome is that
    of `add_sources`; a cancelled job keeps what it had added by then. The job fails when there is
    no paper to show for it.
    """
    from app.workflows.add import add_sources

    spec = context.spec
    summary = add_sources(
        context.engine,
        spec.get("sources", []),
        query=spec.get("query"),
        limit=int(spec.get("limit", 10)),
        again=bool(spec.get("again", False)),
        on_progress=context.progress,
        cancelled=context.cancelled,
    )
    outcome = summary.to_json()
    if context.cancelled():
        raise JobCancelledError(outcome)
    if not summary.is_success:
        why = summary.failed[0].reason
        if len(summary.failed) == 1:
            raise JobFailedError(why, outcome)
        raise JobFailedError(
            message("None of {count} could be added: {why}", count=len(summary.failed), why=why),
            outcome,
        )
    done = message(
        "Added: {added}, updated: {updated}, there already: {known}, failed: {failed}.",
        added=len(summary.added),
        updated=len(summary.updated),
        known=len(summary.known),
        failed=len(summary.failed),
    )
    if summary.retried:
        done = message("{done} Given to another host: {times}.", done=done, times=summary.retried)
    return outcome | {"message": done.to_json()}


def ask_watches(context: JobContext) -> dict[str, Any]:
    """Ask arXiv for watches: what is new since last time is read, ranked and put into the inbox.

    Spec: {"names": [watch, …]}; one that was removed meanwhile is left out. Outcome: {"runs": [as
    `assay watch run --json` prints them]}. The job fails when none of them could be asked for.
    """
    from app.workflows.watch import run_watches
    from db.engine import session_scope
    from db.queries import watches

    with session_scope(context.engine) as session:
        there = {watch.name for watch in watches.all_of(session)}
    names = [name for name in context.spec["names"] if name in there]
    if not names:
        raise JobFailedError(message("The watch was removed: there is nothing to ask for."))
    runs = run_watches(
        context.engine, names, on_progress=context.progress, cancelled=context.cancelled
    )
    outcome = {"runs": [run.to_json() for run in runs]}
    if context.cancelled():
        raise JobCancelledError(outcome)
    if all(run.state == "failed" for run in runs):
        raise JobFailedError(reason_of(runs[0].error or {}), outcome)
    return outcome | {
        "message": message(
            "New papers: {new}, new versions: {versions}.",
            new=sum(len(run.new) for run in runs),
            versions=sum(len(run.versions) for run in runs),
        ).to_json()
    }


def _move(move: Move) -> dict[str, Any]:
    return {"paper": move.paper_id, "kind": move.kind, "before": move.before, "after": move.after}


def _out_file(context: JobContext) -> Path:
    started = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    name = re.sub(r"[^\w-]+", "-", f"{context.spec['prototype']}-{context.spec['device']}")
    return runs_folder() / f"{name}-{started}-{context.job_id[:8]}.json"


def _measure(
    context: JobContext, out: Path, case: str | None, number: int, count: int
) -> dict[str, Any]:
    command = [*PROTOTYPES, "run", *_arguments(context, case)]
    command += ["--out", str(out), "--progress-fd", "1"]
    code, tail = run_command(
        context, command, lambda line: _take_progress(context, line, number, count)
    )
    return _document_in(context, out, code, tail)


def _measure_elsewhere(
    context: JobContext, scheduler: SchedulerAddress, out: Path, cases: list[str | None]
) -> tuple[list[dict[str, Any]], Story]:
    """Measure on a host with the device that is asked for: all cases on the same one."""
    spec = context.spec
    needs = [str(spec.get("device") or "cpu"), *map(str, spec.get("on") or ())]
    ended, story = measure_on_host(
        context,
        scheduler,
        [_arguments(context, case) for case in cases],
        needs,
        PROTOTYPES[1:],
        lambda number, line, host: _take_progress(context, line, number, len(cases), host),
    )
    documents = []
    for run in ended:
        if run.document is not None:
            out.write_text(run.document, encoding="utf-8")
        documents.append(_document_in(context, out, run.code, run.tail, story.host))
    return documents, story


def _arguments(context: JobContext, case: str | None) -> list[str]:
    spec = context.spec
    arguments = [str(spec["prototype"])]
    if spec.get("device"):
        arguments += ["--device", str(spec["device"])]
    if spec.get("quick"):
        arguments.append("--quick")
    if case is not None:
        arguments += ["--case", case]
    return arguments


def _take_progress(
    context: JobContext, line: str, number: int, count: int, host: str | None = None
) -> bool:
    step = _read_progress(line)
    if step is None:
        return False
    done, total, text = step
    told = message("{step}", step=text) if text else None
    if told and host:
        told = message("{host}: {step}", host=host, step=text)
    context.progress(number * total + done, count * total, told)
    return True


def _document_in(
    context: JobContext, out: Path, code: int, tail: list[str], host: str | None = None
) -> dict[str, Any]:
    document = read_run_document(out) if out.exists() else {}
    if not document.get("runs"):
        out.unlink(missing_ok=True)
        why = tail[-1].removeprefix("prototypes: ")[:300] if tail else f"exit code {code}"
        told = message("Nothing was measured: {why}", why=why)
        if host:
            told = message("Nothing was measured on {host}: {why}", host=host, why=why)
        raise JobFailedError(told, {"log": str(context.log_path)})
    return document


def _read_progress(line: str) -> tuple[int, int, str] | None:
    try:
        record = json.loads(line)
        return int(record["done"]), int(record["total"]), str(record.get("message") or "")
    except (ValueError, TypeError, KeyError):
        return None


def _brief(run: dict[str, Any]) -> dict[str, Any]:
    names = ("prototype", "case", "implementation", "status", "provisional")
    speedup = run.get("speedup") or {}
    return {**{name: run.get(name) for name in names}, "speedup": speedup.get("median")}
