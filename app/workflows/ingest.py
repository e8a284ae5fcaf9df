"""Files into the catalog, many at once: in parallel, each stored as soon as it is read.

Whatever moment the process is killed at, a paper is either in the catalog with everything that was
found in it, or not at all; the next run finds what is left. Ranking goes on meanwhile, but takes a
tenth of the time at most: the catalog may be large, and each ranking goes over all of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError, StatementError

from analyzers.errors import ErrorKind, reason_of
from analyzers.message import Message, message
from analyzers.targets import DEFAULT_TARGET
from app import home
from app.error_log import log_error
from app.errors import reason_of as reason_of_error
from app.jobs.context import JobLostError
from app.jobs.hosts.address import scheduler_address
from app.workflows.adding import AddSummary, Failure, OnProgress, Work
from app.workflows.file_content import Content
from app.workflows.moves import Move
from app.workflows.pace import Pace
from app.workflows.settings import default_target
from app.workflows.storing import Rivals, store_analysis, store_failure, take_record
from app.workflows.triage import rescore
from db.engine import session_scope
from db.errors import DuplicateError, RefusedError
from db.patience import patiently
from db.queries import coverage
from db.queries import files as file_queries
from db.queries.files import FileRow

_Result = TypeVar("_Result")
_RANKING_SHARE = 0.1
_FIRST_RANKING_S = 2.0
_PASSING = ("timeout", "cancelled", "not_found")
"""Failures that say nothing of the file's content: it is tried again the next time."""


