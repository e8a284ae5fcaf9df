"""What pages read of the catalog, kept for as long as what it comes of stands still."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import streamlit as st

from analyzers.targets import TargetError, available_targets, load_target
from app import home
from app.reports.overview import NAMED, Overview
from app.reports.overview import decision as decided
from app.reports.papers import ranked_paper
from app.reports.ranking import RankedPaper
from app.reports.text import short_name
from app.web.components import context
from app.web.components.text import folded
from app.web.kept import Kept
from app.workflows import search as searching
from app.workflows import what_if as changes
from app.workflows.paper import show_paper
from app.workflows.ranked import Ranking, Row
from app.workflows.ranking import EXPECTED, RanksBefore, told
from app.workflows.ranking import ranking as ranking_of
from app.workflows.ranking import ranks_before as last_ranks
from app.workflows.settings import default_target
from app.workflows.weights import Weights, reordered
from db.queries import counters, listing_columns, paper_names, papers, runs
from db.queries.counters import Versions
from db.queries.search import Found
from db.queries.search_matches import Pieces, pieces

T = TypeVar("T")


def version() -> int:
    """Return the catalog's version; it grows with every write that a page shows."""
    return versions().catalog


def versions() -> Versions:
    """Return the catalog's version, and that of what its papers are scored and searched by."""
    with context.reading() as session:
        return counters.versions(session)


@st.cache_resource(show_spinner=False)
def kept(kind: str, most: int) -> Kept:
    """Return what is kept of a kind of answers."""
    return Kept(most)


def of_papers(kind: str, question: tuple[Any, ...], work: Callable[[], T], most: int = 2) -> T:
    """Return what `work` does, made once for what papers are scored and searched by."""
    return kept(kind, most).answer((home.database_url(), *question), versions().papers, work)


def ranking(*, target: str | None = None, device: str = "", order: str = EXPECTED) -> Ranking:
    """Return the ranked rows in this session's language; never change one.

    `device` "" ranks by the best measured device of each paper.
    """
    rows = ranked_rows(target=target or default_target(), device=device, order=order)
    language = context.language()

    def rows_of(paper_ids: Collection[str]) -> Mapping[str, Row]:
        return {i: told(row, language) for i, row in rows.rows_of(paper_ids).items()}

    return replace(rows, rows_of=rows_of)


def ranked_rows(*, target: str, device: str, order: str) -> Ranking:
    """Return the ranked rows, each reason as its record (`told` says it); never change one."""
    now = versions()
    question = (home.database_url(), target, device, order)

    def scored() -> tuple[int, Ranking]:
        return now.catalog, ranking_of(
            context.reading, target=target, device=device or None, order=order
        )

    def as_papers_stand() -> Ranking:
        read_at, found = kept("scored", 4).answer(question, now.papers, scored)
        if read_at == now.catalog:
            return found
        with context.reading() as session:
            return found.with_statuses(listing_columns.statuses(session))

    return kept("rows", 4).answer(question, now.catalog, as_papers_stand)


def in_order_of(
    rows: Ranking, weights: Weights, *, target: str, device: str, order: str
) -> Ranking:
    """Return the ranking of these in the order of other weights."""
    found = of_papers(
        "weighted", (target, device, order, weights), lambda: reordered(rows, weights), most=2
    )
    return replace(rows, chosen=found.chosen, more=found.more)


def decision(*, target: str, device: str, order: str) -> tuple[str, ...]:
    """Return the sentences on top of the ranking: what to do next, and why."""
    language = context.language()

    def work() -> tuple[str, ...]:
        rows = ranked_rows(target=target, device=device, order=order)
        return tuple(decided(_overview(rows, language), None, language))

    return of_papers("decision", (target, device, order, language), work, most=16)


def _overview(rows: Ranking, language: str) -> Overview:
    """Return what `app.reports.overview.overview` does, of rows that are hardly read."""
    columns = rows.columns
    advices, verdicts = columns.codes["recommendation"], columns.codes["verdict"]
    first: dict[str, list[str]] = {}
    for paper_id, advice in zip(columns.paper_ids, advices, strict=True):
        group = first.setdefault(str(advice), [])
        if len(group) < NAMED:
            group.append(paper_id)
    measured = [
        paper_id
        for paper_id, device, verdict in zip(
            columns.paper_ids, columns.devices, verdicts, strict=True
        )
        if device and verdict != "untested"
    ]
    waiting = [
        high
        for advice, high in zip(advices, columns.run_highs, strict=True)
        if advice == "measure_first" and high is not None
    ]
    named = {*measured[:NAMED], *(paper_id for ids in first.values() for paper_id in ids)}
    read = {row["paper_id"]: ranked_paper(told(row, language), None) for row in rows.rows(named)}

    def of(ids: Collection[str]) -> list[RankedPaper]:
        return [read[paper_id] for paper_id in ids if paper_id in read]

    return Overview(
        counts=Counter(map(str, advices)),
        first={advice: of(ids) for advice, ids in first.items()},
        measured=len(measured),
        first_measured=of(measured[:NAMED]),
        best_run=max(waiting, default=None),
    )


