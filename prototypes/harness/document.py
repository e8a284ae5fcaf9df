"""The document that a run leaves: one environment, many runs, written whole after each of them."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prototypes.harness.comparison import summarize
from prototypes.harness.declarations import Case, Declaration, Implementation

SCHEMA = 1

EMPTY_RUN: dict[str, Any] = {
    "fidelity": {"pass": None, "checks": []},
    "quality": {"checks": []},
    "quality_pass": None,
    "time_us": None,
    "samples": [],
    "method": None,
    "baseline": None,
    "speedup": None,
    "baselines": [],
    "bytes": None,
    "flops": None,
    "roofline_fraction": None,
    "roofline": None,
    "comparison": None,
    "scopes": None,
    "all_threads": None,
    "figures": [],
    "error": None,
}


class OutputError(Exception):
    """The file can't be written; the message says why and what to do."""


def now() -> str:
    """Return this moment in UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def run_record(
    declaration: Declaration,
    case: Case,
    implementation: Implementation,
    device: str,
    code_hash: str,
    started_at: str,
    provisional: bool,
    measured: dict[str, Any],
) -> dict[str, Any]:
    """Return one run in the contract's shape; `measured` is what the child or its death said."""
    identity = "|".join((declaration.name, case.id, implementation.name, device, started_at))
    return {
        "id": hashlib.sha256(identity.encode()).hexdigest()[:16],
        "prototype": declaration.name,
        "paper": declaration.paper,
        "part": declaration.part,
        "case": case.id,
        "case_parameters": dict(case.parameters),
        "seed": case.seed,
        "target_weight": case.target_weight,
        "implementation": implementation.name,
        "shipped": implementation.shipped,
        "device": device,
        "scope": "call",
        "claims": list(case.claims),
        "code_hash": code_hash,
        "started_at": started_at,
        "provisional": provisional,
        **EMPTY_RUN,
        **measured,
    }


@dataclass(slots=True)
class Document:
    """Runs of one machine at one time; `save` replaces the file in one step."""

    path: Path | None
    """None prints the document on stdout at the end instead."""
    environment: dict[str, Any] = field(default_factory=dict)
    runs: list[dict[str, Any]] = field(default_factory=list)
    complete: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the whole document."""
        return {
            "schema": SCHEMA,
            "complete": self.complete,
            "environment": self.environment,
            "summaries": summarize(r for r in self.runs if "prototype" in r),
            "runs": self.runs,
        }

    def add(self, run: dict[str, Any]) -> None:
        """Append a run and save: a process killed later has lost nothing."""
        self.runs.append(run)
        self.save()

    def finish(self) -> None:
        """Mark as complete and write for the last time."""
        self.complete = True
        self.save()
        if self.path is None:
            json.dump(self.to_json(), sys.stdout, ensure_ascii=False)
            sys.stdout.write("\n")

    def save(self) -> None:
        """Write to a temporary file beside the target, then rename; raises `OutputError`."""
        if self.path is None:
            return
        text = dumps(self.to_json())
        try:
            descriptor, name = tempfile.mkstemp(prefix=f".{self.path.name}.", dir=self.path.parent)
        except OSError as error:
            raise unwritable(self.path, error) from error
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(name).chmod(0o644)
            Path(name).replace(self.path)
        except OSError as error:
            Path(name).unlink(missing_ok=True)
            raise unwritable(self.path, error) from error


def dumps(document: dict[str, Any]) -> str:
    """Return the document as text, one run a line: small, and still friendly to diff."""
    head = {k: v for k, v in document.items() if k != "runs"}
    lines = json.dumps(head, ensure_ascii=False, indent=1).removesuffix("\n}")
    runs = ",\n".join("  " + json.dumps(run, ensure_ascii=False) for run in document["runs"])
    return f'{lines},\n "runs": [\n{runs}\n ]\n}}\n'


def check_writable(path: Path) -> None:
    """Fail now rather than after an hour of measuring; raises `OutputError`."""
    if path.is_dir():
        raise OutputError(f"{path} is a folder: name a file with --out.")
    if not path.parent.is_dir():
        raise OutputError(f"There is no folder {path.parent}: create it, or name another --out.")
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise unwritable(path, error) from error


def unwritable(path: Path, error: OSError) -> OutputError:
    """Return the sentence for a file that can't be written."""
    reason = error.strerror or str(error)
    return OutputError(f"Can't write {path} ({reason}): name another file with --out.")
