"""Papers that have to do with a paper, each with the reasons: at most five, simple and explained.

What counts: one compares itself with the other; both compare with the same rival; the same
technique; words that both use and few others do. Ten thousand papers are looked through by their
titles; abstracts are read of the nearest only.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from analyzers.message import Message, message
from app.labels import say
from app.reports.text import short_name
from db.queries import claims as claim_queries
from db.queries import papers as paper_queries

Row = Mapping[str, Any]

MOST = 5
LEAST = 1.0
"""The same technique alone is just enough: of papers that share more there are mostly five."""
_COMPARES, _RIVAL, _TECHNIQUE, _WORDS = 3.0, 1.0, 1.0, 3.0
_MOST_RIVALS = 2
_NEAREST = 60
"""Of how many papers the abstracts are read."""

_WORD = re.compile(r"[a-z][a-z0-9]{2,}")
_NAME = re.compile(
    r"\b(?=[\w.-]*[A-Z])(?=[\w.-]*[a-z0-9])[A-Za-z][\w.-]*[A-Z0-9][\w.-]*|\b[A-Z]{3,}\b"
)
_FORMAT = re.compile(r"^(?:bf|fp|int|w|nf|mx|tf|e)\d+\w*$|^(?:bf|fp|int)$")
_COMMON = frozenset(
    _WORD.findall(
        "the and for with from that this are was were can our its their which into over under than "
        "all but not via using use used based towards toward more most less between both each such "
        "while when where has have been large language model models llm llms paper propose show "
        "method methods inference efficient efficiency fast faster new self time performance "
        "enabling sequence sequences computation high low"
    )
)


def related(
    session: Session, paper: str, listed: Sequence[Row], *, language: str = "en"
) -> list[dict[str, Any]]:
    """Return at most five related papers, the nearest first, with reasons.

    Each {"paper_id", "title", "rank", "recommendation", "nearness", "reasons"}. `listed` is what
    `list_papers` returned. Raises `NotFoundError`.
    """
    own = paper_queries.get_by_any_id(session, paper)
    rows = {str(row["paper_id"]): _Known(*(row[name] for name in _Known._fields)) for row in listed}
    mine = rows.pop(own.id, None)
    if mine is None or not rows:
        return []
    titles = {paper_id: _words(row.title) for paper_id, row in rows.items()}
    own_title = _words(own.title)
    weights = _Weights([own_title, *titles.values()])
    found: dict[str, tuple[float, list[Message]]] = {paper_id: (0.0, []) for paper_id in rows}

    def add(paper_id: str, points: float, reason: Message) -> None:
        before, reasons = found[paper_id]
        found[paper_id] = (before + points, [*reasons, reason])

    for paper_id, points, reason in _comparisons(session, own.id, own.title, rows):
        add(paper_id, points, reason)
    for paper_id, row in rows.items():
        if mine.technique and row.technique == mine.technique:
            told = message(
                "same technique: {technique}", words=("technique",), technique=mine.technique
            )
            add(paper_id, _TECHNIQUE, told)
    likeness = {paper_id: weights.likeness(own_title, words) for paper_id, words in titles.items()}
    nearest = sorted(rows, key=lambda p: (-found[p][0] - _WORDS * likeness[p], p))[:_NEAREST]
    abstracts = paper_queries.abstracts(session, [own.id, *nearest])
    own_text = own_title | _words(abstracts.get(own.id))
    for paper_id in nearest:
        text = titles[paper_id] | _words(abstracts.get(paper_id))
        shared = weights.telling(own_text & text)
        if shared:
            told = message("both speak of: {shared}", shared=", ".join(shared))
            add(paper_id, _WORDS * weights.likeness(own_text, text), told)
    chosen = sorted(nearest, key=lambda p: (-found[p][0], p))[:MOST]
    return [
        {
            "paper_id": paper_id,
            "title": rows[paper_id].title,
            "rank": rows[paper_id].rank,
            "recommendation": rows[paper_id].recommendation,
            "nearness": round(found[paper_id][0], 2),
            "reasons": [say(reason, language) for reason in found[paper_id][1]],
        }
        for paper_id in chosen
        if found[paper_id][0] >= LEAST
    ]


class _Known(NamedTuple):
    """What is looked at of a row: a hundred thousand whole ones take too much memory."""

    title: str
    technique: str | None
    rank: int
    recommendation: str


class _Weights:
    """How much a word says: little if many titles have it."""

    def __init__(self, titles: Sequence[frozenset[str]]) -> None:
        self._counts = Counter(word for title in titles for word in title)
        self._papers = len(titles)
        self._known: dict[str, float] = {}

    def of(self, word: str) -> float:
        weight = self._known.get(word)
        if weight is None:
            weight = math.log(1 + self._papers / (1 + self._counts[word]))
            self._known[word] = weight
        return weight

    def likeness(self, one: frozenset[str], two: frozenset[str]) -> float:
        """Return the cosine of two sets of words, 0 to 1."""
        shared = sum(self.of(word) ** 2 for word in one & two)
        if not shared:
            return 0.0
        norms = [math.sqrt(sum(self.of(word) ** 2 for word in words)) for words in (one, two)]
        return shared / (norms[0] * norms[1])

    def telling(self, words: Iterable[str], most: int = 3) -> list[str]:
        """Return the words that stand in titles and say most."""
        known = [word for word in words if 0 < self._counts[word] <= max(2, self._papers / 20)]
        return sorted(known, key=lambda word: (-self.of(word), word))[:most]


def _words(text: str | None) -> frozenset[str]:
    return frozenset(_WORD.findall((text or "").lower())) - _COMMON


def _comparisons(
    session: Session, paper_id: str, title: str, rows: Mapping[str, _Known]
) -> list[tuple[str, float, Message]]:
    """Return what the claims' baselines say: who compares with whom, and rivals in common."""
    own_name = _key(short_name(title))
    mine = {
        _key(name): name
        for baseline in claim_queries.baselines(session, paper_id=paper_id).get(paper_id, ())
        for name in names_in(baseline)
    }
    by_name = {_key(short_name(row.title)): other for other, row in rows.items()}
    found = [
        (by_name[key], _COMPARES, message("this paper compares itself with it"))
        for key in mine
        if key in by_name and len(key) > 2
    ]
    wanted = [name for name in [short_name(title), *mine.values()] if len(name) > 2][:12]
    theirs = claim_queries.baselines(session, naming=wanted) if wanted else {}
    for other, baselines in theirs.items():
        if other not in rows:
            continue
        names = {_key(name) for baseline in baselines for name in names_in(baseline)}
        if len(own_name) > 2 and own_name in names:
            found.append((other, _COMPARES, message("it compares itself with this paper")))
        common = sorted(mine[key] for key in names & mine.keys())[:_MOST_RIVALS]
        if common:
            told = message("both compare with {rivals}", rivals=", ".join(common))
            found.append((other, _RIVAL * len(common), told))
    return found


def names_in(baseline: str) -> list[str]:
    """Return the names of methods and systems in a baseline's words: FlashInfer, vLLM, EAGLE-2."""
    found = [name.strip(".-") for name in _NAME.findall(baseline)]
    return [name for name in dict.fromkeys(found) if not _FORMAT.match(_key(name))]


def _key(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
