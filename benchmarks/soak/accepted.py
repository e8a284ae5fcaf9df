"""Whether all that was accepted is in a catalog."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sqlalchemy import func, select

from benchmarks.soak.journal import Entry, brief, of_kind


def missing(url: str, found: list[Entry], *, until: str = "~") -> list[str]:
    """Return what the catalog at `url` lacks of what was accepted `until` then, a sentence each."""
    from db.engine import open_engine, read_scope

    undoing = {entry["of"] for entry in of_kind(found, "undoing")}
    undone = {entry["of"] for entry in of_kind(found, "undone") if entry["at"] <= until}
    found = [entry for entry in found if entry["at"] <= until]
    engine = open_engine(url)
    try:
        with read_scope(engine) as session:
            held = _Held(session)
            return [
                f"{entry['by']}: {why}: {brief(entry)}"
                for entry in found
                if (why := held.fault_of(entry, undoing, undone))
            ]
    finally:
        engine.dispose()


class _Held:
    """What a catalog holds, by the words that only one of the people said."""

    def __init__(self, session: Any) -> None:
        from db.models import (
            Edit,
            Environment,
            Fact,
            InboxDecision,
            Job,
            Note,
            Paper,
            Run,
            SourceFile,
        )

        edits = list(session.scalars(select(Edit)))
        self.notes = {e.record.get("text"): e for e in edits if e.kind == "note"}
        self.statuses = {e.who: e.record["after"] for e in edits if e.kind == "status"}
        self.standing = set(session.scalars(select(Note.text)))
        persons = session.scalars(select(Fact).where(Fact.source == "person"))
        self.facts = {fact.why: fact for fact in persons}
        rows = session.execute(select(InboxDecision.who, InboxDecision.decision))
        self.decisions = dict(rows.tuples().all())
        self.jobs = set(session.scalars(select(Job.id)))
        files = select(SourceFile.content_hash).join(Paper, Paper.id == SourceFile.paper_id)
        self.files = set(session.scalars(files))
        runs = select(Environment.started_at, func.count(Run.id)).join(
            Run, Run.environment_id == Environment.id
        )
        self.runs: Counter[str] = Counter()
        for started_at, count in session.execute(runs.group_by(Environment.started_at)):
            self.runs[started_at] += count

    def fault_of(self, entry: Entry, undoing: set[str], undone: set[str]) -> str:
        """Return what is wrong with an entry, "" where it is as it should be."""
        check = getattr(self, f"_{entry['kind']}", None)
        return check(entry, undoing, undone) if check else ""

    def _note(self, entry: Entry, undoing: set[str], undone: set[str]) -> str:
        key = entry["text"]
        edit = self.notes.get(key)
        if edit is None or edit.paper_id != entry["paper"]:
            return "a note is gone"
        if key not in undoing and (edit.undone_at or key not in self.standing):
            return "a note was taken back by nobody"
        return "a note that was taken back is there" if key in undone and not edit.undone_at else ""

    def _correction(self, entry: Entry, undoing: set[str], undone: set[str]) -> str:
        key = entry["why"]
        fact = self.facts.get(key)
        if fact is None or (fact.paper_id, fact.field) != (entry["paper"], entry["field"]):
            return "a correction is gone"
        if key not in undoing and fact.reverted_at:
            return "a correction was taken back by nobody"
        if key in undone and not fact.reverted_at:
            return "a correction that was taken back stands"
        return ""

    def _status(self, entry: Entry, *_: object) -> str:
        return "" if self.statuses.get(entry["who"]) == entry["after"] else "a status is gone"

    def _decision(self, entry: Entry, *_: object) -> str:
        is_held = self.decisions.get(entry["who"]) == entry["decision"]
        return "" if is_held else "a decision is gone"

    def _job(self, entry: Entry, *_: object) -> str:
        return "" if entry["id"] in self.jobs else "a job is gone"

    def _papers(self, entry: Entry, *_: object) -> str:
        lost = [content for content in entry["hashes"] if content not in self.files]
        return f"{len(lost)} papers are gone" if lost else ""

    def _runs(self, entry: Entry, *_: object) -> str:
        from db.queries.run_documents import utc_time

        there = self.runs[utc_time(entry["started_at"])]
        return "" if there >= entry["count"] else f"{there} of {entry['count']} runs are there"
