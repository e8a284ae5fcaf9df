"""The people of a soak, a process each: `python -m benchmarks.soak.people ROLE NUMBER FOLDER`.

Each does one thing after another until a file "stop" is there, and writes down what was accepted
only once it was told so. A sentence that refuses is written down too; anything else is a fault.
"""

from __future__ import annotations

import os
import random
import sys
import time
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.soak.journal import Journal

if TYPE_CHECKING:
    from sqlalchemy import Engine

SEED_PAPERS = ("sage", "sampling", "marlin", "teal", "flatquant", "eagle3", "qspec", "int_flash")
NUMBERS = 90_000
"""Papers that one person may make, each with an arXiv id of its own."""

Deed = Callable[[], None]


class RefusedError(Exception):
    """What was asked for was not done, and why, in a sentence."""


class Person(ABC):
    """What they all have: a journal, a catalog, chance, and a folder of papers."""

    pause_s = 0.5
    """Between two deeds, on average."""

    def __init__(self, name: str, number: int, root: Path) -> None:
        self.name, self.number, self.root = name, number, root
        self.journal = Journal(root / "journal" / f"{name}.jsonl")
        self.draw = random.Random(f"{name} {os.environ.get('ASSAY_SOAK_SEED', '')}")
        self.made = 0
        self._engine: Engine | None = None

    @property
    def engine(self) -> Engine:
        """The catalog, opened as every command opens it, and kept open."""
        if self._engine is None:
            from app.workflows.opening import open_catalog

            self._engine = open_catalog()
        return self._engine

    @abstractmethod
    def deeds(self) -> dict[Deed, int]:
        """Return what this person does, with how often."""

    def work(self) -> None:
        """Do one thing after another until it is time to stop."""
        held = self.deeds()
        while not (self.root / "stop").exists():
            if (self.root / "pause").exists():
                time.sleep(0.5)
                continue
            self.do(self.draw.choices(list(held), list(held.values()))[0])
            time.sleep(self.draw.expovariate(1 / self.pause_s))
        self.finish()

    def finish(self) -> None:  # noqa: B027 (most have nothing left to do)
        """Do what is left to do at the end."""

    def do(self, deed: Deed) -> None:
        """Do one thing, and write down how it went."""
        what, begun = deed.__name__, time.monotonic()
        try:
            deed()
        except RefusedError as refused:
            self.journal.write("refused", what=what, why=str(refused))
        except Exception as error:
            from app.errors import reason_of

            told = reason_of(error)
            if told is not None:
                self.journal.write("refused", what=what, why=str(told), error=type(error).__name__)
            else:
                self.journal.write("fault", what=what, why=traceback.format_exc()[-3000:])
        else:
            self.journal.write("done", what=what, s=round(time.monotonic() - begun, 3))

    def word(self) -> str:
        """Return words that nobody else says."""
        self.made += 1
        return f"{self.name} says {self.made} on {self.draw.randrange(1 << 40):010x}"

    def paper(self) -> str:
        """Return a paper of the seed."""
        return self.draw.choice(SEED_PAPERS)

    def make_files(self, count: int) -> list[Path]:
        """Write papers that nobody has seen before: small PDFs, and a text now and then."""
        from benchmarks.ingest import write_pdf, write_text

        made = []
        for _ in range(count):
            self.made += 1
            number = self.number * NUMBERS + self.made
            path = self.root / "in" / f"{number}.{'md' if self.made % 4 == 0 else 'pdf'}"
            if path.suffix == ".pdf":
                write_pdf(path, number, pages=2)
            else:
                write_text(path, number)
            made.append(path)
        return made

    def note_papers(self, files: list[Path], failed: list[dict[str, Any]]) -> None:
        """Write down that files are in the catalog now, but for those that it said it couldn't."""
        from app.workflows.file_content import Content

        said = {str(entry["source"]) for entry in failed}
        hashes = [Content.of(path).digest for path in files if str(path) not in said]
        for entry in failed:
            self.journal.write("unread", file=entry["source"], why=entry["message"])
        self.journal.write("papers", hashes=hashes)


def main(arguments: list[str]) -> None:
    """Be one person."""
    from benchmarks.soak.roles import ROLES

    role, number, root = arguments
    person = ROLES[role](f"{role}-{number}", int(number), Path(root))
    try:
        person.work()
    except Exception:
        person.journal.write("fault", what="work", why=traceback.format_exc()[-3000:])
        raise


if __name__ == "__main__":
    main(sys.argv[1:])
