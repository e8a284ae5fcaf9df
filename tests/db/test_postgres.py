"""What is particular to a catalog in PostgreSQL: its setting up, its errors, hostile text."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from db import postgres_errors, schema
from db.check import check
from db.engine import open_engine, session_scope
from db.errors import (
    CatalogError,
    LockedError,
    NewerSchemaError,
    NotACatalogError,
    NotSetUpError,
    ReadOnlyError,
    UnreachableError,
)
from db.models import Base
from db.queries import facts, notes, papers, removal, search
from db.search_index import is_mapped
from db.search_postgres import query_of, vector_of
from tests.conftest import PROJECT
from tests.db.builders import add_paper
from tests.postgres_server import TEMPLATE, Server

pytestmark = pytest.mark.postgres


@pytest.fixture
def fresh_url(server: Server) -> Iterator[str]:
    """A catalog of one's own, whose tables may be changed."""
    name = server.database(TEMPLATE)
    yield server.url(name)
    server.drop(name)


@pytest.fixture
def empty_url(server: Server) -> Iterator[str]:
    name = server.database()
    yield server.url(name)
    server.drop(name)


@pytest.fixture
def shared(postgres_url: str) -> Iterator[Engine]:
    engine = open_engine(postgres_url, busy_timeout_ms=200)
    yield engine
    engine.dispose()


def run_sql(url: str, *statements: str) -> None:
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def test_several_processes_set_it_up_at_once(empty_url: str) -> None:
    code = f"from db import schema; print(schema.upgrade({empty_url!r}))"
    command = [sys.executable, "-c", code]
    started = [
        subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    assert sorted(p.communicate(timeout=60)[0].strip() for p in started) == ["False", "True"]
    assert check(empty_url) == []


def test_migrations_and_models_agree(server: Server) -> None:
    engine = create_engine(server.url(TEMPLATE), poolclass=NullPool)
    with engine.connect() as connection:
        options = {"compare_type": True, "include_name": is_mapped}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, Base.metadata) == []
        partial = connection.execute(
            text("SELECT count(*) FROM pg_indexes WHERE indexdef LIKE '%WHERE%'")
        ).scalar()
        assert partial == 3
        others = connection.execute(
            text(
                "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema "
                "= 'public' AND data_type = 'character varying' AND collation_name != 'C'"
            )
        ).all()
        assert others == []


def test_an_old_catalog_is_upgraded_with_its_data(empty_url: str, tmp_path: Path) -> None:
    first = tmp_path / "first"
    shutil.copytree(schema.MIGRATIONS, first)
    for migration in (first / "versions").glob("[0-9]*.py"):
        if not migration.name.startswith(("0001", "0002", "0003")):
            migration.unlink()
    assert schema.upgrade(empty_url, migrations=first, head="0003")
    run_sql(
        empty_url,
        "INSERT INTO paper (id, title, title_key, authors, is_seed, status, added_at, updated_at) "
        "VALUES ('fast', 'Fast attention', 'fastattention', '[]', false, 'inbox', '2026', '2026')",
    )
    assert schema.upgrade(empty_url)
    engine = open_engine(empty_url)
    with session_scope(engine) as session:
        assert [found.paper_id for found in search.find(session, "attention")] == ["fast"]
    engine.dispose()
    assert check(empty_url) == []


def test_a_migration_that_fails_changes_nothing(fresh_url: str, tmp_path: Path) -> None:
    later = tmp_path / "later"
    shutil.copytree(schema.MIGRATIONS, later)
    number = f"{int(schema.HEAD) + 1:04d}"
    (later / "versions" / f"{number}_later.py").write_text(
        f'from alembic import op\nrevision = "{number}"\ndown_revision = "{schema.HEAD}"\n'
        'def upgrade():\n    op.execute("ALTER TABLE paper ADD stars integer")\n'
        '    op.execute("SELECT * FROM no_such_table")\n'
    )
    with pytest.raises(CatalogError):
        schema.upgrade(fresh_url, migrations=later, head=number)
    assert check(fresh_url) == []


