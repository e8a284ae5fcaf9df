"""What changed since earlier reports: which papers are compared, and with what."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from analyzers.targets import Target
from app.reports import corrections, earlier, movers
from app.reports.changes import CorrectionChapter
from app.reports.sections import PaperSection
from app.workflows.report_moment import rest_of_history
from app.workflows.report_ranking import Ranked
from db.models import ReportSnapshot
from db.queries import corrections as correction_queries
from db.queries import readings


def chapters(
    session: Session,
    bases: Sequence[ReportSnapshot],
    now: Ranked,
    sections: Sequence[PaperSection],
    target: Target,
    language: str,
) -> tuple[CorrectionChapter, ...]:
    """Return a chapter for each of these reports; the rows of papers that are compared are read."""
    return tuple(
        _chapter(session, base, now, sections, target, language)
        for base in {base.id: base for base in bases}.values()
    )


def _chapter(
    session: Session,
    base: ReportSnapshot,
    now: Ranked,
    sections: Sequence[PaperSection],
    target: Target,
    language: str,
) -> CorrectionChapter:
    texts = correction_queries.for_papers(session)
    old = earlier.rows(base.record)
    # Of both rankings the top: one paper's rise moves the ranks of all below it.
    today = [o.paper_id for o in now.papers.outlines[: earlier.COMPARED]]
    top = [*old][: earlier.COMPARED] + today
    wanted = {paper_id for paper_id in top if paper_id in old} | texts.keys()
    steps = rest_of_history(session, base, target, [s.row.paper_id for s in sections], language)
    return corrections.chapter(
        earlier.report_ref(base.id, base.date, base.title, language),
        old,
        now.papers.rows([o for o in now.papers.outlines if o.paper_id in wanted]),
        readings.differences(session, base.reading_id, paper_ids=wanted),
        texts,
        movers.movers(sections, steps, language),
        target,
        language,
        new=[title for paper_id, title in now.titles.items() if paper_id not in old],
        further=sum(paper_id in old and paper_id not in wanted for paper_id in now.titles),
    )