def ranks_before(target: str) -> RanksBefore | None:
    """Return the ranks in the last report on a target."""
    return _ranks_before(home.database_url(), version(), target)


@st.cache_data(show_spinner=False, max_entries=8)
def _ranks_before(url: str, catalog_version: int, target: str) -> RanksBefore | None:
    with context.reading() as session:
        return last_ranks(session, target)


def matching(text: str) -> Mapping[str, Found] | None:
    """Return the papers that a search finds, by id; None for a text without a word."""

    def work() -> Mapping[str, Found] | None:
        with context.reading() as session:
            return searching.matching(session, text, _pieces)

    # Few: a common word's papers are a set of all of them.
    return of_papers("matching", (text,), work, most=6)


def _pieces() -> Pieces:
    def work() -> Pieces:
        with context.reading() as session:
            return pieces(session)

    return of_papers("pieces", (), work)


def warm_search() -> None:
    """Read what searches need of all papers, so that the first one needn't wait for it."""
    names()
    _pieces()


def hits(text: str, found: list[Found]) -> dict[str, dict[str, Any]]:
    """Return how the found places read, by paper."""
    with context.reading() as session:
        return searching.hits(session, text, found)


def device_names() -> dict[str, str]:
    """Return the measured devices' names by their ids."""
    return _device_names(home.database_url(), versions().papers)


@st.cache_data(show_spinner=False, max_entries=8)
def _device_names(url: str, papers_version: int) -> dict[str, str]:
    with context.reading() as session:
        return {device.device_id: device.device_name for device in runs.devices(session)}


def targets() -> dict[str, str]:
    """Return the targets' titles by their names, the default first; broken files are left out."""
    folder, usual = home.targets_folder(), default_target()
    titles = {usual: usual}
    for name in available_targets(folder):
        try:
            title = load_target(name, folder).title
        except TargetError:
            continue  # the command line says what is wrong with it
        titles[name] = title.get(context.language()) or title.get("en") or name
    return titles


def paper(paper_id: str, target: str | None = None) -> dict[str, Any]:
    """Return everything that is known of a paper; raises `NotFoundError`."""
    listed = ranking(target=target)
    with context.reading() as session:
        return show_paper(
            session, paper_id, target=target, language=context.language(), listed=listed
        )


def what_if(paper_id: str, target: str | None = None) -> dict[str, Any]:
    """Return what would change a paper's rank; raises `NotFoundError`."""
    target = target or default_target()
    others = None
    with context.reading() as session:
        if not changes.are_stored(session, target):
            # Once, not for each paper that is looked at.
            standing = _standings(target)
            others = [place for place in standing if place[-1] != paper_id]
        return changes.what_if(
            session, paper_id, target=target, language=context.language(), others=others
        )


def _standings(target: str) -> Sequence[Any]:
    def work() -> Sequence[Any]:
        with context.reading() as session:
            return changes.standings(session, target)

    return of_papers("standings", (target,), work)


def find(text: str) -> str:
    """Return the id of the paper that `text` means: an id, an arXiv id, a title's beginning.

    Raises `NotFoundError`, which lists close matches.
    """
    with context.reading() as session:
        return papers.get_by_any_id(session, text).id


OFFERED = 1_000
"""Papers in a box to choose one from; of more, those that stand nearest."""


def offered(rows: Ranking, here: int = 0) -> dict[str, str]:
    """Return short titles of the papers around a place of a ranking, by id, in its order."""
    first = max(0, min(here - OFFERED // 2, len(rows) - OFFERED))
    ids = [rows.columns.paper_ids[number] for number in rows.chosen[first : first + OFFERED]]
    with context.reading() as session:
        titles = paper_names.titles(session, ids)
    return {paper_id: short_name(titles[paper_id]) for paper_id in ids if paper_id in titles}


def status(rows: Ranking, paper_id: str) -> str:
    """Return where a paper of these rows stands."""
    return str((rows.row(paper_id) or {}).get("status", ""))


def names() -> Mapping[str, str]:
    """Return what is searched within words, folded, by paper: title, ids and authors."""

    def work() -> Mapping[str, str]:
        with context.reading() as session:
            return {
                paper.paper_id: folded(" ".join(map(str, (*paper,))))
                for paper in paper_names.names(session)
            }

    return of_papers("names", (), work)
