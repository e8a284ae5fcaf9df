from __future__ import annotations

import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, inspect, text
from sqlalchemy.pool import NullPool

from db import schema
from db.errors import CatalogError, NewerSchemaError, NotACatalogError, UnreachableError
from db.models import Base
from db.search_index import is_mapped
from tests.db.builders import url_of

ROOT = Path(__file__).parents[2]

NEXT = f"{int(schema.HEAD) + 1:04d}"

# What a later release could do: rebuild the table that all others point to, add a column.
REBUILD = f"""
import sqlalchemy as sa
from alembic import op

revision = "{NEXT}"
down_revision = "{schema.HEAD}"

def upgrade():
    with op.batch_alter_table("paper", recreate="always") as batch:
        batch.add_column(sa.Column("stars", sa.Integer(), nullable=False, server_default="3"))
"""
FAILS_HALFWAY = REBUILD + '    op.execute("SELECT * FROM no_such_table")\n'


@pytest.fixture
def later(tmp_path: Path) -> Path:
    folder = tmp_path / "migrations"
    shutil.copytree(schema.MIGRATIONS, folder)
    return folder


def test_head_is_alembics_head() -> None:
    config = Config()
    config.set_main_option("script_location", str(schema.MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_heads() == [schema.HEAD]


def test_migrations_and_models_agree(engine: Engine) -> None:
    with engine.connect() as connection:
        options = {"compare_type": True, "include_name": is_mapped}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, Base.metadata) == []


@pytest.mark.sqlite
def test_migrations_and_models_agree_on_what_alembic_does_not_compare(engine: Engine) -> None:
    """Checks and the conditions of partial indexes, as SQLite keeps them."""
    by_models = create_engine("sqlite://", poolclass=NullPool)
    with by_models.connect() as fresh, engine.connect() as migrated:
        Base.metadata.create_all(fresh)
        assert _checks(inspect(migrated)) == _checks(inspect(fresh))
        query = text(
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql LIKE '%WHERE%'"
        )
        plain = [
            {name: re.sub(r"\s", "", sql) for name, sql in connection.execute(query)}
            for connection in (fresh, migrated)
        ]
        assert plain[0] == plain[1]
        assert len(plain[0]) == 3


def _checks(inspector: object) -> set[tuple[str, str, str]]:
    return {
        (table, str(check["name"]), re.sub(r"\s", "", check["sqltext"]))
        for table in inspector.get_table_names()  # type: ignore[attr-defined]
        for check in inspector.get_check_constraints(table)  # type: ignore[attr-defined]
    }


def test_upgrade_creates_once_then_changes_nothing(tmp_path: Path) -> None:
    url = url_of(tmp_path / "new.db")
    assert schema.upgrade(url)
    assert not schema.upgrade(url)


def test_revision_of_no_catalog_and_of_one(tmp_path: Path, engine: Engine) -> None:
    empty = create_engine(url_of(tmp_path / "nothing.db"), poolclass=NullPool)
    assert schema.current_revision(empty) is None
    assert not schema.is_current(empty)
    with pytest.raises(CatalogError, match="assay init"):
        schema.require_current(empty)
    assert schema.current_revision(engine) == schema.HEAD
    assert schema.is_current(engine)
    schema.require_current(engine)


def test_an_old_catalog_is_upgraded_with_its_data(tmp_path: Path) -> None:
    """From the first schema there was, filled by SQL of its day, to the newest."""
    path = tmp_path / "old.db"
    first = tmp_path / "first"
    shutil.copytree(schema.MIGRATIONS, first)
    for migration in (first / "versions").glob("[0-9]*.py"):
        if not migration.name.startswith("0001"):
            migration.unlink()
    schema.upgrade(url_of(path), migrations=first, head="0001")
    _fill(path)
    schema.upgrade(url_of(path))
    engine = create_engine(url_of(path), poolclass=NullPool)
    assert schema.is_current(engine)
    assert _counts(path) == {"paper": 2, "fact": 1, "claim": 1, "place": 1}
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_name": is_mapped})
        assert compare_metadata(context, Base.metadata) == []


def test_rebuilding_a_table_keeps_what_points_to_it(tmp_path: Path, later: Path) -> None:
    path = tmp_path / "old.db"
    schema.upgrade(url_of(path))
    _fill(path)
    (later / "versions" / f"{NEXT}_later.py").write_text(REBUILD)
    assert schema.upgrade(url_of(path), migrations=later, head=NEXT)
    assert _counts(path) == {"paper": 2, "fact": 1, "claim": 1, "place": 1}
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT DISTINCT stars FROM paper").fetchall() == [(3,)]
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("DELETE FROM paper WHERE id = 'fast'")
        assert connection.execute("SELECT count(*) FROM place").fetchone() == (0,)


def test_a_migration_that_fails_changes_nothing(tmp_path: Path, later: Path) -> None:
    path = tmp_path / "old.db"
    schema.upgrade(url_of(path))
    _fill(path)
    before = _dump(path)
    (later / "versions" / f"{NEXT}_later.py").write_text(FAILS_HALFWAY)
    with pytest.raises(Exception, match=r"no_such_table|set up"):
        schema.upgrade(url_of(path), migrations=later, head=NEXT)
    assert _dump(path) == before


def test_rows_that_point_nowhere_stop_an_upgrade(tmp_path: Path, later: Path) -> None:
    path = tmp_path / "old.db"
    schema.upgrade(url_of(path))
    with sqlite3.connect(path) as connection:
        connection.execute("INSERT INTO prototype_link VALUES ('nobody', 'sampling')")
    (later / "versions" / f"{NEXT}_later.py").write_text(REBUILD)
    with pytest.raises(CatalogError, match="prototype_link points nowhere"):
        schema.upgrade(url_of(path), migrations=later, head=NEXT)


def test_a_newer_catalog_is_left_alone(catalog_path: Path) -> None:
    with sqlite3.connect(catalog_path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0999'")
    with pytest.raises(NewerSchemaError, match="newer Assay") as caught:
        schema.upgrade(url_of(catalog_path))
    assert caught.value.params["theirs"] == "0999"


@pytest.mark.parametrize("content", [b"not a database, but long enough to be one " * 30, b"short"])
def test_a_file_that_is_no_database_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    with pytest.raises(NotACatalogError, match=r"notes\.txt"):
        schema.upgrade(url_of(path))
    assert path.read_bytes() == content


def test_a_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE song (title)")
    with pytest.raises(NotACatalogError, match="another program"):
        schema.upgrade(url_of(path))
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num)")
        connection.execute("INSERT INTO alembic_version VALUES ('ab12cd')")
    with pytest.raises(NotACatalogError, match="another program"):
        schema.upgrade(url_of(path))


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql://somewhere/assay", "SQLite or PostgreSQL"),
        ("no url at all", "no|not a database URL"),
        ("sqlite:////no/such/folder/assay.db", "folder exists"),
    ],
)
def test_an_unusable_url_is_explained(url: str, words: str) -> None:
    with pytest.raises(UnreachableError, match=words):
        schema.upgrade(url)


