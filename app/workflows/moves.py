"""What a change did to a score."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Move:
    """A score before and after a change: of which paper, of which kind, from what to what."""

    paper_id: str
    kind: str
    before: float | None
    after: float | None

    def __str__(self) -> str:
        def show(value: float | None) -> str:
            return "none" if value is None else f"{value:.3f}"

        before, after = show(self.before), show(self.after)
        told = f"stays at {after}" if before == after else f"{before} → {after}"
        return f"{self.paper_id}: {self.kind} score {told}"
