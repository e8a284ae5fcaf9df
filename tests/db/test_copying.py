"""The catalog into another database: all of it, or nothing; and what can't go over is said."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from db import copy_rows, schema, search_index
from db.check import check
from db.copying import Copied, copy_catalog
from db.engine import open_engine, read_scope, session_scope
from db.errors import CatalogError, NotACatalogError, NotSetUpError, RefusedError, UnreachableError
from db.models import Base, Fact, Job, Run
from db.queries import facts, jobs, notes, papers, runner_lease, runs, search
from tests.conftest import PROJECT
from tests.db.builders import add_claim, add_current, add_paper, document, run, url_of
from tests.postgres_server import Server

pytestmark = pytest.mark.postgres
LOST = {"template": "It was copied.", "params": {}}


@pytest.fixture
def target(server: Server) -> Iterator[str]:
    """An empty database."""
    name = server.database()
    yield server.url(name)
    server.drop(name)


@pytest.fixture
def source(catalog_path: Path) -> Iterator[Engine]:
    """A catalog in SQLite with a little of everything, in odd words and numbers."""
    engine = open_engine(url_of(catalog_path))
    with session_scope(engine) as session:
        add_current(session)
        add_paper(session, title="Fast\0 attention", abstract="量化 of a cache", authors=["Zoë"])
        add_paper(session, "other")
        add_claim(session)
        values: list[Any] = [1.0, "1.0", 7, True, "a\0b\ud800", {"low": 1e300}, None, "[", -0.0]
        for number, value in enumerate(values):
            session.add(Fact(paper_id="fast", reading_id="current", field=f"odd.{number}",
                             value=value, source="seed"))  # fmt: skip
        for number in range(3):
            notes.add(session, "fast", f"note\t{number}\\N\n", "Ann")
        runs.import_document(session, document(run()))
        search_index.store_pages(
            session.connection(), "fast", [(1, "pages of 稀疏 text"), (2, "x")]
        )
        assert runner_lease.runner_acquire(session, "token", pid=1, host="here", stale_after_s=9)
        for kind in ("ended", "running", "waiting"):
            job = jobs.create(session, kind=kind, spec={"of": kind})
            if kind != "waiting":
                jobs.claim(session, job.id, "token")
            if kind == "ended":
                jobs.finish(session, job.id, "token", "succeeded")
    yield engine
    engine.dispose()


def rows(engine: Engine) -> dict[str, list[Any]]:
    """All that is in a catalog, but for the process that works on it and the jobs that it has."""
    with read_scope(engine) as session:
        return {
            table.name: [tuple(row) for row in session.execute(
                table.select().order_by(*table.primary_key.columns))]
            for table in Base.metadata.sorted_tables
            if table.name not in ("runner", "job")
        }  # fmt: skip


def copied(source: Engine, url: str, **options: Any) -> Copied:
    return copy_catalog(source, url, lost=LOST, **options)


def is_empty(url: str) -> bool:
    engine = open_engine(url)
    with engine.connect() as connection:
        found = connection.execute(text("SELECT count(*) FROM pg_tables WHERE schemaname='public'"))
        is_without_tables = found.scalar() == 0
    engine.dispose()
    return is_without_tables


def test_there_and_back(source: Engine, target: str, tmp_path: Path) -> None:
    before = rows(source)
    steps: set[str] = set()
    result = copied(source, target, on_progress=lambda step, done, total: steps.add(step))
    assert rows(source) == before
    assert (result.rows["paper"], result.rows["job"], result.stopped_jobs) == (2, 3, 2)
    assert "index" in steps
    assert check(target) == []
    team = open_engine(target)
    expected = rows(source)
    (paper,) = [row for row in expected["paper"] if row[0] == "fast"]
    at = expected["paper"].index(paper)
    expected["paper"][at] = tuple(
        word.replace("\0", "\ufffd") if isinstance(word, str) else word for word in paper
    )
    assert rows(team) == expected

    back = tmp_path / "back.db"
    assert copied(team, url_of(back)).rows == result.rows
    assert check(url_of(back)) == []
    assert {file.name for file in tmp_path.glob(".back*")} == set()
    file = open_engine(url_of(back))
    assert rows(file) == expected

    for engine in (team, file):
        with session_scope(engine) as session:
            for query in ("稀疏", "attention", "note", "zoe", '"pages of"'):
                assert [hit.paper_id for hit in search.find(session, query)] == ["fast"], query
            states = {job.kind: (job.state, job.message) for job in session.query(Job)}
            assert states["waiting"] == states["running"] == ("lost", LOST)
            assert states["ended"][0] == "succeeded"
            assert session.query(Run).one().speedup == 2.0
            assert facts.effective(session)["fast"]["odd.4"].value == "a\0b\ud800"
            assert notes.add(session, "other", "on goes the count", "Ann").id == 4
        with session_scope(engine) as session:
            papers.remove(session, "fast")
        with session_scope(engine) as session:
            assert search.find(session, "稀疏") == []
        engine.dispose()


def test_only_an_empty_database_is_written_to(
    source: Engine, target: str, catalog_path: Path, postgres_url: str
) -> None:
    copied(source, postgres_url)  # its tables are there already, without a row
    with pytest.raises(RefusedError, match="overwrites nothing"):
        copied(source, postgres_url)
    with pytest.raises(RefusedError, match="exists already"):
        copied(source, url_of(catalog_path))
    with pytest.raises(RefusedError, match="Name the file"):
        copied(source, "sqlite://")
    with pytest.raises(CatalogError, match="another folder"):
        copied(source, url_of(catalog_path.parent / "nowhere" / "copy.db"))
    with pytest.raises(UnreachableError):
        copied(source, "mysql://somewhere/assay")
    other = open_engine(target)
    with other.begin() as connection:
        connection.execute(text("CREATE TABLE song (title text)"))
    with pytest.raises(NotACatalogError, match="another program"):
        copied(source, target)
    with pytest.raises(NotSetUpError):
        copied(other, postgres_url)
    other.dispose()


def test_what_postgresql_cannot_hold_is_named_and_nothing_is_kept(
    source: Engine, target: str
) -> None:
    with source.begin() as connection:
        connection.execute(text("UPDATE search_text SET page = 3000000000 WHERE page = 2"))
    with pytest.raises(RefusedError, match=r"3000000000.*column page"):
        copied(source, target)
    assert is_empty(target)
    with source.begin() as connection:
        connection.execute(text("UPDATE search_text SET page = 3 WHERE page = 3000000000"))
    assert copied(source, target).rows["search_text"] > 2


def test_a_copy_that_lost_something_is_not_kept(
    source: Engine, target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = copy_rows.write

    def lossy(connection: Any, table: Any, rows: Iterator[Any]) -> None:
        put(connection, table, iter(list(rows)[1:] if table.name == "note" else rows))

    def changed(connection: Any, table: Any, rows: Iterator[Any]) -> None:
        put(connection, table, rows)
        if table.name == "claim":
            connection.execute(table.update().values(value=2.0000000001))

    for writes, url in ((lossy, target), (changed, url_of(tmp_path / "copy.db"))):
        monkeypatch.setattr(copy_rows, "write", writes)
        with pytest.raises(CatalogError, match=r"table (note|claim) isn't what was read"):
            copied(source, url)
    assert is_empty(target)
    assert list(tmp_path.glob("*copy.db*")) == []


def test_stopped_or_killed_it_leaves_nothing_and_is_begun_again(
    source: Engine, target: str, catalog_path: Path
) -> None:
    class StopError(Exception):
        pass

    def stop(step: str, done: int, total: int | None) -> None:
        raise StopError

    with pytest.raises(StopError):
        copied(source, target, on_progress=stop)
    assert is_empty(target)
    code = (
        "import os, sys; from db.copying import copy_catalog; from db.engine import open_engine\n"
        "copy_catalog(open_engine(sys.argv[1]), sys.argv[2], lost={}, "
        "on_progress=lambda *_: os.kill(os.getpid(), 9))"
    )
    command = [sys.executable, "-c", code, url_of(catalog_path), target]
    assert subprocess.run(command, cwd=PROJECT, timeout=60).returncode == -signal.SIGKILL
    assert is_empty(target)
    assert str(check(target)[0]).endswith("holds no catalog.")
    assert copied(source, target).rows["paper"] == 2
    assert schema.upgrade(target) is False
