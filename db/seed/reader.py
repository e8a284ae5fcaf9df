"""Reading the seed's TOML files, with errors that name the file and the key."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from db.errors import SeedError

FOLDER = Path(__file__).parent
CURRENT = "current"


@dataclass(frozen=True, slots=True)
class SeedPaper:
    """One `papers/<slug>.toml`: columns of the paper, and what is known of it."""

    id: str
    columns: dict[str, Any]
    prototypes: tuple[str, ...]
    facts: dict[str, dict[str, dict[str, Any]]]
    """reading → field → {"value", "reasons", "evidence"}"""
    claims: tuple[dict[str, Any], ...]
    corrections: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Seed:
    """All that the folder holds."""

    readings: tuple[dict[str, Any], ...]
    snapshots: tuple[dict[str, Any], ...]
    papers: tuple[SeedPaper, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class _Table:
    """A table of a file, which knows where it stands."""

    file: str
    key: str
    values: Mapping[str, Any]

    def fail(self, key: str, problem: str) -> SeedError:
        where = f"{self.key}.{key}" if self.key else key
        return SeedError(
            "The seed file {file} is broken at {key}: {problem}.",
            file=self.file,
            key=where,
            problem=problem,
        )

    def get(self, key: str, kind: str, default: Any = ...) -> Any:
        if key not in self.values:
            if default is ...:
                raise self.fail(key, "it is missing")
            return default
        value = _plain(self.values[key])
        if not _KINDS[kind](value):
            raise self.fail(key, f"{value!r} is no {kind}")
        return float(value) if kind == "number" else value

    def tables(self, key: str) -> list[_Table]:
        entries = self.values.get(key, [])
        if not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
            raise self.fail(key, f"it is no list of tables: write [[{key}]]")
        return [
            _Table(self.file, f"{key}[{number}]", entry)
            for number, entry in enumerate(entries, start=1)
        ]


_KINDS: dict[str, Callable[[Any], bool]] = {
    "text": lambda v: isinstance(v, str) and bool(v.strip()),
    "number": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool),
    "flag": lambda v: isinstance(v, bool),
    "list": lambda v: isinstance(v, list),
    "list of texts": lambda v: isinstance(v, list) and all(isinstance(item, str) for item in v),
    "table": lambda v: isinstance(v, dict),
    "text in en and zh": lambda v: (
        isinstance(v, dict)
        and all(isinstance(v.get(lang), str) and v[lang].strip() for lang in ("en", "zh"))
    ),
}


def read_folder(folder: Path = FOLDER) -> Seed:
    """Read and check all seed files of a folder; raises `SeedError`.

    Everything is read before anything is stored, so that a broken file changes nothing.
    """
    readings = tuple(_reading(table) for table in _load(folder / "readings.toml").tables("reading"))
    known = {reading["id"] for reading in readings}
    snapshots = tuple(
        _snapshot(_load(path), known) for path in sorted(folder.glob("report-*.toml"))
    )
    papers = tuple(_paper(_load(path), known) for path in sorted(folder.glob("papers/*.toml")))
    _require_unique([paper.id for paper in papers], "paper id")
    _require_unique(
        [paper.columns["arxiv_id"] for paper in papers if paper.columns["arxiv_id"]], "arXiv id"
    )
    _require_unique([claim["key"] for paper in papers for claim in paper.claims], "claim key")
    return Seed(readings, snapshots, papers)


def _load(path: Path) -> _Table:
    try:
        return _Table(path.name, "", tomllib.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise SeedError("The seed file {file} is missing.", file=str(path)) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SeedError(
            "The seed file {file} is no TOML: {problem}.", file=path.name, problem=str(error)
        ) from None


def _reading(table: _Table) -> dict[str, Any]:
    return {
        "id": table.get("id", "text"),
        "date": table.get("date", "text", None),
        "title": table.get("title", "text in en and zh"),
        "frozen": table.get("frozen", "flag", False),
    }


def _snapshot(table: _Table, readings: set[str]) -> dict[str, Any]:
    identity = table.get("id", "text")
    reading = table.get("reading", "text", identity)
    if reading not in readings:
        raise table.fail("reading", f"readings.toml knows no reading {reading!r}")
    head = ("id", "reading", "date", "title")
    return {
        "id": identity,
        "reading_id": reading,
        "date": table.get("date", "text"),
        "title": table.get("title", "text in en and zh"),
        "record": {k: _plain(v) for k, v in table.values.items() if k not in head},
    }


def _paper(table: _Table, readings: set[str]) -> SeedPaper:
    identity = table.get("id", "text")
    facts = _facts(table, readings)
    summary = table.get("summary", "text in en and zh", None)
    if summary is not None:
        facts.setdefault(CURRENT, {})["summary"] = _as_fact(summary)
    columns = {
        "title": table.get("title", "text"),
        "authors": table.get("authors", "list of texts"),
        **{
            name: table.get(name, "text", None)
            for name in ("arxiv_id", "version", "published", "url", "venue")
        },
    }
    return SeedPaper(
        id=identity,
        columns=columns,
        prototypes=tuple(table.get("prototypes", "list of texts", [])),
        facts=facts,
        claims=tuple(
            _claim(entry, position) for position, entry in enumerate(table.tables("claims"))
        ),
        corrections=tuple(_correction(entry) for entry in table.tables("corrections")),
    )


def _facts(table: _Table, readings: set[str]) -> dict[str, dict[str, dict[str, Any]]]:
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for reading, fields in table.get("facts", "table", {}).items():
        if reading not in readings:
            raise table.fail(f"facts.{reading}", "readings.toml knows no such reading")
        if not isinstance(fields, dict):
            raise table.fail(f"facts.{reading}", "it is no table of fields")
        for name, record in fields.items():
            # A bare value (`technique = "attention"`) is short for a fact without reasons.
            if not (isinstance(record, dict) and "value" in record):
                record = {"value": record}
            entry = _Table(table.file, f"facts.{reading}.{name}", record)
            found.setdefault(reading, {})[name] = _as_fact(
                record["value"], entry.get("reasons", "list", []), entry.get("evidence", "list", [])
            )
    return found


def _as_fact(value: Any, reasons: Any = (), evidence: Any = ()) -> dict[str, Any]:
    return {"value": value, "reasons": list(reasons), "evidence": list(evidence)}


def _claim(table: _Table, position: int) -> dict[str, Any]:
    texts = ("subject", "scope", "part", "regime", "baseline", "hardware", "locator")
    return {
        "key": table.get("key", "text"),
        "position": position,
        "text": table.get("text", "text in en and zh"),
        "metric": table.get("metric", "text"),
        "value": table.get("value", "number"),
        "value_high": table.get("value_high", "number", None),
        "unit": table.get("unit", "text"),
        "bound": table.get("bound", "text", "exact"),
        "baseline_kind": table.get("baseline_kind", "text", "unnamed"),
        "weak_baseline": table.get("weak_baseline", "flag", False),
        "overtaken_baseline": table.get("overtaken_baseline", "flag", False),
        "own_result": table.get("own_result", "flag", True),
        "in_abstract": table.get("in_abstract", "flag", False),
        "confidence": table.get("confidence", "number", None),
        **{name: table.get(name, "text", None) for name in texts},
    }


def _correction(table: _Table) -> dict[str, Any]:
    return {
        "key": table.get("key", "text"),
        "field": table.get("field", "text"),
        "text": table.get("text", "text in en and zh"),
        "evidence": table.get("evidence", "list", []),
        "date": table.get("date", "text"),
    }


def _plain(value: Any) -> Any:
    """Return a TOML value as JSON has it: dates as ISO texts."""
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


def _require_unique(names: list[str], what: str) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise SeedError("The seed names {what} {name!r} twice.", what=what, name=name)
        seen.add(name)
