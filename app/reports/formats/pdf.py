"""The report as PDF, set by Typst: bookmarks, tagged text, page numbers, links that work.

Typst gets a template of ours and the report as JSON; nothing from a paper is ever read as markup.
"""

from __future__ import annotations

from typing import Any

from app.reports.formats import Format
from app.reports.model import ReportModel

LONGEST_WORD = 18
"""A longer one may break after so many letters, or a table's cell would run over."""
ZERO_WIDTH_SPACE = "\u200b"


def render(model: ReportModel) -> bytes:
    """Return the PDF; dated as the catalog is, never by the clock. Raises `AssayError`."""
    import json
    from datetime import UTC, datetime

    import typst

    from app.i18n import translator
    from app.reports.flow import flow
    from app.reports.formats._fonts import CHINESE, font_folder
    from app.reports.rendering import TEMPLATES

    _ = translator(model.language)
    title = _("Priority report: what to build into {target}").format(target=model.target)
    moment = datetime.strptime(model.provenance.catalog_at, "%Y-%m-%d %H:%M UTC")
    content = {
        "title": title,
        "language": model.language,
        "font": CHINESE,
        "date": [moment.year, moment.month, moment.day],
        "foot": _("Assay {program}, catalog {fingerprint}, {date}").format(
            program=model.provenance.program,
            fingerprint=model.provenance.fingerprint,
            date=model.date,
        ),
        "blocks": [_block(block) for block in flow(model)],
    }
    made: Any = typst.compile(
        str(TEMPLATES / "pdf" / "report.typ"),
        format="pdf",
        font_paths=[str(font_folder())],
        ignore_system_fonts=True,
        sys_inputs={"report": json.dumps(content, ensure_ascii=False)},
        timestamp=int(moment.replace(tzinfo=UTC).timestamp()),
    )
    assert isinstance(made, bytes)
    return made


def _block(block: Any) -> dict[str, Any]:
    """Return a block as JSON holds it, what is empty left out."""
    import dataclasses

    record = {
        "kind": block.kind,
        "spans": _spans(block.spans),
        "head": [_spans(cell) for cell in block.head],
        "rows": [[_spans(cell) for cell in row] for row in block.rows],
        "bars": [dataclasses.asdict(bar) for bar in block.bars],
        "widths": list(block.widths),
        "level": block.level,
        "style": block.style,
        "anchor": block.anchor,
        "number": block.number,
    }
    return {name: value for name, value in record.items() if value or name == "kind"}


def _spans(spans: Any) -> list[dict[str, Any]]:
    found = []
    for span in spans:
        record = {"t": breakable(span.text)}
        for name in ("bold", "soft", "tone", "target"):
            if getattr(span, name):
                record[name] = getattr(span, name)
        found.append(record)
    return found


def breakable(text: str) -> str:
    """Return text whose long words may break: after a mark, else after so many letters."""
    import re

    def split(found: re.Match[str]) -> str:
        word = re.sub(r"([/_\-.,:;=&?])(?=\w)", rf"\1{ZERO_WIDTH_SPACE}", found[0])
        return re.sub(
            rf"[^\s{ZERO_WIDTH_SPACE}]{{{LONGEST_WORD}}}(?=[^\s{ZERO_WIDTH_SPACE}])",
            rf"\g<0>{ZERO_WIDTH_SPACE}",
            word,
        )

    return re.sub(rf"[^\s\u2e80-\uffff]{{{LONGEST_WORD + 1},}}", split, text)


FORMAT = Format("PDF", ".pdf", "application/pdf", render)
