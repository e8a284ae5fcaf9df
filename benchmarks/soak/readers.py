"""Who works on the catalog by the program's own functions: reading it, editing it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

from benchmarks.soak.people import Deed, Person

FIELDS: dict[str, Callable[[Random], str]] = {
    "relevance": lambda draw: f"{draw.random():.2f}",
    "technique": lambda draw: draw.choice(["attention", "quantization", "kv_cache", "sampling"]),
    "complexity": lambda draw: draw.choice(["low", "medium", "high"]),
    "prototype.sampling": lambda draw: draw.choice(["linked", "unlinked"]),
}
SAYINGS = ("turbo", "decode kernel", "speedup", "cache token", "quantization", '"batch size"')


class Reader(Person):
    """Searches, looks at the ranking and at papers, writes reports."""

    def deeds(self) -> dict[Deed, int]:
        """Return what this person does, with how often."""
        return {self.search: 8, self.rank: 4, self.look: 6, self.report: 1}

    def search(self) -> None:
        """Search the catalog."""
        from app.workflows.search import search_papers
        from db.engine import session_scope

        with session_scope(self.engine) as session:
            search_papers(session, self.draw.choice(SAYINGS))

    def rank(self) -> None:
        """List the ranking, which must have every rank once."""
        from app.workflows.ranking import list_papers
        from db.engine import read_scope

        with read_scope(self.engine) as session:
            rows = list_papers(session, order=self.draw.choice(["expected", "safe"]))
        if [row["rank"] for row in rows] != list(range(1, len(rows) + 1)):
            raise AssertionError("the ranks of the ranking aren't 1, 2, 3 …")

    def look(self) -> None:
        """Look at a paper."""
        from app.workflows.paper import show_paper
        from db.engine import read_scope

        with read_scope(self.engine) as session:
            show_paper(session, self.paper(), language=self.draw.choice(["en", "zh"]))

    def report(self) -> None:
        """Write a report."""
        from app.workflows.report import render
        from db.engine import read_scope

        with read_scope(self.engine) as session:
            render(session, format=self.draw.choice(["md", "csv", "html"]), language="en")


class Editor(Person):
    """Corrects, notes, links, sets statuses, decides in the inbox, and takes things back."""

    def __init__(self, name: str, number: int, root: Path) -> None:
        super().__init__(name, number, root)
        self._done: list[tuple[str, str]] = []

    def deeds(self) -> dict[Deed, int]:
        """Return what this person does, with how often."""
        return {self.note: 5, self.correct: 5, self.status: 2, self.decide: 2, self.undo: 3}

    def note(self) -> None:
        """Keep a note."""
        from app.workflows.correct import add_note
        from app.workflows.undo import newest
        from db.engine import session_scope

        text, paper = self.word(), self.paper()
        with session_scope(self.engine) as session:
            add_note(session, paper, text, who=self.name)
            ref = newest(session, paper)
        self.journal.write("note", paper=paper, text=text)
        self._done.append((text, ref))

    def correct(self) -> None:
        """Correct a fact, or link a prototype."""
        from app.workflows.correct import set_facts
        from app.workflows.undo import newest
        from db.engine import session_scope

        why, paper = self.word(), self.paper()
        field = self.draw.choice(list(FIELDS))
        value = FIELDS[field](self.draw)
        with session_scope(self.engine) as session:
            set_facts(session, paper, {field: value}, why=why, who=self.name)
            ref = newest(session, paper, [field])
        self.journal.write("correction", paper=paper, field=field, value=value, why=why)
        self._done.append((why, ref))

    def status(self) -> None:
        """Set a status."""
        from app.workflows.correct import set_status
        from db.engine import session_scope
        from db.queries import papers

        who, paper = self.word(), self.paper()
        with session_scope(self.engine) as session:
            choices = ["inbox", "shortlisted", "building", "done"]
            before = papers.get(session, paper).status
            after = self.draw.choice([c for c in choices if c != before])
            set_status(session, paper, after, who=who)
        self.journal.write("status", paper=paper, after=after, who=who)

    def decide(self) -> None:
        """Decide about a paper in the inbox."""
        from app.workflows.inbox import decide
        from db.engine import session_scope
        from db.queries import inbox

        who, decision = self.word(), self.draw.choice(["keep", "reject", "later"])
        with session_scope(self.engine) as session:
            waiting = sorted(inbox.waiting(session))
            if not waiting:
                return
            paper = self.draw.choice(waiting)
            decide(session, paper, decision, who=who)
        self.journal.write("decision", paper=paper, decision=decision, who=who)

    def undo(self) -> None:
        """Take back what this person did."""
        from app.workflows.undo import undo
        from db.engine import session_scope

        if not self._done:
            return
        key, ref = self._done.pop(self.draw.randrange(len(self._done)))
        self.journal.write("undoing", of=key)  # it may be done though nobody hears of it
        with session_scope(self.engine) as session:
            undo(session, ref, who=self.name)
        self.journal.write("undone", of=key)
