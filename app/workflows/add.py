"""Adding papers: fetch what has an id, analyse what is a file, store, and rank.

Each paper is stored as soon as it is analysed, so a killed process loses only what it was working
on; nothing that can't be had keeps the others out; what is in the catalog already isn't read again.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from analyzers.message import Message, message
from app import home
from app.errors import UsageError
from app.workflows.adding import AddSummary, Failure, OnProgress, Work
from app.workflows.fetching import Fetcher
from app.workflows.ingest import Ingest
from db.engine import session_scope
from db.queries import papers as paper_queries

if TYPE_CHECKING:
    from analyzers.sources.arxiv_api import PaperRecord

__all__ = ["AddSummary", "Failure", "add_sources", "refresh_papers", "save_upload"]

_MOST_NAMED = 2000
"""Files that a worker is allowed one by one; of more it may open the folders."""


def add_sources(
    engine: Engine,
    sources: Sequence[str],
    *,
    query: str | None = None,
    limit: int = 10,
    again: bool = False,
    on_progress: OnProgress = lambda done, total, note: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> AddSummary:
    """Fetch, analyse, store and rank papers.

    `sources` are arXiv ids or addresses, files, folders and `.bib` files; `query` asks arXiv for
    the newest `limit` papers that fit. A file, or a version of a paper, that these rules read
    before is not read again, unless `again` says so. Raises `UsageError` where there is nothing
    to do.
    """
    from analyzers.sources.local import sort_out

    if not sources and not (query and query.strip()):
        raise UsageError(message("Nothing to add: give an arXiv id, a file, a folder, or a query."))
    summary = AddSummary()
    found = sort_out(sources)
    summary.failed += [Failure(m.path, m.kind.value, m.reason) for m in found.missing]
    fetcher = Fetcher(summary, on_progress, cancelled)
    records = fetcher.records(found.ids, query, limit)
    take_in(
        engine,
        summary,
        fetcher,
        records,
        files=found.files,
        again=again,
        on_progress=on_progress,
        cancelled=cancelled,
    )
    return summary


def take_in(
    engine: Engine,
    summary: AddSummary,
    fetcher: Fetcher,
    records: Sequence[PaperRecord],
    *,
    files: Sequence[Path] = (),
    again: bool = False,
    on_progress: OnProgress = lambda done, total, note: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> None:
    """Read files and the papers of arXiv's records, store and rank them; the summary says what."""
    ingest = Ingest(
        engine,
        summary,
        len(files) + len(records),
        on_progress=on_progress,
        cancelled=cancelled,
        again=again,
    )

    def unknown() -> Iterator[PaperRecord]:
        return (record for record in records if not ingest.is_known(record))

    def fall_back(work: Work, kind: str, reason: Message) -> Work:
        assert work.record is not None
        return fetcher.abstract(work.record, kind, reason)

    ingest.run(
        chain(map(Work, files), fetcher.downloads(unknown())),
        _readable(files, is_fetching=bool(records)),
        fall_back,
    )
    ingest.finish()


def refresh_papers(
    engine: Engine,
    papers: Sequence[str],
    *,
    again: bool = False,
    on_progress: OnProgress = lambda done, total, note: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> AddSummary:
    """Analyse the files of papers again; corrections, notes and status stay.

    A file that has not changed, and that these rules read before, would say the same: it is read
    only if `again` says so. No papers means all that have a file.
    """
    summary, works = AddSummary(), []
    with session_scope(engine) as session:
        if papers:
            chosen = [paper_queries.get_by_any_id(session, name) for name in papers]
            named = [(paper.id, paper.arxiv_id, paper.source_path) for paper in chosen]
        else:
            rows = paper_queries.list_papers(session)
            named = [(r.id, r.arxiv_id, r.source_path) for r in rows if r.source_path]
    for paper_id, arxiv_id, source_path in dict.fromkeys(named):
        path = Path(source_path) if source_path else None
        if path is not None and path.is_file():
            works.append(Work(path, abstract_only=path.name.endswith(".abstract.md")))
        else:
            summary.failed.append(_without_file(paper_id, arxiv_id, path))
    ingest = Ingest(
        engine, summary, len(works), on_progress=on_progress, cancelled=cancelled, again=again
    )
    ingest.run(works, _readable([work.path for work in works]))
    ingest.finish()
    return summary


def _without_file(paper_id: str, arxiv_id: str | None, path: Path | None) -> Failure:
    if path is not None:
        told = message("{path} is gone: add the file again with `assay add FILE`.", path=str(path))
        return Failure(paper_id, "not_found", told)
    if arxiv_id is not None:
        told = message(
            "There is no file of {paper}: fetch it with `assay add {arxiv_id}`, or add its PDF with"
            " `assay add FILE`.",
            paper=paper_id,
            arxiv_id=arxiv_id,
        )
    else:
        told = message(
            "There is no file of {paper}: add its PDF with `assay add FILE`.", paper=paper_id
        )
    return Failure(paper_id, "no_file", told)


def _readable(files: Sequence[Path], *, is_fetching: bool = False) -> list[Path]:
    """Return what the analysis may open: the files, their folders where they are very many."""
    named = [path.absolute() for path in files]
    if len(named) > _MOST_NAMED:
        named = list(dict.fromkeys(path.parent for path in named))
    return [*named, home.papers_folder().absolute()] if is_fetching else named


def save_upload(name: str, content: bytes) -> Path:
    """Keep an uploaded file in the papers folder under a name that is safe, and return its path."""
    digest = hashlib.sha256(content).hexdigest()[:12]
    stem = "".join(c if c.isalnum() or c in "-._" else "_" for c in Path(name).name)[-40:]
    path = home.papers_folder() / f"{digest}-{stem.lstrip('.') or 'upload'}"
    if not path.exists():
        # A name of its own, never through a link that lies there: two may send one file at once.
        own = f".{os.getpid()}.part"
        handle, part = tempfile.mkstemp(prefix=f".{path.name}.", suffix=own, dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(content)
            Path(part).replace(path)
        finally:
            Path(part).unlink(missing_ok=True)
    return path
