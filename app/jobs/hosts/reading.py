"""What reading papers runs on a host: the same confined children as at home."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from app.jobs.hosts.performing import HostContext

BATCH_FILES = 32
BATCH_BYTES = 32 * 2**20


def read(
    files: Sequence[tuple[str, bytes]], target: str, targets: Sequence[tuple[str, bytes]]
) -> list[dict[str, Any]]:
    """Analyse files given as (name, content), with target files given likewise.

    Returns the results in the order of the files, each the analysis with its text or an error
    (see `analyzers.isolation.analyze_files`).
    """
    from analyzers.isolation import analyze_files

    folder = HostContext().folder
    own = folder / "targets"
    own.mkdir()
    for name, content in targets:
        (own / Path(name).name).write_bytes(content)
    paths = []
    for number, (name, content) in enumerate(files):
        place = folder / "papers" / str(number)  # two may have one name
        place.mkdir(parents=True)
        path = place / Path(name).name
        path.write_bytes(content)
        paths.append(path)
    return list(analyze_files(paths, target=target, targets=own, texts=True))
