"""Who asks for jobs: papers to be read, prototypes to be measured, runs to be taken in."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.kills import CASE
from benchmarks.soak.people import Deed, Person
from benchmarks.soak.stage import PROJECT

MOST_TRIES = 4
MOST_AT_ONCE = 3


@dataclass
class Asked:
    """A job that was asked for, and what its success means."""

    id: str
    kind: str
    files: list[Path] = field(default_factory=list)
    tries: int = 1


class Measurer(Person):
    """Asks for jobs, waits for them, tries again what was lost, and cancels some."""

    def __init__(self, name: str, number: int, root: Path) -> None:
        super().__init__(name, number, root)
        self._asked: list[Asked] = []

    def deeds(self) -> dict[Deed, int]:
        """Return what this person does, with how often."""
        return {self.add: 3, self.measure: 2, self.look_after: 8, self.take_in: 2, self.cancel: 1}

    def _submit(self, kind: str, spec: dict[str, Any], files: list[Path]) -> None:
        from app import jobs

        job_id = jobs.submit(self.engine, kind, spec)
        self.journal.write("job", id=job_id, what=kind)
        self._asked.append(Asked(job_id, kind, files))

    def add(self) -> None:
        """Ask for papers to be read."""
        if len(self._asked) < MOST_AT_ONCE:
            files = self.make_files(self.draw.randint(1, 8))
            self._submit("add", {"sources": [str(path) for path in files]}, files)

    def measure(self) -> None:
        """Ask for a measurement, one at a time."""
        if not any(asked.kind == "benchmark" for asked in self._asked):
            spec = {"prototype": "sampling", "device": "cpu", "quick": True, "cases": [CASE]}
            self._submit("benchmark", spec, [])

    def look_after(self) -> None:
        """Look at all jobs as the page does, and see what became of those asked for."""
        from app import jobs

        jobs.describe_all(self.engine, "en")
        for asked in list(self._asked):
            job = jobs.get(self.engine, asked.id)
            if job is None:
                raise AssertionError(f"job {asked.id} isn't there any more")
            if job.state not in jobs.FINAL:
                continue
            self._asked.remove(asked)
            if job.state == "succeeded":
                self._note(asked, job.outcome or {})
            elif job.state != "cancelled" and asked.tries < MOST_TRIES:
                again = jobs.retry(self.engine, asked.id)
                if again is not None:
                    self.journal.write("job", id=again, what=f"{asked.kind} again")
                    self._asked.append(Asked(again, asked.kind, asked.files, asked.tries + 1))

    def _note(self, asked: Asked, outcome: dict[str, Any]) -> None:
        if asked.kind == "add":
            self.note_papers(asked.files, outcome["failed"])
        else:
            document = json.loads(Path(outcome["file"]).read_text("utf-8"))
            self._note_runs(document)

    def _note_runs(self, document: dict[str, Any]) -> None:
        started_at = document["environment"]["started_at"]
        self.journal.write("runs", started_at=started_at, count=len(document["runs"]))

    def take_in(self) -> None:
        """Import a file of runs as another machine would have measured them."""
        from app.workflows.benchmark import import_run_files

        shipped = sorted((PROJECT / "prototypes" / "results").glob("*-sampling.json"))[0]
        document = json.loads(shipped.read_text("utf-8"))
        document["environment"] |= {
            "device_id": "soak-cpu",
            "device_name": "A CPU of the soak",
            "started_at": datetime.now(UTC).isoformat(timespec="microseconds"),
        }
        document["runs"] = document["runs"][:1]
        path = self.root / "in" / "runs.json"
        path.write_text(json.dumps(document), encoding="utf-8")
        summary = import_run_files(self.engine, [path])
        if not summary.is_clean or summary.added != 1:
            raise AssertionError(f"the runs were not taken in: {summary}")
        self._note_runs(document)

    def cancel(self) -> None:
        """Cancel a job now and then."""
        from app import jobs

        if self._asked and self.draw.random() < 0.3:
            jobs.cancel(self.engine, self.draw.choice(self._asked).id)
