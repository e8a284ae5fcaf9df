"""What was accepted, written down outside the catalog: one file a writer, synced line by line."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Entry = dict[str, Any]


class Journal:
    """A writer's file of JSON lines; a line is on the disk when `write` returns."""

    def __init__(self, path: Path) -> None:
        self._out = path.open("ab", buffering=0)

    def write(self, kind: str, **what: Any) -> None:
        """Put down that something happened, and when."""
        line = json.dumps({"at": stamp(), "kind": kind, **what}, ensure_ascii=False)
        self._out.write(line.encode() + b"\n")
        os.fsync(self._out.fileno())


def stamp() -> str:
    """Return this moment as text whose order is that of time."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def entries(folder: Path) -> Iterator[Entry]:
    """Yield what all writers put down, each writer's in its order."""
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text("utf-8").splitlines():
            yield {"by": path.stem, **json.loads(line)}


def of_kind(found: list[Entry], *kinds: str) -> list[Entry]:
    """Return the entries of these kinds."""
    return [entry for entry in found if entry["kind"] in kinds]


def brief(entry: Mapping[str, Any]) -> str:
    """Return an entry in a line, for a list of faults."""
    return " ".join(f"{key}={value}" for key, value in entry.items() if key != "by")[:300]
