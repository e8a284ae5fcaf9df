"""Who visits the workbench, and who there is besides."""

from __future__ import annotations

import time
from typing import Any

from benchmarks.soak.measurer import Measurer
from benchmarks.soak.people import Deed, Person, RefusedError
from benchmarks.soak.readers import Editor, Reader
from benchmarks.soak.typists import Keeper, Typist


class Visitor(Person):
    """Opens the pages of the workbench, and writes notes and corrections there."""

    pause_s = 1.0
    PAGES = (
        ("ranking", ""), ("ranking", "q=decode"), ("paper", "paper=sage"), ("inbox", ""),
        ("paper", "paper=sampling&view=history"), ("benchmarks", ""), ("jobs", ""),
        ("jobs", "lang=zh"), ("report", ""), ("settings", ""), ("add", ""),
    )  # fmt: skip

    def deeds(self) -> dict[Deed, int]:
        """Return what this person does, with how often."""
        return {self.look: 5, self.note: 4, self.correct: 3}

    def do(self, deed: Deed) -> None:
        """Do one thing in a session of its own; a server that goes away is no fault."""
        from websockets.exceptions import WebSocketException

        def reached() -> None:
            from benchmarks.soak.visitor import PageError

            try:
                deed()
            except (WebSocketException, OSError, PageError) as gone:
                raise RefusedError(f"(no page) {type(gone).__name__}") from gone

        reached.__name__ = deed.__name__
        super().do(reached)

    def _session(self) -> Any:
        from benchmarks.soak.visitor import Visitor as Browser

        return Browser(int((self.root / "port").read_text()))

    def look(self) -> None:
        """Open some pages."""
        with self._session() as browser:
            for _ in range(3):
                page = browser.open(*self.draw.choice(self.PAGES))
                self._must_not_refuse(page)
                time.sleep(self.draw.random())

    def _must_not_refuse(self, page: Any) -> None:
        if page.errors:
            raise RefusedError(page.errors[0])

    def note(self) -> None:
        """Keep a note by the form."""
        text, paper = self.word(), self.paper()
        with self._session() as browser:
            page = browser.open("paper", f"paper={paper}&view=notes")
            self._must_not_refuse(page)
            after = browser.press(page, "Save the note", Note=text, Your_name=self.name)
            self._must_say(after, "The note is saved.")
            self.journal.write("note", paper=paper, text=text)

    def correct(self) -> None:
        """Correct a fact by the form."""
        why, paper = self.word(), self.paper()
        with self._session() as browser:
            page = browser.open("paper", f"paper={paper}&view=facts")
            self._must_not_refuse(page)
            after = browser.press(page, "Save the correction", Why=why, Your_name=self.name)
            self._must_say(after, "Corrected: ")
            self.journal.write("correction", paper=paper, field="relevance", why=why)

    def _must_say(self, page: Any, words: str) -> None:
        if not any(alert.startswith(words) for alert in page.alerts):
            raise RefusedError("; ".join(page.alerts) or f"the page doesn't say {words!r}")


ROLES: dict[str, type[Person]] = {
    "reader": Reader,
    "editor": Editor,
    "typist": Typist,
    "keeper": Keeper,
    "visitor": Visitor,
    "measurer": Measurer,
}
