"""The report as one HTML file: no script, no request to anywhere, pictures drawn inside."""

from __future__ import annotations

from app.reports.formats import Format
from app.reports.model import ReportModel


def render(model: ReportModel) -> bytes:
    """Return the report as a UTF-8 HTML page that stands alone."""
    from app.reports.rendering import html_environment, squeeze

    environment = html_environment(model)
    text = environment.get_template("report.html.jinja").render(report=model)
    return squeeze(text).encode()


FORMAT = Format("HTML", ".html", "text/html; charset=utf-8", render)
