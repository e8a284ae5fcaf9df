from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import Engine, event, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from db.engine import open_engine, read_scope, session_scope
from db.errors import (
    CatalogError,
    LockedError,
    NoSpaceError,
    NotACatalogError,
    NotSetUpError,
    ReadOnlyError,
)
from db.queries import counters, papers
from tests.db.builders import add_paper, url_of


@pytest.mark.sqlite
def test_the_settings_that_let_processes_share_the_file(engine: Engine) -> None:
    with engine.connect() as connection:
        found = {
            name: connection.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert found == {"journal_mode": "wal", "synchronous": 1, "foreign_keys": 1}


def test_a_locked_catalog_says_so_and_loses_nothing(engine: Engine, catalog_path: Path) -> None:
    other = sqlite3.connect(catalog_path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(LockedError, match="Try again"), session_scope(engine) as session:
        add_paper(session)
    with session_scope(engine) as session:
        assert papers.list_papers(session) == []  # reading goes on meanwhile
    other.execute("COMMIT")
    other.close()
    with session_scope(engine) as session:
        add_paper(session)


def test_a_full_disk_says_so_and_leaves_the_catalog_whole(catalog_path: Path) -> None:
    engine = open_engine(url_of(catalog_path))

    @event.listens_for(engine, "connect")
    def _no_more_pages(connection: sqlite3.Connection, _record: object) -> None:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count={pages + 1}")

    with pytest.raises(NoSpaceError, match="disk space"), session_scope(engine) as session:
        add_paper(session, abstract="long " * 10_000)
    with session_scope(engine) as session:
        assert papers.list_papers(session) == []
        assert session.execute(text("PRAGMA integrity_check")).scalar() == "ok"
    engine.dispose()


def test_a_read_only_catalog_says_so(catalog_path: Path) -> None:
    engine = open_engine(f"sqlite:///file:{catalog_path}?mode=ro&uri=true")
    with pytest.raises(ReadOnlyError, match="permissions"), session_scope(engine) as session:
        add_paper(session)
    engine.dispose()


def test_a_file_without_tables_says_what_to_type(tmp_path: Path) -> None:
    engine = open_engine(url_of(tmp_path / "empty.db"))
    with pytest.raises(NotSetUpError, match="assay init"), session_scope(engine) as session:
        papers.list_papers(session)
    engine.dispose()


def test_a_damaged_file_says_so(catalog_path: Path) -> None:
    catalog_path.write_bytes(b"\x00garbage" * 2000)
    engine = open_engine(url_of(catalog_path))
    with pytest.raises(NotACatalogError, match="backup"), session_scope(engine) as session:
        papers.list_papers(session)
    engine.dispose()


def test_a_broken_constraint_stays_visible_as_a_bug(engine: Engine) -> None:
    with pytest.raises(IntegrityError), session_scope(engine) as session:
        session.execute(text("INSERT INTO prototype_link VALUES ('nobody', 'sampling')"))


def test_an_error_undoes_the_whole_session(engine: Engine) -> None:
    with pytest.raises(CatalogError, match="odd"), session_scope(engine) as session:
        add_paper(session)
        raise CatalogError("something {what}", what="odd")
    with session_scope(engine) as session:
        assert papers.list_papers(session) == []
        assert counters.read(session) == 0


def test_a_read_scope_sees_one_moment(engine: Engine) -> None:
    with read_scope(engine) as reader:
        assert papers.list_papers(reader) == []
        with session_scope(engine) as writer:
            add_paper(writer)
        assert papers.list_papers(reader) == []
    with read_scope(engine) as reader:
        assert len(papers.list_papers(reader)) == 1
        add_paper(reader, "dropped")
    with read_scope(engine) as reader:
        assert len(papers.list_papers(reader)) == 1


def test_counters_count(session: Session) -> None:
    assert counters.read(session, "catalog") == 0
    assert [counters.bump(session), counters.bump(session), counters.bump(session, "jobs")] == [
        1,
        2,
        1,
    ]
    assert counters.read(session) == 2


def test_an_error_carries_its_template_for_other_languages() -> None:
    error = CatalogError("There is no {thing}.", thing="paper")
    assert (error.template, error.params) == ("There is no {thing}.", {"thing": "paper"})
    assert error.message == str(error) == "There is no paper."
