"""What a change did to a score."""

from __future__ import annotations

from dataclasses import dataclass

from analyzers.message import N_, Message, message


@dataclass(frozen=True, slots=True)
class Move:
    """A score before and after a change: of which paper, of which kind, from what to what."""

    paper_id: str
    kind: str
    before: float | None
    after: float | None

    def sentence(self) -> Message:
        """Return what moved, in words of any language."""
        kind = f"{self.kind} score"
        told = {"paper": self.paper_id, "kind": kind, "after": _shown(self.after)}
        if _shown(self.before) == _shown(self.after):
            return message("{paper}: {kind} stays at {after}", words=("kind", "after"), **told)
        return message(
            "{paper}: {kind} {before} → {after}",
            words=("kind", "before", "after"), before=_shown(self.before), **told,
        )  # fmt: skip

    def __str__(self) -> str:
        return str(self.sentence())


KINDS = (N_("believed score"), N_("claimed score"), N_("report score"))
"""The kinds of scores, in words."""


def _shown(value: float | None) -> str:
    return N_("none") if value is None else f"{value:.3f}"
