"""Taking in measured runs: read run documents, store them, let the scores follow."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analyzers.message import message
from app.errors import AssayError
from app.workflows.moves import Move
from app.workflows.ranking import DEFAULT_TARGET

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

MAX_DOCUMENT_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class FileImport:
    """What became of one run document."""

    path: Path
    added: int = 0
    known: int = 0
    rejected: tuple[str, ...] = ()
    """Why runs were refused, one sentence each."""
    error: str | None = None
    """Why the file as a whole was refused."""
    scores: tuple[Move, ...] = ()
    """The believed score of every paper that the runs measure, whether it moved or not."""


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """What an import did."""

    files: tuple[FileImport, ...]
    moves: tuple[Move, ...]

    @property
    def added(self) -> int:
        """Runs that the catalog did not have."""
        return sum(file.added for file in self.files)

    @property
    def known(self) -> int:
        """Runs that it had already."""
        return sum(file.known for file in self.files)

    @property
    def is_clean(self) -> bool:
        """Whether every run of every file was taken in."""
        return not any(file.error or file.rejected for file in self.files)


def read_run_document(path: Path) -> dict[str, Any]:
    """Return the run document in a file. Raises AssayError with one sentence if it is none."""
    try:
        if path.stat().st_size > MAX_DOCUMENT_BYTES:
            limit = MAX_DOCUMENT_BYTES >> 20
            raise AssayError(f"{path.name} is larger than {limit} MB: that is no run document.")
        document = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise AssayError(f"There is no file {path}.") from None
    except OSError as error:
        raise AssayError(f"{path} can't be read: {error.strerror or error}.") from None
    except (ValueError, RecursionError):
        raise AssayError(
            f"{path.name} is not JSON. Make a run document with "
            "`python -m prototypes run NAME --out FILE`."
        ) from None
    if not isinstance(document, dict):
        raise AssayError(f"{path.name} is not a run document: it holds no record.")
    return document


def shipped_documents(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the run documents that ship with the project, in the order of their names."""
    for path in sorted(folder.glob("*.json")):
        yield read_run_document(path)


def import_run_files(engine: Engine, paths: Sequence[Path]) -> ImportSummary:
    """Store the runs of these files and rescore; importing twice changes nothing.

    A file that can't be read doesn't keep the others out. A file's runs and the scores that they
    move are stored together or not at all.
    """
    files: list[FileImport] = []
    moves: list[Move] = []
    for path in paths:
        try:
            document = read_run_document(path)
            file, moved = _import_document(engine, path, document)
        except AssayError as error:
            file, moved = FileImport(path, error=str(error)), []
        files.append(file)
        moves += moved
    return ImportSummary(tuple(files), tuple(moves))


def _import_document(
    engine: Engine, path: Path, document: dict[str, Any]
) -> tuple[FileImport, list[Move]]:
    from app.workflows.triage import rescore
    from db.engine import session_scope
    from db.errors import DocumentError
    from db.queries import runs

    with session_scope(engine) as session:
        papers = _measured_papers(session, document)
        before = _believed(session, papers)
        try:
            result = runs.import_document(session, document)
        except DocumentError as error:
            return FileImport(path, error=f"{path.name}: {error}"), []
        moves = rescore(session, _cause(path, document)) if result.added else []
        after = _believed(session, papers)
        scores = tuple(Move(p, "believed", before.get(p), after.get(p)) for p in papers)
        counts = len(result.added), len(result.known)
        return FileImport(path, *counts, result.rejected, scores=scores), moves


def _measured_papers(session: Session, document: dict[str, Any]) -> list[str]:
    from db.queries import papers

    names = {str(run.get("prototype")) for run in _runs(document)}
    return sorted({p.id for name in names for p in papers.of_prototype(session, name)})


def _believed(session: Session, paper_ids: Sequence[str]) -> dict[str, float | None]:
    from db.queries import scores

    held = {paper_id: scores.of_paper(session, paper_id, DEFAULT_TARGET) for paper_id in paper_ids}
    return {p: kinds["believed"].value for p, kinds in held.items() if "believed" in kinds}


def _runs(document: dict[str, Any]) -> list[dict[str, Any]]:
    runs = document.get("runs")
    return [run for run in runs if isinstance(run, dict)] if isinstance(runs, list) else []


def _cause(path: Path, document: dict[str, Any]) -> dict[str, Any]:
    names = sorted({str(run["prototype"]) for run in _runs(document)})
    device = str(document["environment"]["device_name"])
    return {
        "kind": "run",
        "ref": path.name,
        "message": message(
            "Measured {prototypes} on {device}.", prototypes=", ".join(names), device=device
        ).to_json(),
    }
