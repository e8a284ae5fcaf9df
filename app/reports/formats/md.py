"""The report as Markdown (GitHub's kind): escaped unless a template says that it is Markdown."""

from __future__ import annotations

from app.reports.formats import Format
from app.reports.model import ReportModel


def render(model: ReportModel) -> bytes:
    """Return the report as UTF-8 Markdown."""
    from app.reports.rendering import markdown_environment, squeeze

    environment = markdown_environment(model)
    text = environment.get_template("report.md.jinja").render(report=model)
    return squeeze(text).encode()


FORMAT = Format("Markdown", ".md", "text/markdown; charset=utf-8", render)