def test_newer_catalogs_and_other_programs_are_left_alone(fresh_url: str, empty_url: str) -> None:
    run_sql(fresh_url, "UPDATE alembic_version SET version_num = '0999'")
    with pytest.raises(NewerSchemaError, match="newer Assay"):
        schema.upgrade(fresh_url)
    run_sql(empty_url, "CREATE TABLE song (title text)")
    with pytest.raises(NotACatalogError, match="createdb"):
        schema.upgrade(empty_url)


def test_a_database_of_another_encoding_is_refused(server: Server) -> None:
    server.execute(
        "CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'"
    )
    try:
        with pytest.raises(NotACatalogError, match="LATIN1"):
            schema.upgrade(server.url("latin"))
    finally:
        server.drop("latin")


def test_no_tables_yet(empty_url: str) -> None:
    engine = open_engine(empty_url)
    assert schema.current_revision(engine) is None
    with pytest.raises(NotSetUpError, match="assay init"), session_scope(engine) as session:
        papers.list_papers(session)
    with pytest.raises(NotSetUpError):
        schema.require_current(engine)
    engine.dispose()
    (problem,) = check(empty_url)
    assert "holds no catalog" in problem.message


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"database": "nowhere"}, "There is no database"),
        ({"username": "nobody"}, "name or the password"),
        ({"query": {"host": "/no/such/folder"}}, "No database server answers"),
        ({"host": "127.0.0.1", "port": 1, "query": {}}, "No database server answers"),
        ({"drivername": "postgresql+psycopg2"}, "begin the URL with postgresql"),
    ],
)
def test_what_keeps_one_out_is_said(change: dict[str, object], words: str, shared: Engine) -> None:
    url = shared.url.set(password="secret", **change)  # type: ignore[arg-type]
    with pytest.raises(UnreachableError, match=words) as caught:
        schema.current_revision(open_engine(url.render_as_string(hide_password=False)))
    assert "secret" not in caught.value.message
    assert "\n" not in caught.value.message


def test_a_wrong_password_is_said() -> None:
    said = (
        'connection failed: connection to server at "10.0.0.1", port 5432 failed: FATAL:  '
        'password authentication failed for user "ann"\nconnection to server at "10.0.0.1", port '
        '5432 failed: FATAL:  no pg_hba.conf entry for host "10.0.0.2", no encryption'
    )
    import psycopg

    error = postgres_errors.as_catalog_error(psycopg.OperationalError(said), "db/assay")
    assert error is not None
    assert "password" in error.message


def test_a_missing_driver_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(UnreachableError, match=re.escape("pip install 'assay[postgres]'")):
        open_engine("postgresql://somewhere/assay")


def test_a_writer_that_waits_too_long_is_told_so_and_readers_do_not_wait(shared: Engine) -> None:
    with session_scope(shared) as session:
        add_paper(session, "first")
        with pytest.raises(LockedError, match="Try again"), session_scope(shared) as other:
            add_paper(other, "second")
        with session_scope(shared) as reader:
            assert papers.list_papers(reader) == []
    with session_scope(shared) as session:
        assert [row.id for row in papers.list_papers(session)] == ["first"]


def test_a_server_that_ends_a_connection_costs_what_was_not_finished(
    shared: Engine, server: Server
) -> None:
    with pytest.raises(UnreachableError, match="was lost"), session_scope(shared) as session:
        add_paper(session, "first")
        name = shared.url.database
        server.execute(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}' "
            "AND state = 'idle in transaction'"
        )
        papers.list_papers(session)
    with session_scope(shared) as session:  # the next connection is a new one
        assert papers.list_papers(session) == []


