"""What would change a paper's rank: each change is tried with the code that scores the catalog.

A paper's score doesn't depend on the others, so trying a change is scoring one paper; where it
would stand then is found in the others' places, which are sorted already.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any, overload

from sqlalchemy.orm import Session

from analyzers.facts import (
    Complexity,
    InTarget,
    PaperFacts,
    Risk,
    Severity,
)
from analyzers.message import N_, Message, message
from analyzers.scoring import Ranked, place, score_paper
from analyzers.scoring.ranking import Place
from analyzers.targets import Target
from app.labels import say
from app.workflows.assembling import assemble
from app.workflows.imagined_runs import Tried, imagined_runs
from app.workflows.scored_by import are_fresh
from app.workflows.settings import default_target
from app.workflows.triage import scored_papers, target_named
from db.queries import papers as paper_queries
from db.queries import ranks as rank_queries
from db.queries import scores as score_queries

STEP = 0.2
"""How far the relevance is moved either way."""


@dataclass(frozen=True, slots=True)
class Change:
    """A change, and where it would put the paper."""

    kind: str
    """measurement, threshold, overtakes, loses, ceiling, quality, risk, relevance, complexity or
    in_target."""
    told: Message
    ranked: Ranked
    rank: int


def what_if(
    session: Session,
    paper: str,
    *,
    target: str | None = None,
    device: str | None = None,
    language: str = "en",
    others: Sequence[Place] | None = None,
) -> dict[str, Any]:
    """Return {"now": row, "changes": [row …]}: score, rank and recommendation after each change.

    `others` is what `standings` returned but for this paper, where a caller has it. Raises
    `NotFoundError`.
    """
    target = target or default_target()
    engine = target_named(target)
    paper_id = paper_queries.get_by_any_id(session, paper).id
    facts = assemble(session, engine, paper_ids=[paper_id], device=device)[0].facts
    if others is None:
        others = standings(session, target, device, but=paper_id)
    now = score_paper(facts, engine, device)
    position = _position(others, now)
    found = [
        Change(kind, told, ranked, _position(others, ranked))
        for kind, told, ranked in _tried(facts, engine, now, others, device)
    ]
    return {
        "now": _row("now", message("as it is"), now, position, now, position, language),
        "changes": [_row(c.kind, c.told, c.ranked, c.rank, now, position, language) for c in found],
    }


class _Stored(Sequence[Place]):
    """The places of all papers but one, the best first, read as they are looked at."""

    def __init__(self, session: Session, target: str, last: int, but: int | None) -> None:
        self._place_at = cache(partial(rank_queries.place_at, session, target))
        self._last, self._but = last, but

    def __len__(self) -> int:
        return self._last - (self._but is not None)

    @overload
    def __getitem__(self, at: int) -> Place: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Place]: ...
    def __getitem__(self, at: int | slice) -> Place | Sequence[Place]:
        if isinstance(at, slice):
            return [self[number] for number in range(*at.indices(len(self)))]
        if not 0 <= at < len(self):
            raise IndexError(at)
        rank = at + 1 if self._but is None or at + 1 < self._but else at + 2
        return self._place_at(rank)


def are_stored(session: Session, target: str) -> bool:
    """Whether `standings` reads only what is looked at; else it reads or scores all papers."""
    return (
        target == default_target()
        and are_fresh(session, target)
        and rank_queries.last_rank(session, target) is not None
    )


def standings(
    session: Session, target: str, device: str | None = None, *, but: str | None = None
) -> Sequence[Place]:
    """Return the places of all papers (but one), the best first.

    Stored ones where they are of today: then only those are read that are looked at, as long as the
    session is open.
    """
    if device is None and are_stored(session, target):
        last = rank_queries.last_rank(session, target) or 0
        own = None if but is None else rank_queries.ranks(session, target, [but]).get(but)
        return _Stored(session, target, last, own)
    if target == default_target() and device is None and are_fresh(session, target):
        found = sorted(score_queries.places(session, target))
    else:
        found = sorted(place(r) for _, r in scored_papers(session, target_named(target), device))
    # the last part of a place is the paper's id
    return [p for p in found if p[-1] != but]


def _position(others: Sequence[Place], ranked: Ranked) -> int:
    return bisect_left(others, place(ranked)) + 1


def _row(
    kind: str,
    told: Message,
    ranked: Ranked,
    position: int,
    now: Ranked,
    stands: int,
    language: str,
) -> dict[str, Any]:
    believed, before = ranked.believed.value, now.believed.value
    return {
        "kind": kind,
        "change": say(told, language),
        "score": round(believed, 4),
        "score_moves": round(believed - before, 4) + 0.0,
        "rank": position,
        "rank_moves": position - stands,
        "recommendation": ranked.recommendation.advice.value,
        "recommendation_moves": ranked.recommendation.advice is not now.recommendation.advice,
        "phase": ranked.recommendation.phase,
        "why": say(ranked.recommendation.why, language),
        "run_speedup": round(ranked.belief.run_speedup, 4),
    }


def _tried(
    facts: PaperFacts, target: Target, now: Ranked, others: Sequence[Place], device: str | None
) -> Iterator[Tried]:
    def scored(**changes: Any) -> Ranked:
        return score_paper(replace(facts, **changes), target, device)

    yield from imagined_runs(facts, target, now, device, partial(_position, others))
    if facts.below_quality:
        told = message("its prototype passes its quality bar")
        yield "quality", told, scored(below_quality=False)
    yield from _risks(facts, scored)
    yield from _relevances(facts, scored)
    yield from _complexities(facts, scored)
    if facts.in_target is InTarget.MERGED:
        told = message("not in {target} yet", target=target.name)
        yield "in_target", told, scored(in_target=InTarget.NO)
    else:
        told = message("merged in {target}", target=target.name)
        yield "in_target", told, scored(in_target=InTarget.MERGED)


def _relevances(facts: PaperFacts, scored: Callable[..., Ranked]) -> Iterator[Tried]:
    """Try the relevance a step up and down; a person's word counts in full, so its trust is 1."""
    held = facts.relevance
    values = [1.0, 0.5] if held is None else [held + STEP, held - STEP]
    for value in dict.fromkeys(round(min(1.0, max(0.0, v)), 2) for v in values):
        if value == held and facts.relevance_trust == 1:
            continue
        told = message("relevance {value} instead of {held}", value=value, held=_known(held))
        yield "relevance", told, scored(relevance=value, relevance_trust=1.0)


def _complexities(facts: PaperFacts, scored: Callable[..., Ranked]) -> Iterator[Tried]:
    levels, held = list(Complexity), facts.complexity
    if held is None:
        steps = [Complexity.LOW, Complexity.HIGH]
    else:
        at = levels.index(held)
        steps = [levels[i] for i in (at - 1, at + 1) if 0 <= i < len(levels)]
    for level in steps:
        told = message(
            "complexity {level} instead of {held}",
            words=("level", "held"),
            level=level.value,
            held=held.value if held else N_("unknown"),
        )
        yield "complexity", told, scored(complexity=level, ease_trust=1.0)


def _risks(facts: PaperFacts, scored: Callable[..., Ranked]) -> Iterator[Tried]:
    high = [r for r in facts.risks if r.is_open and r.severity is Severity.HIGH]
    if high:
        settled = tuple(replace(r, is_open=False) if r in high else r for r in facts.risks)
        told = message("its high risks are settled")
        yield "risk", told, scored(risks=settled)
        return
    found = Risk("other", Severity.HIGH, message("a high risk is open"))
    told = message("a high risk is found")
    yield "risk", told, scored(risks=(*facts.risks, found))


def _known(value: float | None) -> Any:
    return message("unknown") if value is None else value
