"""Labels that people made: what a folder of them holds, and what is wrong with it.

A folder holds papers (`pdfs/`, `text/`, or beside the labels), claims (`claims*.jsonl`, one label
a line) and facts (`labels*.json`, an object by paper); docs/analysis.md describes both formats. A
paper is named by its file without the ending.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analyzers.facts import Bound, Complexity, Integration, Metric, Technique

ENDINGS = (".pdf", ".md", ".markdown", ".html", ".htm", ".txt")
PLACES = ("pdfs", "text", "")


class LabelError(ValueError):
    """Labels that can't be used; the message says where, and what is wrong."""


@dataclass(frozen=True, slots=True)
class ClaimLabel:
    """A number in a paper and whether it is a claim about the paper's own work.

    `value_high` makes it a range. `exhaustive` says that all claims up to this page are labelled.
    """

    paper: str
    quote: str
    value: float | None
    is_claim: bool
    value_high: float | None = None
    unit: str | None = None
    page: int | None = None
    metric: str | None = None
    bound: str | None = None
    baseline: str | None = None
    exhaustive: bool = False


@dataclass(frozen=True, slots=True)
class Corpus:
    """The labels of a folder by paper, and the files that could be found."""

    folder: Path
    claims: Mapping[str, list[ClaimLabel]]
    facts: Mapping[str, Mapping[str, Any]]
    files: Mapping[str, Path]


def read_corpus(folder: Path) -> Corpus:
    """Read all labels of `folder`; raises `LabelError` where there are none, or wrong ones."""
    if not folder.is_dir():
        raise LabelError(f"There is no folder {folder}.")
    claims: dict[str, list[ClaimLabel]] = {}
    for path in sorted(folder.glob("claims*.jsonl")):
        for label in _claims(path):
            claims.setdefault(label.paper, []).append(label)
    facts: dict[str, Mapping[str, Any]] = {}
    for path in sorted(folder.glob("labels*.json")):
        facts |= _facts(path)
    if not claims and not facts:
        raise LabelError(
            f"{folder} holds no labels: put claims.jsonl or labels.json there"
            " (docs/analysis.md says what is in them)."
        )
    named = sorted(claims.keys() | facts.keys())
    found = {name: _file(folder, name, facts.get(name, {})) for name in named}
    files = {name: path for name, path in found.items() if path is not None}
    return Corpus(folder, claims, facts, files)


def number(value: object) -> float | None:
    """Return a value as a number ("1,200" too); None if it is none."""
    try:
        return float(str(value).replace(",", ""))
    except ValueError:
        return None


def _file(folder: Path, name: str, facts: Mapping[str, Any]) -> Path | None:
    """Return the paper's file: where its label says, else by its name."""
    if isinstance(facts.get("file"), str):
        path = folder / facts["file"]
        return path if path.is_file() else None
    if Path(name).name != name:
        return None
    candidates = (folder / place / f"{name}{end}" for place in PLACES for end in ENDINGS)
    return next((path for path in candidates if path.is_file()), None)


def _claims(path: Path) -> Iterator[ClaimLabel]:
    for line_number, line in enumerate(_text(path).splitlines(), start=1):
        if not line.strip():
            continue
        where = f"{path.name}, line {line_number}"
        try:
            record = json.loads(line)
        except json.JSONDecodeError as error:
            raise LabelError(f"{where}: this is no JSON ({error.msg}).") from None
        if not isinstance(record, dict):
            raise LabelError(f"{where}: a label is an object.")
        yield _claim(record, where)


def _claim(record: Mapping[str, Any], where: str) -> ClaimLabel:
    for key in ("paper", "quote"):
        if not isinstance(record.get(key), str) or not record[key]:
            raise LabelError(f"{where}: {key!r} is missing.")
    if not isinstance(record.get("is_claim"), bool):
        raise LabelError(f"{where}: 'is_claim' is true or false.")
    if "value" not in record:
        raise LabelError(f"{where}: 'value' is missing.")
    page = record.get("page")
    if page is not None and (not isinstance(page, int) or page < 1):
        raise LabelError(f"{where}: 'page' counts from 1, or is null.")
    if record["is_claim"]:
        _one_of(record, "metric", [m.value for m in Metric], where)
        _one_of(record, "bound", [b.value for b in Bound], where)
    return ClaimLabel(
        paper=record["paper"],
        quote=record["quote"],
        value=number(record["value"]),
        is_claim=record["is_claim"],
        value_high=number(record.get("value_high")),
        unit=record.get("unit"),
        page=page,
        metric=record.get("metric"),
        bound=record.get("bound"),
        baseline=record.get("baseline"),
        exhaustive=bool(record.get("exhaustive")),
    )


def _facts(path: Path) -> dict[str, Mapping[str, Any]]:
    try:
        record = json.loads(_text(path))
    except json.JSONDecodeError as error:
        raise LabelError(
            f"{path.name}, line {error.lineno}: this is no JSON ({error.msg})."
        ) from None
    if not isinstance(record, dict):
        raise LabelError(f'{path.name}: it holds one object by paper, {{"2409.16997": {{…}}}}.')
    for paper, facts in record.items():
        where = f"{path.name}, {paper}"
        if not isinstance(facts, dict):
            raise LabelError(f"{where}: a paper's labels are an object.")
        _one_of(facts, "technique", [t.value for t in Technique], where)
        _one_of(facts, "complexity", [c.value for c in Complexity], where)
        _one_of(facts, "integration", [i.value for i in Integration], where)
        for key in ("secondary", "hardware_measured"):
            if not isinstance(facts.get(key, []), list):
                raise LabelError(f"{where}: {key!r} is a list.")
        if not isinstance(facts.get("relevance", {}), dict):
            raise LabelError(f"{where}: 'relevance' is an object by target.")
    return record


def _one_of(record: Mapping[str, Any], key: str, known: list[str], where: str) -> None:
    value = record.get(key)
    if value is not None and value not in known:
        raise LabelError(f"{where}: {key} {value!r} isn't one of {', '.join(known)}.")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise LabelError(f"{path.name} can't be read ({type(error).__name__}).") from None
