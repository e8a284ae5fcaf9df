"""What arXiv has of ids and queries: its records first, then one PDF after another."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analyzers.errors import ErrorKind, SourceError
from analyzers.message import Message, message
from app import home
from app.workflows.adding import AddSummary, Failure, OnProgress, Work

if TYPE_CHECKING:
    from analyzers.sources.arxiv_api import ArxivId, PaperRecord, Records
    from analyzers.sources.web import Web

HOPELESS = (
    ErrorKind.OFFLINE, ErrorKind.RATE_LIMITED, ErrorKind.REFUSED, ErrorKind.BUSY, ErrorKind.DISK,
)  # fmt: skip
"""After these the next request would fail as well, or be one too many."""
_TIMEOUTS_IN_A_ROW = 3


class Fetcher:
    """Asks arXiv, politely; what can't be had becomes a failure in the summary."""

    def __init__(
        self, summary: AddSummary, on_progress: OnProgress, cancelled: Callable[[], bool]
    ) -> None:
        self._summary = summary
        self._on_progress = on_progress
        self._cancelled = cancelled
        self._base = os.environ.get("ASSAY_ARXIV_URL")
        self._web = _web(self._base, cancelled)

    def records(self, ids: Sequence[ArxivId], query: str | None, limit: int) -> list[PaperRecord]:
        """Return the records of ids and of a query, each once; an unknown id is a failure."""
        found: dict[str, PaperRecord] = {}
        if ids:
            step = message("Asking arXiv for {count} records", count=len(ids))
            found |= {str(r.id): r for r in self._of_ids(ids, step)}
        if query and query.strip():
            step = message("Asking arXiv: {query}", query=query)
            found |= {str(r.id): r for r in self._of_query(query, limit, step)}
        return list(found.values())

    def _of_ids(self, ids: Sequence[ArxivId], step: Message) -> Records | list[PaperRecord]:
        from analyzers.sources.arxiv_api import fetch_records

        self._on_progress(0, None, step)
        try:
            found = fetch_records(list(ids), base_url=self._base, web=self._web)
        except SourceError as error:
            for arxiv_id in ids:
                self._fail(str(arxiv_id), error)
            return []
        for missing in found.missing:
            if found.trouble is not None:
                self._fail(missing, found.trouble)
            else:
                told = message("arXiv knows no paper {paper}.", paper=missing)
                self._fail(missing, SourceError(ErrorKind.NOT_FOUND, told))
        return found

    def _of_query(self, query: str, limit: int, step: Message) -> Records | list[PaperRecord]:
        from analyzers.sources.arxiv_api import fetch_records

        self._on_progress(0, None, step)
        try:
            found = fetch_records(
                query=query, max_results=limit, base_url=self._base, web=self._web
            )
        except SourceError as error:
            self._fail(query, error)
            return []
        if found.trouble is not None:
            told = message(
                "Only the first {count} results came: {why}",
                count=len(found),
                why=found.trouble.reason,
            )
            self._fail(query, SourceError(found.trouble.kind, told))
        elif not found:
            told = message("arXiv has nothing for the query {query!r}.", query=query)
            self._fail(query, SourceError(ErrorKind.NOT_FOUND, told))
        return found

    def newest(self, query: str, **which: Any) -> Records:
        """Return a query's records as `fetch_records` does; raises `SourceError`."""
        from analyzers.sources.arxiv_api import fetch_records

        self._on_progress(0, None, message("Asking arXiv: {query}", query=query))
        return fetch_records(query=query, base_url=self._base, web=self._web, **which)

    def downloads(self, records: Iterable[PaperRecord]) -> Iterator[Work]:
        """Yield each paper as soon as its PDF is there.

        A paper without one is read by its abstract, and the failure is said. When arXiv refuses or
        can't be reached, it isn't asked again for those that are left.
        """
        from analyzers.sources.arxiv_pdf import download_pdf

        hopeless: SourceError | None = None
        timeouts = 0
        for record in records:
            error = hopeless
            if error is None:
                try:
                    path = download_pdf(
                        record, home.papers_folder(), base_url=self._base, web=self._web
                    )
                except SourceError as failed:
                    error = failed
                else:
                    timeouts = 0
                    yield Work(path, record)
                    continue
            if error.kind is ErrorKind.CANCELLED:
                return
            timeouts = timeouts + 1 if error.kind is ErrorKind.TIMEOUT else 0
            if error.kind in HOPELESS or timeouts >= _TIMEOUTS_IN_A_ROW:
                hopeless = error
            yield self.abstract(record, error.kind, error.reason)

    def abstract(self, record: PaperRecord, kind: ErrorKind | str, reason: Message) -> Work:
        """Return the abstract of a paper as something to read, and say why it is no more."""
        told = message("{why} Only its abstract was read.", why=reason)
        self._summary.failed.append(Failure(str(record.id), str(kind), told))
        path = home.papers_folder() / f"{record.id.file_name.removesuffix('.pdf')}.abstract.md"
        _write(path, f"# {record.title}\n\n## Abstract\n\n{record.abstract}\n")
        return Work(path, record, abstract_only=True)

    def _fail(self, source: str, error: SourceError) -> None:
        if error.kind is not ErrorKind.CANCELLED:
            self._summary.failed.append(Failure(source, error.kind.value, error.reason))


def _web(base: str | None, cancelled: Callable[[], bool]) -> Web:
    """Return a client whose gate all of this user's processes share, wherever their catalogs are.

    A replica on this machine is nobody's service: it has a gate of its own, and no pace.
    """
    from analyzers.sources.arxiv_api import make_web
    from analyzers.sources.web import is_local

    if base is not None and is_local(base):
        lock = home.data_folder() / "replica.lock"
        return make_web(lock_file=lock, interval_s=0.0, should_stop=cancelled)
    return make_web(should_stop=cancelled)


def _write(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)
