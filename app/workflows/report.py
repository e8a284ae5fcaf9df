"""The priority report: fill its model from the catalog, write it, keep it to compare with later."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from analyzers.facts import Complexity, Technique
from analyzers.message import message
from analyzers.scoring import Advice
from app.errors import UsageError
from app.i18n import LANGUAGES, pick
from app.reports import corrections, earlier, origin, papers
from app.reports.advice import roadmap
from app.reports.changes import PersonChange, ReportRef
from app.reports.closing import closing
from app.reports.formats import FORMATS, format_of, load_format
from app.reports.insights import insights
from app.reports.model import ReportModel
from app.reports.overview import decision, overview
from app.workflows.paper import show_paper
from app.workflows.report_base import compared_with, is_for, target_of
from app.workflows.report_basis import provenance
from app.workflows.report_corrections import chapters
from app.workflows.report_keeping import list_snapshots, save_snapshot
from app.workflows.report_moment import catalog_moment
from app.workflows.report_output import write_output
from app.workflows.report_ranking import ranked
from app.workflows.settings import default_target
from db.models import Fact, ReportSnapshot
from db.queries import facts as fact_queries
from db.queries import snapshots

__all__ = [
    "FORMATS",
    "build_report",
    "list_snapshots",
    "render",
    "save_snapshot",
    "write_output",
    "write_report",
]

SECTIONS = 50
"""Papers with a section of their own; the ranking lists more."""
FIRST_REPORT = "report-2025-08"


def build_report(
    session: Session,
    *,
    language: str = "en",
    target: str | None = None,
    since: str | None = None,
    now: datetime | None = None,
) -> ReportModel:
    """Return the report of the catalog as it stands, in `language`.

    Ranks are compared with the report `since`, else with the newest one made from other data; the
    corrections with `since`, else with the first report and that newest one. The report is as of
    `now`, else of the catalog's newest entry: the same catalog gives the same report.
    Of papers that it doesn't show only what is counted is read, so it holds good while the session
    is open. Raises `UsageError` for an unknown language or target, `NotFoundError` for an unknown
    report.
    """
    if language not in LANGUAGES:
        raise UsageError(
            message(
                "The report is in {one} or {other}, not {language!r}.",
                one=next(iter(LANGUAGES)),
                other=list(LANGUAGES)[-1],
                language=language,
            )
        )
    target = target or default_target()
    engine = target_of(target)
    moment = (now or catalog_moment(session, engine)).astimezone(UTC)
    origins = provenance(session, engine, moment)
    last = compared_with(session, since, engine, origins.fingerprint)
    before = earlier.ranks(last.record) if last else None
    found = ranked(session, target=target, language=language, before=before)
    ranking, titles = found.papers, found.titles
    sections = tuple(
        papers.paper_section(
            row,
            show_paper(
                session, row.paper_id, target=target, language=language, listed=found.listed
            ),
            engine,
            language,
        )
        for row in ranking[:SECTIONS]
    )
    last_ref = _ref(last, language) if last else None
    first = _first(session)
    bases = [last] if since else [first, last]
    methods = origin.method(engine, language)
    counts = {device.device_class: device.counts for device in methods.devices}
    levels = papers.read_levels(found.read)
    ahead, set_aside = roadmap(sections, language)
    return ReportModel(
        language=language,
        date=moment.date().isoformat(),
        target=pick(dict(engine.title), language),
        decision=decision(overview(ranking), last_ref, language),
        since=last_ref,
        ranking=ranking,
        papers=sections,
        read=levels,
        distributions=tuple(
            papers.distribution(field, codes, order)
            for field, codes, order in (
                ("technique", [o.technique for o in ranking.outlines], list(Technique)),
                ("complexity", [o.complexity for o in ranking.outlines], list(Complexity)),
                ("recommendation", [o.advice for o in ranking.outlines], list(Advice)),
            )
        ),
        insights=insights(ranking, sections, origins, counts, language),
        corrections=chapters(
            session,
            [base for base in bases if base and is_for(base, engine)],
            found,
            sections,
            engine,
            language,
        ),
        people=_people(session, titles, language),
        roadmap=ahead,
        set_aside=set_aside,
        closing=closing(ranking, levels, origins, counts, language),
        references=found.references,
        frozen=earlier.frozen_report(_ref(first, language), first.record, titles, language)
        if first
        else None,
        method=methods,
        provenance=origins,
    )


def _first(session: Session) -> ReportSnapshot | None:
    stored = snapshots.list_snapshots(session)
    return next((s for s in stored if s.id == FIRST_REPORT), None)


def _ref(snapshot: ReportSnapshot, language: str) -> ReportRef:
    return earlier.report_ref(snapshot.id, snapshot.date, snapshot.title, language)


def _people(session: Session, titles: Mapping[str, str], language: str) -> tuple[PersonChange, ...]:
    facts = session.scalars(
        select(Fact).where(Fact.source == "person", Fact.reading_id == fact_queries.CURRENT)
    )
    return corrections.people(facts, titles, language)


def render(
    session: Session,
    *,
    format: str = "md",  # noqa: A002 - the command's option is called so
    language: str = "en",
    target: str | None = None,
    since: str | None = None,
    now: datetime | None = None,
) -> bytes:
    """Return the report's bytes; the same catalog and options give the same ones.

    Raises what `build_report` does, and `UsageError` for an unknown format.
    """
    chosen = load_format(format)
    model = build_report(session, language=language, target=target, since=since, now=now)
    return chosen.render(model)


def write_report(
    session: Session,
    output: Path,
    *,
    format: str | None = None,  # noqa: A002
    language: str = "en",
    target: str | None = None,
    since: str | None = None,
    now: datetime | None = None,
) -> Path:
    """Write the report to a file, in the format that its name ends with unless one is given."""
    name = format or format_of(output)
    content = render(session, format=name, language=language, target=target, since=since, now=now)
    return write_output(output, content)
