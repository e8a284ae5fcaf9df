"""The report as a Word document: styles, headings, tables, links; laid out from the same blocks."""

from __future__ import annotations

from app.reports.formats import Format
from app.reports.model import ReportModel


def render(model: ReportModel) -> bytes:
    """Return the document; dated as the catalog is, its zip's times fixed."""
    from app.i18n import translator
    from app.reports.flow import flow
    from app.reports.word import Writer

    _ = translator(model.language)
    writer = Writer(
        title=_("Priority report: what to build into {target}").format(target=model.target),
        moment=model.provenance.catalog_at,
        language=model.language,
    )
    for block in flow(model):
        writer.add(block)
    return writer.content()


FORMAT = Format(
    "Word (DOCX)",
    ".docx",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    render,
)
