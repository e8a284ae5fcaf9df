"""A backup of a catalog in PostgreSQL: made, restored elsewhere, and why it can't be made."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from db.backup import backup
from db.check import check
from db.engine import open_engine, place_of, session_scope
from db.errors import CatalogError, NoSpaceError, RefusedError
from db.queries import search
from tests.db.builders import add_paper
from tests.postgres_server import Server

pytestmark = pytest.mark.postgres


@pytest.fixture
def shared(postgres_url: str) -> Iterator[Engine]:
    engine = open_engine(postgres_url)
    yield engine
    engine.dispose()


@pytest.fixture
def empty_url(server: Server) -> Iterator[str]:
    name = server.database()
    yield server.url(name)
    server.drop(name)


def test_a_backup_is_restored_elsewhere(shared: Engine, tmp_path: Path, empty_url: str) -> None:
    with session_scope(shared) as session:
        add_paper(session, title="Fast attention")
    made = backup(shared, tmp_path)
    assert (made.suffix, [file.name for file in tmp_path.iterdir()]) == (".dump", [made.name])
    with pytest.raises(CatalogError, match="overwrites nothing"):
        backup(shared, made)
    into = f"--dbname={place_of(open_engine(empty_url))}"
    subprocess.run(["pg_restore", "--no-owner", into, str(made)], check=True)
    assert check(empty_url) == []
    engine = open_engine(empty_url)
    with session_scope(engine) as session:
        assert [found.paper_id for found in search.find(session, "attention")] == ["fast"]
        add_paper(session, "later")
    engine.dispose()


@pytest.mark.parametrize(
    ("script", "kind", "words"),
    [
        (None, RefusedError, "not installed here"),
        ("echo 'pg_dump: error: aborting because of server version mismatch' >&2; exit 1",
         RefusedError, "older than the server"),
        ("echo 'pg_dump: error: could not write: No space left on device' >&2; exit 1",
         NoSpaceError, "No space left"),
        ("echo half > \"${3#--file=}\"; kill -9 $$", CatalogError, "Nothing was kept"),
    ],
)  # fmt: skip
def test_a_backup_that_cannot_be_made_says_why(
    shared: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    script: str | None, kind: type[CatalogError], words: str,
) -> None:  # fmt: skip
    programs = tmp_path / "programs"
    programs.mkdir()
    if script is not None:
        (programs / "pg_dump").write_text(f"#!/bin/sh\n{script}\n")
        (programs / "pg_dump").chmod(0o755)
    monkeypatch.setenv("PATH", str(programs))
    target = tmp_path / "my copy.dump"
    with pytest.raises(kind, match=words) as caught:
        backup(shared, target)
    if kind is RefusedError:
        assert f"pg_dump --format=custom '--file={target}'" in caught.value.message
        assert place_of(shared) in caught.value.message
    assert [file.name for file in tmp_path.iterdir()] == ["programs"]
