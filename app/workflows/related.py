"""Papers that have to do with a paper, each with the reasons: at most five, simple and explained.

What counts: one compares itself with the other; both compare with the same rival; the same
technique; words that both use and few others do. All papers are looked through by their titles, in
arrays; abstracts are read of the nearest only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from sqlalchemy.orm import Session

from analyzers.message import Message, message
from app.labels import say
from app.reports.text import short_name
from app.workflows.ranked import Ranking
from app.workflows.title_words import TitleWords, key_of, words_of
from db.queries import claims as claim_queries
from db.queries import paper_names
from db.queries import papers as paper_queries

Row = Mapping[str, Any]

MOST = 5
LEAST = 1.0
"""The same technique alone is just enough: of papers that share more there are mostly five."""
_COMPARES, _RIVAL, _TECHNIQUE, _WORDS = 3.0, 1.0, 1.0, 3.0
_MOST_RIVALS = 2
_NEAREST = 60
"""Of how many papers the abstracts are read."""

_NAME = re.compile(
    r"\b(?=[\w.-]*[A-Z])(?=[\w.-]*[a-z0-9])[A-Za-z][\w.-]*[A-Z0-9][\w.-]*|\b[A-Z]{3,}\b"
)
_FORMAT = re.compile(r"^(?:bf|fp|int|w|nf|mx|tf|e)\d+\w*$|^(?:bf|fp|int)$")


class Known:
    """What is looked at of all papers: their titles, techniques, ranks and recommendations."""

    def __init__(
        self,
        ids: Sequence[str],
        titles: Sequence[str],
        techniques: Sequence[str | None],
        ranks: Sequence[int],
        advices: Sequence[str],
    ) -> None:
        self.ids, self.titles, self.techniques = ids, titles, techniques
        self.ranks, self.advices = ranks, advices

    @classmethod
    def of(cls, rows: Sequence[Row]) -> Known:
        """Return what is known of ranked rows."""
        columns = [
            [row[name] for row in rows]
            for name in ("paper_id", "title", "technique", "rank", "recommendation")
        ]
        return cls(*columns)

    @cached_property
    def numbers(self) -> dict[str, int]:
        """At which place each paper is."""
        return {paper_id: number for number, paper_id in enumerate(self.ids)}

    @cached_property
    def words(self) -> TitleWords:
        """The titles' words."""
        return TitleWords(self.titles)


def known(session: Session, ranking: Ranking) -> Known:
    """Return what is known of a ranking's papers, without reading its rows."""
    titles = paper_names.titles(session)
    columns = ranking.columns
    numbers = [n for n in ranking.chosen if columns.paper_ids[n] in titles]
    return Known(
        [columns.paper_ids[n] for n in numbers],
        [titles[columns.paper_ids[n]] for n in numbers],
        [columns.codes["technique"][n] for n in numbers],
        [n + 1 for n in numbers],
        [str(columns.codes["recommendation"][n]) for n in numbers],
    )