def test_two_processes_may_upgrade_at_once(tmp_path: Path) -> None:
    url = url_of(tmp_path / "shared.db")
    code = f"from db import schema; print(schema.upgrade({url!r}))"
    started = [
        subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    answers = sorted(process.communicate(timeout=30)[0].strip() for process in started)
    assert answers == ["False", "False", "True"]


def test_queries_load_without_alembic() -> None:
    code = (
        "import sys, db.schema, db.seed, db.engine, db.queries.papers, db.queries.jobs, "
        "db.queries.runs, db.queries.scores; "
        "print([m for m in ('alembic', 'mako', 'difflib', 'numpy', 'analyzers', 'app') "
        "if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


def _fill(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.executescript("""
        INSERT INTO reading (id, title, frozen) VALUES ('current', '{"en": "Today"}', 0);
        INSERT INTO paper (id, title, title_key, authors, is_seed, status, added_at, updated_at)
            VALUES ('fast', 'Fast', 'fast', '[]', 0, 'inbox', '2026', '2026'),
                   ('slow', 'Slow', 'slow', '[]', 0, 'inbox', '2026', '2026');
        INSERT INTO fact (id, paper_id, reading_id, field, value, source, reasons, evidence, at)
            VALUES (1, 'fast', 'current', 'technique', '"attention"', 'seed', '[]', '[]', '2026');
        INSERT INTO claim (key, paper_id, source, position, metric, value, unit, bound,
                           baseline_kind, weak_baseline, overtaken_baseline, own_result,
                           in_abstract)
            VALUES ('fast/speed', 'fast', 'seed', 0, 'speedup', 2.0, 'x', 'exact',
                    'unnamed', 0, 0, 1, 0);
        INSERT INTO place (id, claim_key, kind, quote, boxes)
            VALUES (1, 'fast/speed', 'sentence', 'twice as fast', '[]');
        """)


def _counts(path: Path) -> dict[str, int]:
    with sqlite3.connect(path) as connection:
        return {
            table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in ("paper", "fact", "claim", "place")
        }


def _dump(path: Path) -> list[str]:
    with sqlite3.connect(path) as connection:
        return list(connection.iterdump())
