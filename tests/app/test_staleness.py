"""Runs of older code count, and are marked: in `assay show`, on the paper's page, in the report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from app.errors import AssayError
from app.i18n import translator
from app.web.components.runs import run_frame
from app.workflows import staleness
from app.workflows.benchmark import import_run_files
from app.workflows.measuring import list_prototypes
from app.workflows.paper import show_paper
from app.workflows.report import render
from db.engine import session_scope
from tests.app.run_documents import document, run

CASE = "b1-v128256-k40-p0.95-m0.05-zipf"


def today() -> str:
    (sampling,) = [p for p in list_prototypes() if p["name"] == "sampling"]
    (case,) = [c for c in sampling["cases"] if c["id"] == CASE]
    found: str = case["code_hash"]
    return found


def shown(
    engine: Engine, tmp_path: Path, code_hash: str, day: str = "2026-11-24"
) -> dict[str, Any]:
    path = tmp_path / f"{code_hash}.json"
    record = document(run(CASE, code_hash=code_hash), started_at=f"{day}T00:00:00+00:00")
    path.write_text(json.dumps(record), encoding="utf-8")
    import_run_files(engine, [path])
    with session_scope(engine) as session:
        return show_paper(session, "sampling")


def state(record: dict[str, Any], language: str) -> str:
    _ = translator(language)
    return str(run_frame(record["runs"], _)[_("State")][0])


def report(engine: Engine, language: str) -> str:
    with session_scope(engine) as session:
        content = render(session, format="md", language=language)
    return content.decode() if isinstance(content, bytes) else str(content)


def test_a_run_of_todays_code_is_not_marked(catalog: Engine, tmp_path: Path) -> None:
    record = shown(catalog, tmp_path, today())
    assert [r["stale"] for r in record["runs"]] == [False]
    assert "stale" not in state(record, "en")
    assert "of older code" not in report(catalog, "en")


def test_a_run_of_older_code_counts_and_is_marked_everywhere(
    catalog: Engine, tmp_path: Path
) -> None:
    fresh = shown(catalog, tmp_path, today())["score"]["believed"]["value"]
    record = shown(catalog, tmp_path, "s1-of-another-time", "2026-11-25")
    assert [r["stale"] for r in record["runs"]] == [True]
    assert record["score"]["believed"]["value"] == fresh
    assert state(record, "en").endswith("stale")
    assert state(record, "zh").endswith("已过期")
    english = report(catalog, "en")
    assert "of older code" in english
    assert "of code that has changed since: 1" in english
    chinese = report(catalog, "zh")
    assert "代码已变" in chinese
    assert "of older code" not in chinese


def test_the_shipped_runs_are_of_todays_kernels() -> None:
    current = staleness.current_hashes(list_prototypes())
    for file in (Path(__file__).parents[2] / "prototypes" / "results").glob("*.json"):
        for record in json.loads(file.read_text("utf-8"))["runs"]:
            assert not staleness.is_stale(record, current)


def test_where_the_prototypes_cannot_be_asked_nothing_is_claimed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail() -> list[dict[str, Any]]:
        raise AssayError("not here")

    monkeypatch.setattr(staleness, "list_prototypes", fail)
    assert staleness.mark([{"prototype": "sampling"}]) == [None]
    assert staleness.mark([]) == []


def test_they_are_asked_again_when_a_file_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.workflows import measuring

    folder = tmp_path / "prototypes"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    main = folder / "__main__.py"
    main.write_text('print(\'[{"name": "one"}]\')\n')
    monkeypatch.setattr(measuring, "PROJECT", tmp_path)
    assert [p["name"] for p in list_prototypes()] == ["one"]
    main.write_text('print(\'[{"name": "two"}]\') # changed\n')
    assert [p["name"] for p in list_prototypes()] == ["two"]
