"""Who types commands: one who edits and adds papers, one who makes backups."""

from __future__ import annotations

import json
import subprocess
from contextlib import suppress

from benchmarks.soak.accepted import missing
from benchmarks.soak.journal import entries, stamp
from benchmarks.soak.people import Deed, Person, RefusedError
from benchmarks.soak.postgres import Server
from benchmarks.soak.readers import FIELDS
from benchmarks.soak.stage import ASSAY, PROJECT


class Typist(Person):
    """Types commands, some of which are killed while they work."""

    pause_s = 1.0
    _own = ""

    def deeds(self) -> dict[Deed, int]:
        """Return what this person does, with how often."""
        return {self.note: 4, self.correct: 4, self.undo: 1, self.add: 4, self.look: 4,
                self.check: 1}  # fmt: skip

    def type(self, *words: str) -> str:
        """Run a command and return what it printed; raises `RefusedError` unless it succeeded."""
        done = subprocess.run(
            [*ASSAY, *words], cwd=PROJECT, capture_output=True, text=True, check=False
        )
        if done.returncode < 0:
            raise RefusedError("(the command was killed)")
        if done.returncode > 0:
            said = (done.stderr.strip().splitlines() or ["nothing"])[-1]
            if "something unexpected" in done.stderr or "Traceback" in done.stderr:
                raise AssertionError(f"{words}: {done.stderr[-2000:]}")
            raise RefusedError(said)
        return done.stdout

    def note(self) -> None:
        """Type a note."""
        text, paper = self.word(), self.paper()
        self.type("note", paper, text)
        self.journal.write("note", paper=paper, text=text)

    def correct(self) -> None:
        """Type a correction."""
        why, paper = self.word(), self.paper()
        field = self.draw.choice(list(FIELDS))
        value = FIELDS[field](self.draw)
        self.type("set", paper, f"{field}={value}", "--why", why, "--who", self.name)
        self.journal.write("correction", paper=paper, field=field, value=value, why=why)

    def undo(self) -> None:
        """Undo the newest edit of a paper that nobody else edits."""
        if not self._own:
            return
        text = self.word()
        self.journal.write("undoing", of=text)
        self.type("note", self._own, text)
        self.journal.write("note", paper=self._own, text=text)
        self.type("set", self._own, "--undo")
        self.journal.write("undone", of=text)

    def add(self) -> None:
        """Add papers by a command."""
        files = self.make_files(self.draw.randint(1, 3))
        told = json.loads(self.type("add", *map(str, files), "--json"))
        self.note_papers(files, told["failed"])
        self._own = self._own or next(iter(told["added"]), "")

    def look(self) -> None:
        """Ask for a list, a paper, a search."""
        words = self.draw.choice(
            [["list"], ["show", self.paper()], ["search", "decode kernel"], ["bench", "runs"]]
        )
        self.type(*words)

    def check(self) -> None:
        """Check the catalog while it is in use."""
        try:
            self.type("db", "check")
        except RefusedError as refused:
            if "is marked as running, but the process" not in str(refused):
                raise  # of a runner that died just now: whoever looks at the jobs next says so


class Keeper(Person):
    """Backs the catalog up while it is in use, restores the copy elsewhere, and looks into it."""

    pause_s = 20.0

    def deeds(self) -> dict[Deed, int]:
        """Return what this person does, with how often."""
        return {self.back_up: 1}

    def back_up(self) -> None:
        """Back up, restore elsewhere, check."""
        self.made += 1
        begun = stamp()
        folder = self.root / "backups"
        if (self.root / "pg").exists():
            from psycopg import OperationalError

            server, path = Server(self.root / "pg"), folder / f"{self.made}.dump"
            url = server.url("restored")
            _or_refuse(server.dump(path))
            try:
                _or_refuse(server.restore(path, "restored"))
            except OperationalError as error:  # psql would have said so
                raise RefusedError(str(error).splitlines()[0]) from error
        else:
            path = folder / f"{self.made}.db"
            _or_refuse(
                subprocess.run(
                    [*ASSAY, "db", "backup", str(path)],
                    cwd=PROJECT, capture_output=True, text=True, check=False,
                )
            )  # fmt: skip
            url = f"sqlite:///{path}"
        try:
            wrong = _whole(url) + missing(url, list(entries(self.root / "journal")), until=begun)
        finally:
            with suppress(OSError):
                path.unlink()
        if wrong:
            raise AssertionError(f"the restored backup: {'; '.join(wrong[:5])}")
        self.journal.write("restored", until=begun)


def _or_refuse(done: subprocess.CompletedProcess[str]) -> None:
    if done.returncode:
        raise RefusedError((done.stderr.strip().splitlines() or ["killed"])[-1])


def _whole(url: str) -> list[str]:
    """Return what `assay db check` says of a copy, but for jobs that ran when it was made."""
    from db.check import check

    return [str(problem) for problem in check(url) if problem.kind != "job"]
