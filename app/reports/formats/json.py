"""The whole report as JSON: every figure that the other formats show, and what it rests on."""

from __future__ import annotations

from typing import Any

from app.reports.formats import Format
from app.reports.model import ReportModel

SCHEMA = "assay-report-1"


def render(model: ReportModel) -> bytes:
    """Return UTF-8 JSON: `{"schema", "language", "date", …}`, as `app.reports.model` has it."""
    import dataclasses
    import json

    content = {"schema": SCHEMA, **plain(dataclasses.asdict(model))}
    text = json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False)
    return (text + "\n").encode("utf-8", "replace")


def plain(value: Any) -> Any:
    """Return a value that JSON can hold: a number that isn't one is unknown, a tuple a list."""
    import math

    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


FORMAT = Format("JSON", ".json", "application/json", render)
