"""One watch asked once: what arXiv lists, what of it is new here, and what became of that."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from analyzers.errors import ErrorKind, SourceError, error_record
from analyzers.message import message
from app.workflows.add import take_in
from app.workflows.adding import AddSummary, OnProgress
from app.workflows.fetching import Fetcher
from app.workflows.inbox import places
from app.workflows.ranking import ranking
from db.engine import session_scope
from db.models import Watch, WatchFind
from db.queries import inbox as inbox_queries
from db.queries import watches as queries

if TYPE_CHECKING:
    from analyzers.sources.arxiv_api import PaperRecord, Records

ANNOUNCED_AFTER = timedelta(days=14)
"""A paper may be listed so long after it was submitted; the time is looked at once more."""
MOST_LISTED = 2000
TRIES = 3
"""A paper that can't even be read by its abstract is tried so often."""


@dataclass(slots=True)
class WatchRun:
    """What came of asking for one watch."""

    watch: str
    query: str
    state: str = "ok"
    """ok, partial (the list broke off), cancelled, failed."""
    asked_at: str = ""
    found: int = 0
    new: list[dict[str, Any]] = field(default_factory=list)
    versions: list[dict[str, Any]] = field(default_factory=list)
    known: int = 0
    left: int = 0
    """New ones that the next time takes."""
    by_abstract: list[dict[str, Any]] = field(default_factory=list)
    """Papers whose PDF could not be had, with the reason."""
    failed: list[dict[str, Any]] = field(default_factory=list)
    error: dict[str, Any] | None = None
    next_at: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether arXiv answered to the end and every paper could be read."""
        return self.state == "ok" and not self.failed

    def to_json(self) -> dict[str, Any]:
        """Return what `assay watch run --json` prints, and what the catalog keeps."""
        return {name: getattr(self, name) for name in self.__slots__}


class Asking:
    """One watch, asked once."""

    def __init__(
        self,
        engine: Engine,
        watch: Watch,
        run: WatchRun,
        on_progress: OnProgress,
        cancelled: Callable[[], bool],
    ) -> None:
        self._engine, self._watch, self._run = engine, watch, run
        self._on_progress, self._cancelled = on_progress, cancelled
        self._summary = AddSummary()
        self._fetcher = Fetcher(self._summary, on_progress, cancelled)
        self._noted: dict[tuple[str, int], WatchFind] = {}
        self._tries: dict[tuple[str, int], int] = {}

    def go(self) -> str | None:
        """Do all of it; return up to when nothing is missing. Raises `SourceError`."""
        listed = self._listed()
        works = self._sort_out(listed)
        if works:
            with session_scope(self._engine) as session:  # if this process dies, the next one knows
                tries = self._tries
                waiting = [
                    self._find(r, None, "failed", tries.get((r.arxiv_id, r.version), 0))
                    for r in works
                ]
                queries.note_finds(session, waiting)
            take_in(
                self._engine,
                self._summary,
                self._fetcher,
                works,
                on_progress=self._on_progress,
                cancelled=self._cancelled,
            )
        self._settle(works)
        if self._cancelled():
            self._run.state = "cancelled"
        if self._run.state != "ok" or self._run.left:
            return self._watch.covered_to
        dates = [record.published for record in listed]
        return max([*dates, self._watch.covered_to or ""]) or None

    def _listed(self) -> list[PaperRecord]:
        """Ask for what was submitted since last time, and for newer versions of papers here."""
        before = _before(self._watch.covered_to)
        most = self._watch.most
        cut_short = False

        def enough(count: int, date: str) -> bool:
            nonlocal cut_short
            cut_short = count >= most and (before is None or date < before)
            return cut_short

        def ask(**which: Any) -> Records:
            found = self._fetcher.newest(self._watch.query, max_results=MOST_LISTED, **which)
            if found.trouble is not None and self._run.error is None:
                self._run.state = "partial"
                told = message(
                    "Only the first {count} results came: {why}",
                    count=len(found),
                    why=found.trouble.reason,
                )
                self._run.error = error_record(found.trouble.kind, told)
            return found

        listed = list(ask(enough=lambda count, record: enough(count, record.published)))
        self._run.found = len(listed)
        if cut_short and self._run.error is None:
            # Older papers are not in that list, and may have a new version.
            try:
                newer = ask(enough=lambda n, record: enough(n, record.updated), by_update=True)
            except SourceError as error:
                if error.kind is ErrorKind.CANCELLED:
                    raise
                self._run.state = "partial"
                self._run.error = error_record(error.kind, error.reason)
                newer = None
            listed += self._of_catalog(newer or [], {r.arxiv_id for r in listed})
        return listed

    def _of_catalog(
        self, records: Sequence[PaperRecord], but: Collection[str]
    ) -> list[PaperRecord]:
        with session_scope(self._engine) as session:
            held = queries.held(session, [r.arxiv_id for r in records])
        return [r for r in records if r.arxiv_id in held and r.arxiv_id not in but]

    def _sort_out(self, listed: Sequence[PaperRecord]) -> list[PaperRecord]:
        """Return what has to be read now, the newest first; note what is known."""
        with session_scope(self._engine) as session:
            held = queries.held(session, [r.arxiv_id for r in listed])
            seen = queries.seen(session, self._watch.id)
        met = {arxiv_id for (arxiv_id, _), find in seen.items() if find.outcome != "failed"}
        new: list[PaperRecord] = []
        newer: list[PaperRecord] = []
        for record in listed:
            before = seen.get((record.arxiv_id, record.version))
            here = held.get(record.arxiv_id)
            if before is not None and before.outcome != "failed":
                self._run.known += 1
            elif before is not None and before.tries >= TRIES:
                continue
            elif here is None and record.arxiv_id in met:
                self._note(record, None, "known")  # a person removed it: it stays away
            elif here is None:
                new.append(record)
            elif _number(here.version) is not None and record.version > _number(here.version, 0):
                self._run.versions.append(
                    {
                        "paper_id": here.paper_id,
                        "arxiv_id": record.arxiv_id,
                        "before": here.version,
                        "after": f"v{record.version}",
                    }
                )
                newer.append(record)
            elif before is not None:
                # The process died before it could say so.
                is_version = record.arxiv_id in met
                self._note(record, here.paper_id, "version" if is_version else "new")
                if not is_version:
                    self._tell_new(record, here.paper_id)
            else:
                self._note(record, here.paper_id, "known")
        works = (new + newer)[: self._watch.most]
        chosen = {r.arxiv_id for r in works}
        self._run.left = len(new) + len(newer) - len(works)
        self._run.versions = [v for v in self._run.versions if v["arxiv_id"] in chosen]
        self._tries = {key: find.tries for key, find in seen.items() if find.outcome == "failed"}
        return works

    def _settle(self, works: Sequence[PaperRecord]) -> None:
        """Say of each paper what it has become, and remember it."""
        run, summary = self._run, self._summary
        there = {*summary.added, *summary.updated, *summary.known}
        versions = {version["arxiv_id"] for version in run.versions}
        with session_scope(self._engine) as session:
            held = queries.held(session, [r.arxiv_id for r in works])
        for record in works:
            here = held.get(record.arxiv_id)
            if here is not None and here.paper_id in there:
                is_version = record.arxiv_id in versions
                self._note(record, here.paper_id, "version" if is_version else "new")
                if not is_version:
                    self._tell_new(record, here.paper_id)
            elif not self._cancelled():
                tries = self._tries.get((record.arxiv_id, record.version), 0) + 1
                find = self._find(record, None, "failed", tries)
                self._noted[record.arxiv_id, record.version] = find
        settled = {find.arxiv_id for find in self._noted.values() if find.outcome != "failed"}
        run.versions = [v for v in run.versions if v["arxiv_id"] in settled]
        for failure in summary.failed:
            told = {"source": failure.source, **error_record(failure.kind, failure.reason)}
            is_read = failure.source.rpartition("v")[0] in settled
            (run.by_abstract if is_read else run.failed).append(told)
        with session_scope(self._engine) as session:
            queries.note_finds(session, self._noted.values())
            self._rank(session)

    def _tell_new(self, record: PaperRecord, paper_id: str) -> None:
        self._run.new.append(
            {
                "paper_id": paper_id,
                "arxiv_id": record.arxiv_id,
                "version": f"v{record.version}",
                "title": record.title,
            }
        )

    def _rank(self, session: Session) -> None:
        """Add to the new papers where they stand, and put the best first."""
        if not self._run.new:
            return
        rows = ranking(lambda: nullcontext(session))
        papers = inbox_queries.summaries(session, [paper["paper_id"] for paper in self._run.new])
        among = places(rows)
        for paper in self._run.new:
            row = rows.row(paper["paper_id"]) or {}
            names = ("rank", "score", "recommendation", "technique", "claimed_speedup")
            paper |= {name: row.get(name) for name in names}
            paper |= {"of": len(rows), "read": papers[paper["paper_id"]].read}
            paper["shortlist_rank"], paper["shortlist_of"] = among(row.get("rank"))
        self._run.new.sort(key=lambda paper: (paper["rank"] is None, paper["rank"] or 0))

    def _note(self, record: PaperRecord, paper_id: str | None, outcome: str) -> None:
        if outcome == "known":
            self._run.known += 1
        find = self._find(record, paper_id, outcome)
        self._noted[record.arxiv_id, record.version] = find

    def _find(
        self, record: PaperRecord, paper_id: str | None, outcome: str, tries: int = 1
    ) -> WatchFind:
        return WatchFind(
            watch_id=self._watch.id,
            arxiv_id=record.arxiv_id,
            version=record.version,
            paper_id=paper_id,
            outcome=outcome,
            tries=tries,
        )


def _number(version: str | None, default: int | None = None) -> Any:
    digits = (version or "").lstrip("v")
    return int(digits) if digits.isdigit() else default


def _before(covered_to: str | None) -> str | None:
    if covered_to is None:
        return None
    return (datetime.fromisoformat(covered_to) - ANNOUNCED_AFTER).isoformat()