def related(
    session: Session, paper: str, listed: Sequence[Row] | Known, *, language: str = "en"
) -> list[dict[str, Any]]:
    """Return at most five related papers, the nearest first, with reasons.

    Each {"paper_id", "title", "rank", "recommendation", "nearness", "reasons"}. `listed` is what
    `list_papers` returned, or `known`, which a caller keeps that shows many papers. Raises
    `NotFoundError`.
    """
    own = paper_queries.get_by_any_id(session, paper)
    papers = listed if isinstance(listed, Known) else Known.of(listed)
    mine = papers.numbers.get(own.id)
    if mine is None or len(papers.ids) < 2:
        return []
    found: dict[int, tuple[float, list[Message]]] = {}

    def add(number: int, points: float, reason: Message) -> None:
        before, reasons = found.get(number, (0.0, []))
        found[number] = (before + points, [*reasons, reason])

    for number, points, reason in _comparisons(session, own.id, own.title, papers):
        add(number, points, reason)
    technique = papers.techniques[mine]
    own_title = words_of(own.title)
    nearest = _nearest(papers, mine, own_title, {n: points for n, (points, _) in found.items()})
    abstracts = paper_names.abstracts(session, [own.id, *(papers.ids[n] for n in nearest)])
    own_text = own_title | words_of(abstracts.get(own.id))
    for number in nearest:
        if technique and papers.techniques[number] == technique:
            told = message("same technique: {technique}", words=("technique",), technique=technique)
            add(number, _TECHNIQUE, told)
        text = words_of(papers.titles[number]) | words_of(abstracts.get(papers.ids[number]))
        shared = papers.words.telling(own_text & text)
        if shared:
            told = message("both speak of: {shared}", shared=", ".join(shared))
            add(number, _WORDS * papers.words.likeness(own_text, text), told)
    chosen = sorted(found, key=lambda n: (-found[n][0], papers.ids[n]))[:MOST]
    return [
        {
            "paper_id": papers.ids[number],
            "title": papers.titles[number],
            "rank": papers.ranks[number],
            "recommendation": papers.advices[number],
            "nearness": round(found[number][0], 2),
            "reasons": [say(reason, language) for reason in found[number][1]],
        }
        for number in chosen
        if found[number][0] >= LEAST
    ]


def _nearest(
    papers: Known, mine: int, own_title: frozenset[str], points: Mapping[int, float]
) -> list[int]:
    """Return the papers that are nearest by points, technique and title."""
    import numpy as np

    near = _WORDS * papers.words.likenesses(own_title)
    technique = papers.techniques[mine]
    if technique:
        near += _TECHNIQUE * np.fromiter(
            (code == technique for code in papers.techniques), bool, len(papers.techniques)
        )
    for number, more in points.items():
        near[number] += more
    near[mine] = -np.inf
    near = near.round(9)  # equal but for rounding is equal
    least = np.partition(near, -_NEAREST)[-_NEAREST] if len(near) > _NEAREST else -np.inf
    candidates = [int(n) for n in np.flatnonzero(near >= least) if n != mine]
    return sorted(candidates, key=lambda n: (-near[n], papers.ids[n]))[:_NEAREST]


def _comparisons(
    session: Session, paper_id: str, title: str, papers: Known
) -> Iterator[tuple[int, float, Message]]:
    """Yield what the claims' baselines say: who compares with whom, and rivals in common."""
    own_name = key_of(short_name(title))
    mine = {
        key_of(name): name
        for baseline in claim_queries.baselines(session, paper_id=paper_id).get(paper_id, ())
        for name in names_in(baseline)
    }
    for key in mine:
        other = _called(papers, key, paper_id) if len(key) > 2 else None
        if other is not None:
            yield other, _COMPARES, message("this paper compares itself with it")
    wanted = [name for name in [short_name(title), *mine.values()] if len(name) > 2][:12]
    theirs = claim_queries.baselines(session, naming=wanted) if wanted else {}
    for paper, baselines in theirs.items():
        number = papers.numbers.get(paper)
        if number is None or paper == paper_id:
            continue
        names = {key_of(name) for baseline in baselines for name in names_in(baseline)}
        if len(own_name) > 2 and own_name in names:
            yield number, _COMPARES, message("it compares itself with this paper")
        common = sorted(mine[key] for key in names & mine.keys())[:_MOST_RIVALS]
        if common:
            told = message("both compare with {rivals}", rivals=", ".join(common))
            yield number, _RIVAL * len(common), told


def _called(papers: Known, key: str, but: str) -> int | None:
    """Return the other paper whose name is this; of several the last."""
    found = [
        number
        for number in papers.words.beginning_with(key)
        if papers.ids[number] != but and key_of(short_name(papers.titles[number])) == key
    ]
    return found[-1] if found else None


def names_in(baseline: str) -> list[str]:
    """Return the names of methods and systems in a baseline's words: FlashInfer, vLLM, EAGLE-2."""
    found = [name.strip(".-") for name in _NAME.findall(baseline)]
    return [name for name in dict.fromkeys(found) if not _FORMAT.match(key_of(name))]
