"""Runs as a file for elsewhere: what is written here, `assay bench import` reads there."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from app.errors import AssayError
from app.workflows.benchmark import BUNDLE
from db.queries import runs
from db.queries.run_documents import SCHEMA


def export_runs(
    session: Session,
    *,
    prototype: str | None = None,
    device: str | None = None,
    ids: Collection[str] | None = None,
) -> dict[str, Any]:
    """Return the chosen runs as one record that imports to the same runs.

    Runs of one environment are a run document as `python -m prototypes run` writes it; runs of
    several are {"schema", "documents": [run document, …]}. Raises `AssayError` if there are none.
    """
    chosen = runs.for_prototypes(
        session, None if prototype is None else [prototype], device_id=device, ids=ids
    )
    if not chosen:
        raise AssayError(_nothing(session, prototype, device))
    documents = runs.documents(chosen)
    if len(documents) == 1:
        return documents[0]
    return {"schema": SCHEMA, BUNDLE: documents}


def dumps(exported: dict[str, Any]) -> bytes:
    """Return an export as the bytes of its file."""
    return (json.dumps(exported) + "\n").encode()


def write_export(path: Path, exported: dict[str, Any]) -> None:
    """Write an export; raises `AssayError` where the file can't be written."""
    try:
        path.write_bytes(dumps(exported))
    except OSError as error:
        raise AssayError(
            f"Can't write {path} ({error.strerror or error}): name another file with --out."
        ) from error


def count(exported: dict[str, Any]) -> int:
    """Return how many runs an export holds."""
    return sum(len(document["runs"]) for document in exported.get(BUNDLE) or [exported])


def _nothing(session: Session, prototype: str | None, device: str | None) -> str:
    known = sorted({run.prototype for run in runs.for_prototypes(session)})
    if not known:
        return "The catalog holds no runs yet: measure with `assay bench run NAME`."
    if prototype is not None and prototype not in known:
        return f"No run is of {prototype!r}. Prototypes with runs: {', '.join(known)}."
    there = [found.device_id for found in runs.devices(session)]
    if device is not None and device not in there:
        return f"Nothing was measured on {device!r}. Devices with runs: {', '.join(there)}."
    return "No run fits: loosen --prototype or --device."
