"""What adding papers works on, and what became of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analyzers.errors import error_record
from analyzers.message import Message
from app.workflows.moves import Move

if TYPE_CHECKING:
    from analyzers.sources.arxiv_api import PaperRecord

OnProgress = Callable[[int, int | None, Message | None], None]


@dataclass(frozen=True, slots=True)
class Failure:
    """One source that gave no paper, and why."""

    source: str
    kind: str
    reason: Message

    @property
    def message(self) -> str:
        """The reason in English."""
        return str(self.reason)


@dataclass(frozen=True, slots=True)
class Work:
    """A file to analyse, and arXiv's record of it where it came from there."""

    path: Path
    record: PaperRecord | None = None
    abstract_only: bool = False


@dataclass(slots=True)
class AddSummary:
    """What became of the sources: papers by what happened to them, failures, scores that moved."""

    failed: list[Failure] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)
    retried: int = 0
    """How often hosts that went away made others read again."""
    _outcomes: dict[str, str] = field(default_factory=dict)

    def note(self, outcome: str, paper_id: str) -> None:
        """Put a paper under added, updated or known; what says more stays."""
        if outcome != "known" and self._outcomes.get(paper_id) == "known":
            del self._outcomes[paper_id]
        self._outcomes.setdefault(paper_id, outcome)

    def _under(self, outcome: str) -> list[str]:
        return [paper_id for paper_id, what in self._outcomes.items() if what == outcome]

    @property
    def added(self) -> list[str]:
        """Papers that are new in the catalog."""
        return self._under("added")

    @property
    def known(self) -> list[str]:
        """Papers that were there already, read by the same rules: nothing was read again."""
        return self._under("known")

    @property
    def updated(self) -> list[str]:
        """Papers that were there, and were read again or got arXiv's record."""
        return self._under("updated")

    @property
    def is_success(self) -> bool:
        """Whether at least one source gave a paper, or nothing failed."""
        return bool(self._outcomes) or not self.failed

    def to_json(self) -> dict[str, Any]:
        """Return the outcome of a job, and what `assay add --json` prints."""
        return {
            "added": self.added,
            "known": self.known,
            "updated": self.updated,
            "retried": self.retried,
            "failed": [{"source": f.source, **error_record(f.kind, f.reason)} for f in self.failed],
            "moved": [
                {"paper": m.paper_id, "kind": m.kind, "before": m.before, "after": m.after}
                for m in self.moves
            ],
        }
