"""Taking in measured runs: read run documents, store them, let the scores follow."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analyzers.message import message
from app.errors import AssayError
from app.i18n import N_, Translate
from app.workflows.moves import Move
from app.workflows.settings import default_target

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

MAX_DOCUMENT_BYTES = 64 << 20
BUNDLE = "documents"
"""Where a file holds the run documents of several machines: {"schema", "documents": […]}."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a file or a run in it: a template and what fills it."""

    place: str
    """The file, as the person knows it; in a file of many documents which one."""
    template: str
    params: Mapping[str, Any] = field(default_factory=dict)
    run: str = ""
    """The run in the file, "3 (sampling b1-v128256)"; nothing for the file as a whole."""

    def say(self, translate: Translate = str) -> str:
        """Return one sentence, naming the file."""
        why = translate(self.template).format(**self.params)
        if self.run:
            why = translate(N_("run {run}: {why}")).format(run=self.run, why=why)
        return f"{self.place}: {why}"


class UnreadableError(AssayError):
    """A file that is no run document; `problem` says so in any language."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.say())
        self.problem = problem


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
    is_outranked: bool = False
    """Whether full runs of the same device go on counting, so that none of the added ones does."""
    problems: tuple[Problem, ...] = ()
    """The same as `error` and `rejected`, for saying in another language."""


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """What an import did."""

    files: tuple[FileImport, ...]
    """One for each document; a file of many documents has many."""
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
    def problems(self) -> tuple[Problem, ...]:
        """All that is wrong with the files, in their order."""
        return tuple(problem for file in self.files for problem in file.problems)

    @property
    def is_clean(self) -> bool:
        """Whether every run of every file was taken in."""
        return not self.problems


def read_run_document(path: Path) -> dict[str, Any]:
    """Return the record in a file. Raises AssayError with one sentence if there is none."""
    try:
        if path.stat().st_size > MAX_DOCUMENT_BYTES:
            raise UnreadableError(_too_large(path.name))
        content = path.read_bytes()
    except FileNotFoundError:
        raise AssayError(message("There is no file {path}.", path=str(path))) from None
    except OSError as error:
        raise AssayError(
            message(
                "{path} can't be read: {why}.", path=str(path), why=error.strerror or str(error)
            )
        ) from None
    return parse_run_document(path.name, content)


def parse_run_document(name: str, content: bytes) -> dict[str, Any]:
    """Return the record in a file's content; raises `UnreadableError`, which names the file."""
    if len(content) > MAX_DOCUMENT_BYTES:
        raise UnreadableError(_too_large(name))
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        template = N_(
            "it is not JSON. Make a run document with `python -m prototypes run NAME --out FILE`."
        )
        raise UnreadableError(Problem(name, template)) from None
    if not isinstance(document, dict):
        raise UnreadableError(
            Problem(name, N_("it is not a run document, because it holds no record."))
        )
    return document


def _too_large(name: str) -> Problem:
    template = N_("it is larger than {limit} MB, so it is no run document.")
    return Problem(name, template, {"limit": MAX_DOCUMENT_BYTES >> 20})


def shipped_documents(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the run documents that ship with the project, in the order of their names."""
    for path in sorted(folder.glob("*.json")):
        for _, document in _documents_in(path.name, read_run_document(path)):
            yield document


def import_run_files(engine: Engine, paths: Sequence[Path]) -> ImportSummary:
    """Store the runs of these files and rescore; importing twice changes nothing.

    A file that can't be read doesn't keep the others out. A document's runs and the scores that
    they move are stored together or not at all.
    """
    return _import_each(engine, [(path, partial(read_run_document, path)) for path in paths])


def import_run_contents(engine: Engine, contents: Sequence[tuple[str, bytes]]) -> ImportSummary:
    """Store the runs of uploaded files, given as (name, content), as `import_run_files` does."""
    return _import_each(
        engine,
        [
            (Path(Path(name).name or "file"), partial(parse_run_document, name, content))
            for name, content in contents
        ],
    )


def _import_each(
    engine: Engine, sources: Sequence[tuple[Path, Callable[[], dict[str, Any]]]]
) -> ImportSummary:
    files: list[FileImport] = []
    moves: list[Move] = []
    for path, read in sources:
        try:
            documents = _documents_in(path.name, read())
        except AssayError as error:
            problem = getattr(error, "problem", None) or Problem(path.name, "{why}", {"why": error})
            files.append(FileImport(path, error=str(error), problems=(problem,)))
            continue
        for name, document in documents:
            file, moved = _import_document(engine, path, name, document)
            files.append(file)
            moves += moved
    return ImportSummary(tuple(files), tuple(moves))


def _documents_in(name: str, record: dict[str, Any]) -> list[tuple[str, Any]]:
    """Return the documents of a file by name: one, or those of an export over many machines."""
    bundle = record.get(BUNDLE)
    if "runs" in record or not isinstance(bundle, list):
        return [(name, record)]
    return [(f"{name} [{number}]", document) for number, document in enumerate(bundle, start=1)]


def _import_document(
    engine: Engine, path: Path, name: str, document: Any
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
            problem = Problem(name, error.template, error.params)
            return FileImport(path, error=problem.say(), problems=(problem,)), []
        moves = rescore(session, _cause(path, document)) if result.added else []
        after = _believed(session, papers)
        scores = tuple(Move(p, "believed", before.get(p), after.get(p)) for p in papers)
        counts = len(result.added), len(result.known)
        problems = tuple(
            Problem(name, refusal.template, refusal.params, f"{refusal.number}{refusal.name}")
            for refusal in result.refusals
        )
        taken_in = FileImport(
            path,
            *counts,
            result.rejected,
            scores=scores,
            is_outranked=_is_outranked(session, document, result.added),
            problems=problems,
        )
        return taken_in, moves


def _is_outranked(session: Session, document: Any, added: Collection[str]) -> bool:
    """Whether only quick runs were added, beside full ones of their prototypes on this device."""
    from db.queries import runs

    if not added:  # and of what was refused no name goes into a query
        return False
    new = runs.for_prototypes(session, ids=added)
    device = document["environment"]["device_id"]
    here = runs.for_prototypes(session, {run.prototype for run in new}, device_id=device)
    full = {run.prototype for run in here if run.shipped and not run.provisional}
    return all(run.provisional and run.prototype in full for run in new)


def _measured_papers(session: Session, document: Any) -> list[str]:
    from db.queries.prototype_links import prototypes

    # Names that nobody looked at yet, and any number of them: none goes into a query.
    names = {str(run.get("prototype")) for run in _runs(document)}
    return sorted(paper for paper, linked in prototypes(session).items() if names & set(linked))


def _believed(session: Session, paper_ids: Sequence[str]) -> dict[str, float | None]:
    from db.queries import scores

    usual = default_target()
    held = {paper_id: scores.of_paper(session, paper_id, usual) for paper_id in paper_ids}
    return {p: kinds["believed"].value for p, kinds in held.items() if "believed" in kinds}


def _runs(document: Any) -> list[dict[str, Any]]:
    runs = document.get("runs") if isinstance(document, dict) else None
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
