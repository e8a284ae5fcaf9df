"""From each schema that there ever was to today's: every row of every table is kept."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import JSON, Engine, MetaData, Table, create_engine, select, types
from sqlalchemy.pool import NullPool

from db import schema
from db.check import check
from db.search_index import is_mapped
from tests.db.builders import run, url_of

ROW = {"recommendation": "measure", "verdict": "untested", "run_interval": [1.0, 2.0]}
CHOSEN: dict[str, Any] = {
    "claim.source": "seed",
    "fact.source": "person",
    "job.state": "succeeded",
    "run.speedup": 2.0,
    "run.record": run(),
    "run.status": "ok",
    "run.target_weight": 1.0,
    "score.kind": "believed",
    "score.record": {"row": ROW, "breakdown": [{"points": 1.5, "low": 1.0}], "kept": "this"},
    "watch.every": "week",
    "watch.most": 7,
    "watch_find.outcome": "new",
    "inbox_decision.decision": "later",
    "edit.kind": "note",
}
"""Values of columns that take only some; the others get one of their type."""
MADE_ANEW = ("search_stale", "search_text", "alembic_version")
"""What isn't a person's: it is filled from the rest."""
EARLIER = [f"{number:04d}" for number in range(1, int(schema.HEAD))]


def _connect(path: Path) -> Engine:
    return create_engine(url_of(path), poolclass=NullPool)


def _tables(engine: Engine) -> list[Table]:
    found = MetaData()
    found.reflect(engine, only=lambda name, _: is_mapped(name, "table", {}))
    return [table for table in found.sorted_tables if table.name not in MADE_ANEW]


def _row(table: Table) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for column in table.columns:
        name = f"{table.name}.{column.name}"
        keys = list(column.foreign_keys)
        if name in CHOSEN:
            made[column.name] = CHOSEN[name]
        elif keys:
            made[column.name] = _row(keys[0].column.table)[keys[0].column.name]
        elif isinstance(column.type, JSON):
            made[column.name] = {"of": name}
        elif isinstance(column.type, types.Boolean):
            made[column.name] = True
        elif isinstance(column.type, types.Integer):
            made[column.name] = 1
        elif isinstance(column.type, types.Numeric | types.Double):
            made[column.name] = 1.25
        else:
            made[column.name] = f"2026 {name}"
    return made


def _content(engine: Engine) -> dict[str, list[dict[str, Any]]]:
    with engine.connect() as connection:
        return {
            table.name: [dict(row) for row in connection.execute(select(table)).mappings()]
            for table in _tables(engine)
        }


@pytest.fixture(scope="module")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A catalog of each earlier schema with a row in every table of it."""
    folder = tmp_path_factory.mktemp("earlier")
    migrations = folder / "migrations"
    shutil.copytree(schema.MIGRATIONS, migrations, ignore=shutil.ignore_patterns("0*", "*.pyc"))
    found: dict[str, Path] = {}
    for number in EARLIER:
        (step,) = schema.MIGRATIONS.glob(f"versions/{number}_*.py")
        shutil.copy(step, migrations / "versions")
        path = folder / f"{number}.db"
        if found:
            shutil.copy(found[f"{int(number) - 1:04d}"], path)
        schema.upgrade(url_of(path), migrations=migrations, head=number)
        engine = _connect(path)
        with engine.begin() as connection:
            for table in _tables(engine):
                if connection.execute(select(table)).first() is None:
                    connection.execute(table.insert(), _row(table))
        found[number] = path
    return found


@pytest.mark.parametrize("number", EARLIER)
def test_every_row_of_an_earlier_catalog_is_kept(earlier: dict[str, Path], number: str) -> None:
    engine = _connect(earlier[number])
    before = _content(engine)
    assert all(before.values()), "no table is empty"
    assert schema.upgrade(url_of(earlier[number]))
    after = _content(engine)
    # The one thing that a migration moved: the ranking's row, out of its score's record.
    assert before["score"][0]["record"].pop("row") == after["listing"][0]["row"] == ROW
    for table, rows in before.items():
        kept = [{name: row[name] for name in rows[0]} for row in after[table]]
        assert kept == rows, table
    assert check(url_of(earlier[number])) == []
