"""Adding papers: fetch what has an id, analyse what is a file, store, and rank.

Each paper is stored as soon as it is analysed, so a killed process loses only what it was working
on; nothing that can't be had keeps the others out.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine

from analyzers.message import Message, message
from app import home
from app.errors import UsageError
from app.workflows.moves import Move
from app.workflows.ranking import DEFAULT_TARGET
from app.workflows.storing import store_analysis
from app.workflows.triage import rescore
from db.engine import session_scope
from db.queries import papers as paper_queries

if TYPE_CHECKING:
    from analyzers.sources.arxiv_api import ArxivId, PaperRecord
    from analyzers.sources.web import Web

OnProgress = Callable[[int, int | None, Message | None], None]
RESCORE_EVERY = 20


@dataclass(frozen=True, slots=True)
class Failure:
    """One source that gave no paper, and why."""

    source: str
    kind: str
    message: str


@dataclass(slots=True)
class AddSummary:
    """What became of the sources: ids of papers added and updated, failures, scores that moved."""

    added: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    failed: list[Failure] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return the outcome of a job, and what `assay add --json` prints."""
        return {
            "added": self.added,
            "updated": self.updated,
            "failed": [
                {"source": f.source, "kind": f.kind, "message": f.message} for f in self.failed
            ],
            "moved": [
                {"paper": m.paper_id, "kind": m.kind, "before": m.before, "after": m.after}
                for m in self.moves
            ],
        }


@dataclass(frozen=True, slots=True)
class _Work:
    """A file to analyse, and the record it came with."""

    path: Path
    record: PaperRecord | None = None
    abstract_only: bool = False


