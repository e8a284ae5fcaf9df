"""Runs: take in run documents, and find the measurements that count."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from db.dialects import insert
from db.errors import DocumentError, NotFoundError
from db.models import Environment, Run
from db.queries import counters
from db.queries.run_documents import (
    SCHEMA,
    RunRefusedError,
    check_run,
    gate,
    read_environment,
    utc_time,
)

# How a run can end with something said about the technique; the others say that nothing was found
# out (a busy machine, a cancelled job) and never push an answer aside.
ANSWERS = frozenset({"ok", "broken", "below_quality", "implausible", "quality_only"})


SHORTEST_PREFIX = 4
"""Of a run's id, so that a slip of the keyboard names no run."""


class Refusal(NamedTuple):
    """A run that wasn't stored: its place in the document from 1, its name, and why, as a template
    with what fills it, so that the roof can say it in another language."""

    number: int
    name: str
    template: str
    params: Mapping[str, Any]

    def __str__(self) -> str:
        return f"run {self.number}{self.name}: {self.template.format(**self.params)}"


class ImportResult(NamedTuple):
    """What became of a document's runs: ids now stored, ids known before, refusals."""

    added: tuple[str, ...]
    known: tuple[str, ...]
    refusals: tuple[Refusal, ...]

    @property
    def rejected(self) -> tuple[str, ...]:
        """Why runs were refused, in English."""
        return tuple(map(str, self.refusals))


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
    refusals = []
    for number, run in enumerate(runs, start=1):
        try:
            values = _run_values(check_run(run))
        except RunRefusedError as refusal:
            refusals.append(Refusal(number, _name(run), refusal.template, refusal.params))
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
        return ImportResult((), (), tuple(refusals))
    counters.bump(session)
    known = set(session.scalars(select(Run.id).where(Run.id.in_(list(accepted)))))
    new = [values for run_id, values in accepted.items() if run_id not in known]
    if new:
        session.execute(
            insert(session, Environment).on_conflict_do_nothing(),
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
        session.execute(insert(session, Run), new)
    return ImportResult(
        tuple(values["id"] for values in new),
        tuple(run_id for run_id in accepted if run_id in known),
        tuple(refusals),
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


def get_by_prefix(session: Session, text: str) -> Run:
    """Return the run whose id is `text` or, if only one does, begins with it.

    Raises `NotFoundError`, which lists the ids that `text` may have meant.
    """
    exact = session.get(Run, text, options=[joinedload(Run.environment)])
    if exact is not None:
        return exact
    # Compared as plain text: an id from an address may hold the signs of LIKE.
    begins = func.substr(Run.id, 1, len(text)) == text
    found = list(
        session.scalars(
            select(Run).options(joinedload(Run.environment)).where(begins).order_by(Run.id).limit(6)
        )
    )
    if len(text) < SHORTEST_PREFIX or not found:
        raise NotFoundError("No run has the id {run_id!r}.", run_id=text)
    if len(found) > 1:
        raise NotFoundError(
            "Several runs begin with {run_id!r}: write more of the id.",
            run_id=text,
            close=tuple(run.id for run in found),
        )
    return found[0]


def for_prototypes(
    session: Session,
    names: Collection[str] | None = None,
    *,
    device_id: str | None = None,
    ids: Collection[str] | None = None,
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
    if ids is not None:
        statement = statement.where(Run.id.in_(list(ids)))
    return list(session.scalars(statement))


def documents(runs: Collection[Run]) -> list[dict[str, Any]]:
    """Return runs as run documents, one an environment, in the order in which they come.

    `import_document` of each gives runs of the same ids: what was stored is what is written.
    """
    by_environment: dict[str, dict[str, Any]] = {}
    for run in runs:
        document = by_environment.setdefault(
            run.environment_id,
            {
                "schema": SCHEMA,
                "complete": True,
                "environment": run.environment.record,
                "runs": [],
            },
        )
        document["runs"].append(run.record)
    return list(by_environment.values())


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
    statement = select(
        Environment.device_id,
        Environment.device_name,
        Environment.device_class,
        Environment.started_at,
    ).order_by(Environment.started_at.desc(), Environment.device_id, Environment.id)
    newest: dict[str, DeviceRow] = {}
    for row in session.execute(statement):
        newest.setdefault(row.device_id, DeviceRow(*row))
    return list(newest.values())
