"""The ranking as a table for a spreadsheet: a row a paper, safe from formulas."""

from __future__ import annotations

from app.reports.cells import harmless
from app.reports.formats import Format
from app.reports.model import ReportModel


def render(model: ReportModel) -> bytes:
    """Return UTF-8 CSV with a byte order mark, without which Excel garbles Chinese."""
    import csv
    import io

    from app.reports.tabular import header, rows

    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n", quoting=csv.QUOTE_MINIMAL)
    writer.writerow([harmless(title) for title in header(model.language)])
    for row in rows(model):
        writer.writerow([harmless(cell) for cell in row])
    return text.getvalue().encode("utf-8-sig")


FORMAT = Format("CSV", ".csv", "text/csv; charset=utf-8", render)
