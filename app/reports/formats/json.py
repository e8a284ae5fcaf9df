"""The whole report as JSON: every figure that the other formats show, and what it rests on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from app.reports.formats import Format
from app.reports.model import ReportModel

SCHEMA = "assay-report-1"


def render(model: ReportModel) -> bytes:
    """Return UTF-8 JSON: `{"schema", "language", "date", …}`, as `app.reports.model` has it."""
    import dataclasses
    import io

    from app.reports.ranking import ReadAsAsked

    written = io.BytesIO()
    written.write(f'{{\n "schema": {_text(SCHEMA)}'.encode())
    for field in dataclasses.fields(model):
        value = getattr(model, field.name)
        written.write(f',\n "{field.name}": '.encode())
        if isinstance(value, ReadAsAsked):
            for piece in _pieces(value):
                written.write(piece)
        else:
            written.write(_indented(value, 1))
    written.write(b"\n}\n")
    return written.getvalue()


def _pieces(items: Iterable[Any]) -> Iterator[bytes]:
    """Yield a list that is a value of the whole, one item at a time: there may be 100,000."""
    between = b"[\n  "
    for item in items:
        yield between + _indented(item, 2)
        between = b",\n  "
    yield b"[]" if between.startswith(b"[") else b"\n ]"


def _indented(value: Any, depth: int) -> bytes:
    # Inside a text a line break is written out: those that are here stand between values.
    return _text(plain(value)).replace("\n", "\n" + " " * depth).encode("utf-8", "replace")


def _text(value: Any) -> str:
    import json

    return json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False)


def plain(value: Any) -> Any:
    """Return a value that JSON can hold: a number that isn't one is unknown, a tuple a list."""
    import dataclasses
    import math

    if dataclasses.is_dataclass(value):
        names = [field.name for field in dataclasses.fields(value)]
        return {name: plain(getattr(value, name)) for name in names}
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


FORMAT = Format("JSON", ".json", "application/json", render)
