"""The priority report: fill its model from the catalog, write it, keep it to compare with later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from analyzers.facts import Complexity, Technique
from analyzers.message import message
from analyzers.scoring import Advice
from analyzers.targets import Target, TargetError
from app.errors import UsageError, reason_of
from app.i18n import LANGUAGES, pick
from app.reports import corrections, earlier, movers, origin, papers
from app.reports.advice import roadmap
from app.reports.basis import Provenance
from app.reports.changes import CorrectionChapter, PersonChange, ReportRef
from app.reports.closing import closing
from app.reports.formats import FORMATS, format_of, load_format
from app.reports.insights import insights
from app.reports.model import ReportModel
from app.reports.overview import decision, overview
from app.reports.ranking import RankedPaper
from app.reports.sections import PaperSection
from app.workflows import staleness
from app.workflows.paper import show_paper
from app.workflows.ranking import DEFAULT_TARGET, list_papers
from app.workflows.report_base import compared_with, is_for
from app.workflows.report_moment import catalog_moment, rest_of_history
from app.workflows.report_output import write_output
from app.workflows.settings import default_target
from app.workflows.triage import target_named
from db.models import Fact, ReportSnapshot
from db.queries import claims as claim_queries
from db.queries import corrections as correction_queries
from db.queries import facts as fact_queries
from db.queries import papers as paper_queries
from db.queries import runs as run_queries
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
    Raises `UsageError` for an unknown language or target, `NotFoundError` for an unknown report.
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
    engine = _target(target)
    moment = (now or catalog_moment(session, engine)).astimezone(UTC)
    origins = _provenance(session, engine, moment)
    last = compared_with(session, since, engine, origins.fingerprint)
    known = {paper.id: paper for paper in paper_queries.list_papers(session)}
    rows = [
        row | {"url": known[row["paper_id"]].url, "version": known[row["paper_id"]].version}
        for row in list_papers(session, target=target, language=language)
    ]
    before = earlier.ranks(last.record) if last else None
    ranking = tuple(papers.ranked_paper(row, before) for row in rows)
    sections = tuple(
        papers.paper_section(
            row,
            show_paper(session, row.paper_id, target=target, language=language, listed=rows),
            engine,
            language,
        )
        for row in ranking[:SECTIONS]
    )
    last_ref = _ref(last, language) if last else None
    first = _first(session)
    bases = [last] if since else [first, last]
    titles = {row.paper_id: row.title for row in ranking}
    methods = origin.method(engine, language)
    counts = {device.device_class: device.counts for device in methods.devices}
    levels = papers.read_levels([known[row.paper_id].read for row in ranking])
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
        distributions=(
            papers.distribution("technique", [r.technique for r in ranking], list(Technique)),
            papers.distribution("complexity", [r.complexity for r in ranking], list(Complexity)),
            papers.distribution("recommendation", [r.advice for r in ranking], list(Advice)),
        ),
        insights=insights(ranking, sections, origins, counts, language),
        corrections=_chapters(
            session,
            [base for base in bases if base and is_for(base, engine)],
            ranking,
            sections,
            engine,
            language,
        ),
        people=_people(session, titles, language),
        roadmap=ahead,
        set_aside=set_aside,
        closing=closing(ranking, levels, origins, counts, language),
        references=tuple(papers.reference(known[row.paper_id], row) for row in ranking),
        frozen=earlier.frozen_report(_ref(first, language), first.record, titles, language)
        if first
        else None,
        method=methods,
        provenance=origins,
    )


def _target(name: str) -> Target:
    try:
        return target_named(name)
    except TargetError as error:
        raise UsageError(reason_of(error) or str(error)) from error


def _first(session: Session) -> ReportSnapshot | None:
    stored = snapshots.list_snapshots(session)
    return next((s for s in stored if s.id == FIRST_REPORT), None)


def _ref(snapshot: ReportSnapshot, language: str) -> ReportRef:
    return earlier.report_ref(snapshot.id, snapshot.date, snapshot.title, language)


def _chapters(
    session: Session,
    bases: Sequence[ReportSnapshot],
    ranking: Sequence[RankedPaper],
    sections: Sequence[PaperSection],
    target: Target,
    language: str,
) -> tuple[CorrectionChapter, ...]:
    texts = correction_queries.for_papers(session)
    return tuple(
        corrections.chapter(
            _ref(base, language),
            base.record,
            ranking,
            fact_queries.differences(session, base.reading_id),
            texts,
            movers.movers(
                sections, rest_of_history(session, base, target, ranking, language), language
            ),
            target,
            language,
        )
        for base in {base.id: base for base in bases}.values()
    )


def _people(session: Session, titles: Mapping[str, str], language: str) -> tuple[PersonChange, ...]:
    facts = session.scalars(
        select(Fact).where(Fact.source == "person", Fact.reading_id == fact_queries.CURRENT)
    )
    return corrections.people(facts, titles, language)


def _provenance(session: Session, target: Target, moment: datetime) -> Provenance:
    runs = run_queries.for_prototypes(session)
    facts = [f for fields in fact_queries.effective(session).values() for f in fields.values()]
    claims = [c for found in claim_queries.rows(session).values() for c in found]
    marks = staleness.mark([run.record for run in runs])
    stale = {run.id for run, is_old in zip(runs, marks, strict=True) if is_old}
    return origin.provenance(
        moment, target, runs, origin.fingerprint(target, facts, claims, runs), _program(), stale
    )


def _program() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("assay")
    except PackageNotFoundError:
        return "dev"


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


def save_snapshot(
    session: Session, *, target: str | None = None, now: datetime | None = None
) -> str:
    """Keep today's ranking and facts as a report to compare with later; return its id.

    The id is `report-2026-11-24`, with a number where that day has one already.
    """
    target = target or default_target()
    engine = _target(target)
    fingerprint = _provenance(session, engine, catalog_moment(session, engine)).fingerprint
    date = (now or datetime.now(UTC)).astimezone(UTC).date().isoformat()
    taken = {s.id for s in snapshots.list_snapshots(session)}
    identity, number = f"report-{date}", 2
    while identity in taken:
        identity, number = f"report-{date}-{number}", number + 1
    told = {code: list_papers(session, target=target, language=code) for code in LANGUAGES}
    whys: dict[str, dict[str, str]] = {}
    for code, rows in told.items():
        for row in rows:
            whys.setdefault(row["paper_id"], {})[code] = row["why"]
    snapshots.create(
        session,
        identity,
        date=date,
        title={"en": f"Report of {date}", "zh": f"{date} 报告"},
        record=earlier.snapshot_record(told["en"], whys)
        | {"target": target, "fingerprint": fingerprint},
    )
    return identity


def list_snapshots(session: Session) -> list[dict[str, Any]]:
    """Return the reports that ranks can be compared with, the newest first."""
    return [
        {
            "id": s.id,
            "date": s.date,
            "title": s.title,
            "target": s.record.get("target", DEFAULT_TARGET),
            "papers": len(s.record.get("rows", ())),
        }
        for s in snapshots.list_snapshots(session)
    ]
