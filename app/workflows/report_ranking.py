"""The ranking as a report needs it: outlines of all papers, rows of those that are written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from app.reports import papers
from app.reports.findings import Reference
from app.reports.ranking import AT_ONCE, Outline, RankedPaper, RankedPapers, ReadAsAsked
from app.reports.text import clean
from app.workflows.ranked import Ranking
from app.workflows.ranking import ranking, told
from db.queries import listing_rows, paper_names
from db.queries import papers as paper_queries

Before = Mapping[str, int | None]
"""The ranks of the papers that an earlier report lists, None where it gave none."""
_Pair = tuple[RankedPaper, Reference]


class Ranked(NamedTuple):
    """The ranking of one report, in its language."""

    papers: RankedPapers
    references: Sequence[Reference]
    titles: Mapping[str, str]
    """Of all ranked papers by id, in the ranking's order, clean."""
    read: Sequence[str | None]
    """How far each ranked paper was read, in that order."""
    listed: Ranking


def ranked(session: Session, *, target: str, language: str, before: Before | None) -> Ranked:
    """Return the ranking; its rows can be read as long as the session is open."""
    listed = ranking(lambda: nullcontext(session), target=target)
    found = outlines(session, listed, target, before)
    pairs = _pairs(session, listed, language, before)

    def rows(some: Sequence[Outline]) -> list[RankedPaper]:
        return [row for row, _ in pairs(some)]

    def references(some: Sequence[Outline]) -> list[Reference]:
        return [reference for _, reference in pairs(some)]

    known = {name.paper_id: name for name in paper_names.titles_and_levels(session)}
    return Ranked(
        RankedPapers(found, rows),
        ReadAsAsked(found, references),
        {o.paper_id: clean(known[o.paper_id].title) or o.paper_id for o in found},
        [known[o.paper_id].read for o in found],
        listed,
    )


def outlines(
    session: Session, listed: Ranking, target: str, before: Before | None = None
) -> list[Outline]:
    """Return what is counted of all papers of a ranking, in its order."""
    ranks = before or {}
    stored: Iterator[Mapping[str, Any]] = (
        listing_rows.every(session, target) if listed.held is None else iter(listed.held)
    )
    places = listed.columns.numbers
    found = [
        papers.outline(
            row, row.get("rank") or places[row["paper_id"]] + 1, ranks.get(row["paper_id"])
        )
        for row in stored
        if row["paper_id"] in places
    ]
    found.sort()  # by rank, which comes first
    return found


def _pairs(
    session: Session, listed: Ranking, language: str, before: Before | None
) -> Callable[[Sequence[Outline]], list[_Pair]]:
    """Return what reads rows and references, some hundreds at a time; one of both rarely does."""

    # The last is kept: what writes both reads each paper once.
    @lru_cache(maxsize=1)
    def read(paper_ids: tuple[str, ...]) -> list[_Pair]:
        known = {
            paper.id: paper for paper in paper_queries.list_papers(session, paper_ids=paper_ids)
        }
        rows = {row["paper_id"]: row for row in listed.rows(paper_ids)}
        pairs = []
        for paper_id in paper_ids:
            paper, row = known.get(paper_id), rows.get(paper_id)
            if paper is None or row is None:
                continue
            more = {"url": paper.url, "version": paper.version}
            made = papers.ranked_paper(told(row, language) | more, before)
            pairs.append((made, papers.reference(paper, made)))
        return pairs

    def pairs(some: Sequence[Outline]) -> list[_Pair]:
        ids = [outline.paper_id for outline in some]
        chunks = (tuple(ids[first : first + AT_ONCE]) for first in range(0, len(ids), AT_ONCE))
        return [pair for chunk in chunks for pair in read(chunk)]

    return pairs