def test_a_user_who_may_only_read_is_told_so(fresh_url: str, server: Server) -> None:
    run_sql(
        fresh_url,
        "CREATE ROLE reader LOGIN",
        "GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader",
    )
    try:
        engine = open_engine(fresh_url.replace("assay@", "reader@"))
        with session_scope(engine) as session:
            assert papers.list_papers(session) == []
        with pytest.raises(ReadOnlyError, match="right to write"), session_scope(engine) as session:
            add_paper(session)
        engine.dispose()
    finally:
        run_sql(fresh_url, "DROP OWNED BY reader", "DROP ROLE reader")


def test_text_that_postgresql_cannot_hold_is_kept_without_its_nul(shared: Engine) -> None:
    with session_scope(shared) as session:
        add_paper(session, title="Fast\0 attention", abstract="a\0b")
        facts.set_correction(session, "fast", "technique", "x\0y\ud800", "Ann\0", "to see")
        notes.add(session, "fast", "nul \0 here", "Ann")
    with session_scope(shared) as session:
        assert papers.get(session, "fast").title == "Fast\ufffd attention"
        assert facts.effective(session)["fast"]["technique"].value == "x\0y\ud800"
        assert [found.paper_id for found in search.find(session, "attention\0")] == ["fast"]


def test_numbers_go_on_after_a_paper_came_back(shared: Engine) -> None:
    with session_scope(shared) as session:
        add_paper(session)
        notes.add(session, "fast", "keep", "Ann")
    with session_scope(shared) as session:
        packed = removal.pack(session, "fast")
        papers.remove(session, "fast")
    packed["note"][0]["id"] = 7  # as from a catalog that had come further
    with session_scope(shared) as session:
        removal.unpack(session, packed)
        assert {notes.add(session, "fast", f"note {n}", "Ann").id for n in range(2)} == {8, 9}
    with session_scope(shared) as session:
        assert [found.paper_id for found in search.find(session, "paper called")] == ["fast"]


def test_what_was_restored_with_the_triggers_off_is_found(fresh_url: str) -> None:
    run_sql(
        fresh_url,
        "SET session_replication_role = replica",
        "INSERT INTO prototype_link VALUES ('nobody', 'sampling'), ('nobody', 'attention')",
    )
    assert [str(problem) for problem in check(fresh_url)] == [
        "2 rows of prototype_link point to a paper that isn't there."
    ]


def test_words_become_lexemes_with_their_places() -> None:
    assert vector_of("Zoë's 2-bit zoe") == "'zoe':1,5 's':2 '2':3 'bit':4"
    assert query_of([("kv cache", False), ("quant", True)]) == "('kv' <-> 'cache') & ('quant':*)"


def test_texts_beyond_postgresqls_limits_are_searched_as_far_as_it_can(shared: Engine) -> None:
    from db import search_index

    long = "x" * 5000 + " " + " ".join(f"word{n}" for n in range(120_000)) + " same" * 1000
    with session_scope(shared) as session:
        add_paper(session)
        search_index.store_pages(session.connection(), "fast", [(1, long)])
    with session_scope(shared) as session:
        for query in ("x" * 5000 + " ", "word7 ", '"word7 word8"'):
            assert [found.paper_id for found in search.find(session, query)] == ["fast"], query


def test_an_error_that_is_a_bug_stays_one(shared: Engine) -> None:
    with pytest.raises(Exception, match="division") as caught, session_scope(shared) as session:
        session.execute(text("SELECT 1 / 0"))
    assert not isinstance(caught.value, (CatalogError, OperationalError))


def test_keys_sort_as_in_sqlite(shared: Engine) -> None:
    """Keys sort by their bytes, whatever the language of the server is."""
    with session_scope(shared) as session:
        for name in ("b", "B", "_", "a-b", "ab", "é"):
            add_paper(session, name)
    with session_scope(shared) as session:
        found = [row.id for row in papers.list_papers(session)]
        assert found == ["B", "_", "a-b", "ab", "b", "é"]
