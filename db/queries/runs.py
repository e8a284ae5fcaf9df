"""Runs: take in run documents, and find the measurements that count."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.orm import Session, joinedload

from db.errors import DocumentError, NotFoundError
from db.models import Environment, Run
from db.queries import counters
from db.queries.run_documents import (
    RunRefusedError,
    check_run,
    gate,
    read_environment,
    utc_time,
)

# How a run can end with something said about the technique; the others say that nothing was found
# out (a busy machine, a cancelled job) and never push an answer aside.
ANSWERS = frozenset({"ok", "broken", "below_quality", "implausible"})


class ImportResult(NamedTuple):
    """What became of a document's runs: ids now stored, ids known before, reasons of refusals."""

    added: tuple[str, ...]
    known: tuple[str, ...]
    rejected: tuple[str, ...]


class DeviceRow(NamedTuple):
    """A device that something was measured on, with the time of its newest run."""

    device_id: str
    device_name: str
    device_class: str
    newest_at: str


def import_document(session: Session, document: Mapping[str, Any]) -> ImportResult:
    """Store the runs of a run document; importing it twice changes nothing.

    A run is known by the hash of its content and its environment. A run that breaks the shape, or
    claims speed without passed gates, is rejected with its reason, and the others are stored.
    Raises `DocumentError` where the whole is no run document of this schema.
    """
    environment, runs = read_environment(document)
    environment_id = _digest(environment)
    started_at = utc_time(environment["started_at"])
    accepted: dict[str, dict[str, Any]] = {}
    rejected = []
    for number, run in enumerate(runs, start=1):
        try:
            values = _run_values(check_run(run))
        except RunRefusedError as refusal:
            rejected.append(f"run {number}{_name(run)}: {refusal}")
            continue
        run_id = _digest([environment_id, run])
        accepted[run_id] = {
            "id": run_id,
            "environment_id": environment_id,
            "device_id": environment["device_id"],
            "started_at": started_at,
            **values,
        }
    if not accepted:
        return ImportResult((), (), tuple(rejected))
    counters.bump(session)
    known = set(session.scalars(select(Run.id).where(Run.id.in_(list(accepted)))))
    new = [values for run_id, values in accepted.items() if run_id not in known]
    if new:
        session.execute(
            insert(Environment).on_conflict_do_nothing(),
            [
                {
                    "id": environment_id,
                    "device_id": environment["device_id"],
                    "device_name": environment["device_name"],
                    "device_class": environment["device_class"],
                    "started_at": started_at,
                    "record": environment,
                }
            ],
        )
        session.execute(insert(Run), new)
    return ImportResult(
        tuple(values["id"] for values in new),
        tuple(run_id for run_id in accepted if run_id in known),
        tuple(rejected),
    )


def _run_values(run: dict[str, Any]) -> dict[str, Any]:
    return {
        "prototype": run["prototype"],
        "case": run["case"],
        "implementation": run["implementation"],
        "shipped": run.get("shipped", False),
        "target_weight": float(run.get("target_weight", 0)),
        "device": run["device"],
        "scope": run["scope"],
        "status": run["status"],
        "provisional": run.get("provisional", False),
        "fidelity_pass": gate(run, "fidelity"),
        "quality_pass": gate(run, "quality"),
        "time_us": (run.get("time_us") or {}).get("median"),
        "speedup": (run.get("speedup") or {}).get("median"),
        "record": run,
    }


def _name(run: Any) -> str:
    if isinstance(run, dict) and isinstance(run.get("prototype"), str):
        return f" ({run['prototype'][:60]} {str(run.get('case', ''))[:60]})"
    return ""


def _digest(record: Any) -> str:
    try:
        canonical = json.dumps(record, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        raise DocumentError(
            "This run document is damaged: it holds something that JSON can't say (NaN, infinity)."
        ) from None
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def get(session: Session, run_id: str) -> Run:
    """Return one run with its environment; raises `NotFoundError`."""
    run = session.get(Run, run_id, options=[joinedload(Run.environment)])
    if run is None:
        raise NotFoundError("No run has the id {run_id!r}.", run_id=run_id)
    return run


def for_prototypes(
    session: Session, names: Collection[str] | None = None, *, device_id: str | None = None
) -> list[Run]:
    """Return the runs of these (or all) prototypes with their environments, the newest first."""
    statement = (
        select(Run)
        .options(joinedload(Run.environment))
        .order_by(Run.started_at.desc(), Run.prototype, Run.case, Run.implementation, Run.id)
    )
    if names is not None:
        statement = statement.where(Run.prototype.in_(list(names)))
    if device_id is not None:
        statement = statement.where(Run.device_id == device_id)
    return list(session.scalars(statement))


def newest_per_device(
    session: Session, names: Collection[str] | None = None
) -> dict[str, dict[str, list[Run]]]:
    """Return, per prototype and device id, the run of each case and implementation that counts.

    That is the newest full run with an answer, else the newest quick one, else the newest of those
    that found nothing out (cancelled, crashed, …). In order of case and implementation.
    """
    best: dict[tuple[str, ...], Run] = {}
    for run in for_prototypes(session, names):
        key = (run.prototype, run.device_id, run.case, run.implementation, run.scope)
        standing = best.get(key)
        if standing is None or _weight(run) > _weight(standing):
            best[key] = run
    found: dict[str, dict[str, list[Run]]] = {}
    for _, run in sorted(best.items()):
        found.setdefault(run.prototype, {}).setdefault(run.device_id, []).append(run)
    return found


def _weight(run: Run) -> tuple[bool, bool, str]:
    return run.status in ANSWERS, not run.provisional, run.started_at


def devices(session: Session) -> list[DeviceRow]:
    """Return the devices that something was measured on, the newest first."""
    newest = func.max(Environment.started_at).label("newest_at")
    statement = (
        select(Environment.device_id, Environment.device_name, Environment.device_class, newest)
        .group_by(Environment.device_id)
        .order_by(newest.desc(), Environment.device_id)
    )
    return [DeviceRow(*row) for row in session.execute(statement)]