def add_sources(
    engine: Engine,
    sources: Sequence[str],
    *,
    query: str | None = None,
    limit: int = 10,
    on_progress: OnProgress = lambda done, total, note: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> AddSummary:
    """Fetch, analyse, store and rank papers.

    `sources` are arXiv ids or addresses, files, folders and `.bib` files; `query` asks arXiv for
    the newest `limit` papers that fit. Raises `UsageError` where there is nothing to do.
    """
    if not sources and not (query and query.strip()):
        raise UsageError("Nothing to add: give an arXiv id, a file, a folder, or a query.")
    summary = AddSummary()
    ids, files = _sort_out(sources, summary)
    records = _records(ids, query, limit, summary, on_progress, cancelled)
    total = len(records) + len(files)
    if not total:
        return summary
    fetched = _fetch(records, summary, on_progress, cancelled)
    _analyse(engine, [*fetched, *map(_Work, files)], summary, on_progress, cancelled)
    return summary


def refresh_papers(
    engine: Engine,
    papers: Sequence[str],
    *,
    on_progress: OnProgress = lambda done, total, note: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> AddSummary:
    """Analyse the files of papers again; corrections, notes and status stay."""
    summary, works = AddSummary(), []
    with session_scope(engine) as session:
        for name in papers:
            paper = paper_queries.get_by_any_id(session, name)
            path = Path(paper.source_path) if paper.source_path else None
            if path is not None and path.is_file():
                works.append(_Work(path))
            elif path is None:
                told = f"There is no file of {paper.id}: add its PDF with `assay add FILE`."
                summary.failed.append(Failure(paper.id, "no_file", told))
            else:
                told = f"{path} is gone: add the file again with `assay add FILE`."
                summary.failed.append(Failure(paper.id, "not_found", told))
    _analyse(engine, works, summary, on_progress, cancelled)
    return summary


def save_upload(name: str, content: bytes) -> Path:
    """Keep an uploaded file in the papers folder under a name that is safe, and return its path."""
    digest = hashlib.sha256(content).hexdigest()[:12]
    stem = "".join(c if c.isalnum() or c in "-._" else "_" for c in Path(name).name)[-60:]
    path = home.papers_folder() / f"{digest}-{stem.lstrip('.') or 'upload'}"
    if not path.exists():
        part = path.with_name(f".{path.name}.part")
        part.write_bytes(content)
        part.replace(path)
    return path


def _sort_out(sources: Sequence[str], summary: AddSummary) -> tuple[list[ArxivId], list[Path]]:
    """Tell ids from paths; what is neither becomes a failure."""
    from analyzers.sources.arxiv_id import parse_arxiv_id
    from analyzers.sources.local import expand

    ids: list[ArxivId] = []
    paths: list[str] = []
    for source in dict.fromkeys(s.strip() for s in sources if s.strip()):
        arxiv_id = None if Path(source).expanduser().exists() else parse_arxiv_id(source)
        if arxiv_id is not None:
            ids.append(arxiv_id)
        else:
            paths.append(source)
    found = expand(paths)
    for missing in found.missing:
        told = missing.message
        if missing.kind == "not_found":
            told = (
                f"{missing.path} is neither a file or folder nor an arXiv id (such as 2401.06706)."
            )
        summary.failed.append(Failure(missing.path, missing.kind, told))
    known = {str(i) for i in ids}
    return [*ids, *(i for i in found.ids if str(i) not in known)], found.files


def _web(cancelled: Callable[[], bool]) -> Web:
    from analyzers.sources.arxiv_api import make_web

    return make_web(lock_file=home.data_folder() / "arxiv.lock", should_stop=cancelled)


def _records(
    ids: Sequence[ArxivId],
    query: str | None,
    limit: int,
    summary: AddSummary,
    on_progress: OnProgress,
    cancelled: Callable[[], bool],
) -> list[PaperRecord]:
    """Ask arXiv for the records of ids and of the query; an unknown id is a failure of its own."""
    from analyzers.sources.arxiv_api import fetch_records
    from analyzers.sources.errors import SourceError

    base = os.environ.get("ASSAY_ARXIV_URL")
    web = _web(cancelled)
    records: list[PaperRecord] = []
    if ids:
        on_progress(0, None, message("Asking arXiv for {count} records", count=len(ids)))
        try:
            found = fetch_records(list(ids), base_url=base, web=web)
        except SourceError as error:
            summary.failed += [Failure(str(i), error.kind.value, error.message) for i in ids]
        else:
            records += found
            summary.failed += [
                Failure(i, "not_found", f"arXiv knows no paper {i}.") for i in found.missing
            ]
    if query and query.strip():
        on_progress(0, None, message("Asking arXiv: {query}", query=query))
        try:
            answer = fetch_records(query=query, max_results=limit, base_url=base, web=web)
        except SourceError as error:
            summary.failed.append(Failure(query, error.kind.value, error.message))
        else:
            if not answer:
                told = f"arXiv has nothing for the query {query!r}."
                summary.failed.append(Failure(query, "not_found", told))
            held = {str(r.id) for r in records}
            records += [r for r in answer if str(r.id) not in held]
    return records


def _fetch(
    records: Sequence[PaperRecord],
    summary: AddSummary,
    on_progress: OnProgress,
    cancelled: Callable[[], bool],
) -> list[_Work]:
    """Download the PDFs; a paper without one is read by its abstract, and the failure is said."""
    from analyzers.sources.arxiv_api import download_pdf
    from analyzers.sources.errors import SourceError

    base, web, works = os.environ.get("ASSAY_ARXIV_URL"), _web(cancelled), []
    for number, record in enumerate(records):
        if cancelled():
            break
        on_progress(number, len(records), message("Fetching {paper}", paper=str(record.id)))
        try:
            path = download_pdf(record, home.papers_folder(), base_url=base, web=web)
            works.append(_Work(path, record))
        except SourceError as error:
            told = f"{error.message} Only its abstract was read."
            summary.failed.append(Failure(str(record.id), error.kind.value, told))
            works.append(_Work(_abstract_file(record), record, abstract_only=True))
    return works


def _abstract_file(record: PaperRecord) -> Path:
    path = home.papers_folder() / f"{record.id.file_name.removesuffix('.pdf')}.abstract.md"
    path.write_text(f"# {record.title}\n\n## Abstract\n\n{record.abstract}\n", encoding="utf-8")
    return path


def _analyse(
    engine: Engine,
    works: Sequence[_Work],
    summary: AddSummary,
    on_progress: OnProgress,
    cancelled: Callable[[], bool],
) -> None:
    by_path = {str(work.path): work for work in works}
    touched: list[str] = []
    for number, result in enumerate(_results(list(by_path), cancelled), start=1):
        work = by_path[result["source"]]
        if "error" in result:
            error = result["error"]
            summary.failed.append(Failure(result["source"], error["kind"], error["message"]))
        else:
            stored = store_analysis(
                engine, result, work.path, record=work.record, abstract_only=work.abstract_only
            )
            touched.append(stored.paper_id)
            (summary.added if stored.is_new else summary.updated).append(stored.paper_id)
        on_progress(number, len(works), message("Analysed {paper}", paper=work.path.name))
        if len(touched) >= RESCORE_EVERY:
            _rank(engine, touched, summary)
            touched = []
    _rank(engine, touched, summary)


def _results(paths: list[str], cancelled: Callable[[], bool]) -> Iterator[dict[str, Any]]:
    from analyzers.isolation import analyze_files

    yield from analyze_files(
        paths,
        target=DEFAULT_TARGET,
        targets=home.targets_folder(),
        ordered=False,
        should_stop=cancelled,
    )


def _rank(engine: Engine, touched: Sequence[str], summary: AddSummary) -> None:
    if touched:
        with session_scope(engine) as session:
            summary.moves += rescore(session, {"kind": "analysis", "ref": "added"}, touched)
