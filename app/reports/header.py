"""The report's head: its date, method, scope, and how much was read and measured."""

from __future__ import annotations

from app.i18n import N_, translator
from app.labels import label
from app.reports.model import ReportModel

NOT_READ = N_("not read here, known by the seed's own facts")


def header(model: ReportModel) -> list[tuple[str, str]]:
    """Return the lines of the head, each a name and a text."""
    _ = translator(model.language)
    measured = sum(paper.is_tested for paper in model.ranking.outlines)
    whole = sum(level.count for level in model.read if level.code == "full")
    lines = [
        (_("Date"), _("{date}, the newest entry of the catalog").format(date=model.date)),
        (
            _("Method"),
            _("rubric {rubric}, for {target} as of {day}").format(
                rubric=model.provenance.rubrics[-1],
                target=model.target,
                day=model.provenance.target_date,
            ),
        ),
        (
            _("Scope"),
            _("{papers} papers, {sections} of them with a section; {measured} measured").format(
                papers=len(model.ranking), sections=len(model.papers), measured=measured
            ),
        ),
        (
            _("Read"),
            _("{whole} of {papers} in full").format(whole=whole, papers=len(model.ranking)),
        ),
    ]
    how_far = [
        _("{level}: {count}").format(
            level=_(NOT_READ) if level.code == "not_read" else label(level.code, _),
            count=level.count,
        )
        for level in model.read
    ]
    if how_far:
        name, text = lines[-1]
        lines[-1] = (name, _("{text} ({parts})").format(text=text, parts=_("; ").join(how_far)))
    if model.since:
        since = _("{title} of {date}").format(title=model.since.title, date=model.since.date)
        lines.append((_("Compared with"), since))
    return lines