class Ingest:
    """One run of adding: what is known already, what is read, what came of it."""

    def __init__(
        self,
        engine: Engine,
        summary: AddSummary,
        total: int,
        *,
        on_progress: OnProgress,
        cancelled: Callable[[], bool],
        again: bool = False,
    ) -> None:
        from analyzers.rules import rules_of

        self.rules = rules_of(DEFAULT_TARGET, home.targets_folder())
        self._engine = engine
        self._summary = summary
        self._cancelled = cancelled
        self._again = again
        self._pace = Pace(total, on_progress)
        self._ranking = _Ranking(engine, summary)
        self._works: dict[str, tuple[Work, Content]] = {}
        self._hashes: set[str] = set()
        self._copies: list[tuple[Work, str]] = []
        self._failed: dict[str, tuple[str, Message]] = {}
        self._rivals: Rivals = {}

    def is_known(self, work_record: Any) -> bool:
        """Whether these rules read this version of an arXiv paper; its record is taken in."""
        if self._again:
            return False
        row = self._patiently(lambda: self._version_row(work_record))
        if row is None or row.paper_id is None:
            return False
        self._settle(row, Work(Path(row.path), work_record))
        self._pace.step(str(work_record.id), read=False)
        return True

    def _version_row(self, record: Any) -> FileRow | None:
        with session_scope(self._engine) as session:
            return file_queries.of_version(session, record.arxiv_id, record.version, self.rules)

    def _patiently(self, act: Callable[[], _Result]) -> _Result:
        """Do it again while the catalog's server is away: what was read is worth keeping."""
        return patiently(self._engine, act, is_wanted=lambda: not self._cancelled())

    def run(
        self,
        works: Iterable[Work],
        readable: Sequence[Path],
        fall_back: Callable[[Work, str, Message], Work] | None = None,
    ) -> None:
        """Read and store the works as they come; `fall_back` gives another for one that failed."""
        try:
            for result in self._analyse(self._unread(works), readable):
                self._take(result, fall_back)
                self._ranking.go_on()
        except JobLostError as lost:
            self.finish()  # what was read by then is in the catalog, and stays
            raise JobLostError(lost.reason, self._summary.to_json()) from lost
        for work, content_hash in self._copies:
            if content_hash in self._failed:
                self._fail(work, *self._failed[content_hash])
            elif (row := self._find(content_hash)) is not None:
                self._settle(row, work)

    def finish(self) -> None:
        """Rank what is not ranked yet, be it from this run or from one that was killed."""
        self._ranking.finish()

    def _analyse(self, paths: Iterator[str], readable: Sequence[Path]) -> Iterator[dict[str, Any]]:
        from analyzers.isolation import analyze_files

        if (scheduler := scheduler_address()) is not None:
            from app.workflows.hosted import read_on_hosts

            return read_on_hosts(
                paths,
                scheduler,
                target=DEFAULT_TARGET,
                targets=home.targets_folder(),
                should_stop=self._cancelled,
                on_retry=self._note_retry,
                on_wait=self._pace.wait,
            )
        return analyze_files(
            paths,
            readable=readable,
            target=DEFAULT_TARGET,
            targets=home.targets_folder(),
            ordered=False,
            should_stop=self._cancelled,
            texts=True,
        )

    def _unread(self, works: Iterable[Work]) -> Iterator[str]:
        """Yield the paths that have to be read; the others are settled by what is known of them."""
        for work in works:
            if self._cancelled():
                return
            try:
                content = Content.of(work.path)
            except OSError as error:
                told = message("The file cannot be opened: {why}.", why=error.strerror)
                self._fail(work, ErrorKind.UNREADABLE, told)
                self._pace.step(work.path.name, read=False)
                continue
            content_hash = content.digest
            row = None if self._again else self._find(content_hash)
            if row is not None:
                self._settle(row, work)
                self._pace.step(work.path.name, read=False)
            elif content_hash in self._hashes:
                self._copies.append((work, content_hash))
                self._pace.step(work.path.name, read=False)
            else:
                self._hashes.add(content_hash)
                self._works[str(work.path)] = work, content
                yield str(work.path)

    def _note_retry(self, why: Message) -> None:
        self._summary.retried += 1

    def _find(self, content_hash: str) -> FileRow | None:
        def find() -> FileRow | None:
            with session_scope(self._engine) as session:
                return file_queries.find(session, content_hash)

        row = self._patiently(find)
        return row if row is not None and row.rules == self.rules else None

    def _settle(self, row: FileRow, work: Work) -> None:
        """Say of a file what is known of its content."""
        if row.paper_id is None:
            self._fail(work, (row.error or {}).get("kind", "crash"), reason_of(row.error or {}))
            return
        outcome = "known"
        if work.record is not None:
            record, paper_id = work.record, row.paper_id
            outcome = self._patiently(lambda: take_record(self._engine, paper_id, record)).outcome
            if outcome != "known":
                self._ranking.touch(row.paper_id)
        self._summary.note(outcome, row.paper_id)
        held = self._rivals.get(row.paper_id, (-1, ""))
        self._rivals[row.paper_id] = max(held, (row.version or 0, row.path))

    def _take(
        self, result: dict[str, Any], fall_back: Callable[[Work, str, Message], Work] | None
    ) -> None:
        work, content = self._works.pop(result["source"])
        content_hash = content.digest
        if not content.is_still(work.path):
            # What was read may be something else than what the digest is of: neither is kept.
            told = message("The file was changed while it was read. Add it again.")
            self._failed[content_hash] = ErrorKind.CHANGED, told
            self._fail(work, ErrorKind.CHANGED, told)
        elif "error" not in result:
            self._store(result, work, content_hash)
        else:
            error = result["error"]
            self._failed[content_hash] = error["kind"], reason_of(error)
            if error["kind"] not in _PASSING:
                self._patiently(
                    lambda: store_failure(
                        self._engine, work, error, content_hash=content_hash, rules=self.rules
                    )
                )
            if work.record is None or work.abstract_only or fall_back is None:
                self._fail(work, error["kind"], reason_of(error))
            else:
                other = fall_back(work, error["kind"], reason_of(error))
                content_hash = Content.of(other.path).digest
                for again in self._analyse(iter([str(other.path)]), [other.path]):
                    if "error" in again:
                        self._fail(other, again["error"]["kind"], reason_of(again["error"]))
                    else:
                        self._store(again, other, content_hash)
        self._pace.step(work.path.name)

    def _store(self, result: dict[str, Any], work: Work, content_hash: str) -> None:
        try:
            stored = self._patiently(
                lambda: store_analysis(
                    self._engine,
                    result,
                    work,
                    content_hash=content_hash,
                    rules=self.rules,
                    rivals=self._rivals,
                )
            )
        except (DuplicateError, RefusedError) as error:
            kind = "duplicate" if isinstance(error, DuplicateError) else ErrorKind.REFUSED
            self._fail(work, kind, reason_of_error(error) or message("{why}", why=str(error)))
            return
        except (StatementError, ValueError, TypeError, LookupError, ArithmeticError) as error:
            if isinstance(error, OperationalError):
                raise  # the database, not this paper
            # Whatever one file holds, it costs itself only: the others are still to come.
            log_error(error)
            told = message(
                "What this file says doesn't go into the catalog ({error}): it was left out.",
                error=type(error).__name__,
            )
            self._fail(work, ErrorKind.CRASH, told)
            return
        self._summary.note(stored.outcome, stored.paper_id)
        if stored.outcome != "known":
            self._ranking.touch(stored.paper_id)

    def _fail(self, work: Work, kind: ErrorKind | str, reason: Message) -> None:
        source = str(work.path) if work.record is None else str(work.record.id)
        self._summary.failed.append(Failure(source, str(kind), reason))


class _Ranking:
    """Ranks anew while papers come in, a tenth of the time at most, and once at the end."""

    def __init__(self, engine: Engine, summary: AddSummary) -> None:
        self._engine = engine
        self._summary = summary
        self._touched: set[str] = set()
        self._due = time.monotonic() + _FIRST_RANKING_S

    def touch(self, paper_id: str) -> None:
        self._touched.add(paper_id)

    def go_on(self) -> None:
        if self._touched and time.monotonic() >= self._due:
            started = time.monotonic()
            self._rank()
            took = time.monotonic() - started
            self._due = time.monotonic() + max(_FIRST_RANKING_S, took / _RANKING_SHARE - took)

    def finish(self) -> None:
        def unscored() -> Collection[str]:
            with session_scope(self._engine) as session:
                return coverage.unscored(session, default_target())

        self._touched.update(patiently(self._engine, unscored))
        if self._touched:
            self._rank()

    def _rank(self) -> None:
        def rank() -> list[Move]:
            with session_scope(self._engine) as session:
                return rescore(session, {"kind": "analysis", "ref": "added"}, self._touched)

        self._summary.moves += patiently(self._engine, rank)
        self._touched = set()
