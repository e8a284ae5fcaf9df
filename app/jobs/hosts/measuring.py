"""What a benchmark runs on a host: the harness, as a program of its own."""

from __future__ import annotations

import errno
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app.jobs.command import run_command
from app.jobs.hosts.performing import HostContext

HARNESS = ("-m", "prototypes")
"""What this host's own Python runs."""
DOCUMENT_BYTES = 64 * 2**20
LEAST_ROOM_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class Ended:
    """How one run of the harness ended: its exit code, its last lines, the document's text."""

    code: int
    tail: list[str]
    document: str | None


def measure(runs: Sequence[Sequence[str]], harness: Sequence[str] = HARNESS) -> list[Ended]:
    """Run the harness once for each list of arguments; all on this host, one after another.

    The first that writes no document is the last. Reports {"run", "line"}, the harness' own lines
    of progress. Raises `OSError` where this host has no room.
    """
    context = HostContext()
    ended: list[Ended] = []
    for number, arguments in enumerate(runs):
        out = context.folder / f"run-{number}.json"

        def on_line(line: str, number: int = number) -> bool:
            is_progress = line.startswith('{"done"')
            if is_progress:
                context.report({"run": number, "line": line})
            return is_progress

        command = [
            sys.executable,
            *harness,
            "run",
            *arguments,
            "--out",
            str(out),
            "--progress-fd",
            "1",
        ]
        code, tail = run_command(context, command, on_line)
        is_there = out.is_file() and out.stat().st_size <= DOCUMENT_BYTES
        ended.append(Ended(code, tail, out.read_text(encoding="utf-8") if is_there else None))
        if not is_there:
            _check_room(context.folder)
            break
    return ended


def _check_room(folder: Path) -> None:
    """Raise `OSError` where nothing was measured because the disk is full."""
    if shutil.disk_usage(folder).free < LEAST_ROOM_BYTES:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
