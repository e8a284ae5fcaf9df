"""The ranking as rows of text: every paper, in words of the report's language."""

from __future__ import annotations

from collections.abc import Iterator

from app.i18n import N_, translator
from app.labels import label
from app.reports.model import ReportModel
from app.reports.ranking import Figure, RankedPaper
from app.reports.text import clean
from app.reports.values import risk_kind

COLUMNS = (
    N_("Rank"), N_("Name"), N_("Paper"), N_("arXiv"), N_("Address"), N_("Technique"),
    N_("Score"), N_("Score, low end"), N_("Score, high end"), N_("Score by claims"),
    N_("Claimed speedup"), N_("Measured speedup"), N_("Speedup over the engine"),
    N_("Whole run"), N_("Whole run, low end"), N_("Whole run, high end"),
    N_("Verdict"), N_("Device"), N_("Device of the verdict"), N_("Quick run"), N_("Complexity"),
    N_("Relevance"), N_("In the engine"), N_("Recommendation"), N_("Phase"), N_("Because"),
    N_("Open risks"), N_("Next step"), N_("Rank before"),
)  # fmt: skip


def header(language: str) -> list[str]:
    """Return the columns' names."""
    _ = translator(language)
    return [_(name) for name in COLUMNS]


def rows(model: ReportModel) -> Iterator[list[str]]:
    """Yield a row a paper; risks and the next step are known of papers with a section only."""
    _ = translator(model.language)
    names = {device.device_id: device.name for device in model.provenance.devices}
    sections = {paper.row.paper_id: paper for paper in model.papers}
    for row in model.ranking:
        section = sections.get(row.paper_id)
        risks = [risk for risk in section.risks if risk.is_open] if section else []
        cells = [
            str(row.rank), row.paper_id, row.title, row.arxiv_id or "", row.url or "",
            label(row.technique, _),
            *_figure(row.score), _number(row.score_claimed),
            _number(row.claimed), _number(row.measured), _number(row.engine),
            *_figure(row.run),
            label(row.verdict, _), names.get(row.device or "", row.device or ""),
            names.get(row.verdict_device or "", row.verdict_device or ""),
            _quick(row, model.language),
            label(row.complexity, _), _number(row.relevance), label(row.in_target, _),
            label(row.advice, _), str(row.phase or ""), row.why,
            _("; ").join(
                _("{kind} ({severity})").format(
                    kind=risk_kind(risk.kind, model.language), severity=label(risk.severity, _)
                )
                for risk in risks
            ),
            section.next_step if section else "",
            "" if row.move.before is None else str(row.move.before),
        ]  # fmt: skip
        yield [clean(cell) for cell in cells]


def _quick(row: RankedPaper, language: str) -> str:
    if row.measured is None:
        return ""
    _ = translator(language)
    return _("yes") if row.provisional else _("no")


def _figure(figure: Figure | None) -> list[str]:
    if figure is None:
        return ["", "", ""]
    return [_number(figure.value), _number(figure.low), _number(figure.high)]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"
