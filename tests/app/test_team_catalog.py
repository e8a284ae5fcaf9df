"""The commands on a team's catalog in PostgreSQL: set up, examined, checked, backed up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.workflows.data_folder import back_up, backups
from app.workflows.doctor import examine
from app.workflows.opening import open_catalog
from tests.app.conftest import Assay
from tests.conftest import PROJECT, copied
from tests.postgres_server import Server

pytestmark = [pytest.mark.postgres, pytest.mark.usefixtures("closed_engines")]


@pytest.fixture
def team(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An empty database, whose address with a password is what the commands are given."""
    name = server.database()
    url = server.url(name).replace("assay@", "assay:secret@")
    monkeypatch.setenv("ASSAY_DATABASE_URL", url)
    yield url
    server.drop(name)


def test_from_an_empty_database_to_a_ranking(team: str, assay: Assay, tmp_path: Path) -> None:
    refused = assay("list")
    assert (refused.status, "assay init" in refused.err) == (1, True)
    made = assay("init")
    assert made.status == 0, made.err
    assert "Created the catalog postgresql://assay@/" in made.err
    assert "secret" not in made.out + made.err
    assert "int_flash" in assay("list").out
    assert assay("db", "upgrade").out == "The catalog is up to date.\n"
    assert assay("db", "check").out == "The catalog is whole.\n"
    told = assay("db", "backup", str(tmp_path / "team.dump"))
    assert (told.status, told.out) == (0, f"{tmp_path / 'team.dump'}\n")
    assert [name for name, _ in backups()] == []
    assert back_up(open_catalog()).suffix == ".dump"
    assert [name.endswith(".dump") for name, _ in backups()] == [True]
    there = assay("db", "copy", "--to", team)
    assert (there.status, "holds a catalog already" in there.err) == (1, True)
    back = assay("db", "copy", "--to", str(tmp_path / "mine.db"))
    assert back.status == 0, back.err
    assert "Copied 10 papers" in back.out
    assert f"to {tmp_path / 'mine.db'}" in back.out
    findings = {finding.name: finding for finding in examine()}
    assert "sqlite" not in findings
    assert all(findings[name].good for name in ("catalog", "postgres"))
    assert "secret" not in str(findings["catalog"].text)


def test_from_one_file_to_a_server_as_the_page_says(
    server: Server, seed_file: Path, own_home: Path, assay: Assay, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied(seed_file, own_home)
    page = (PROJECT / "docs" / "catalog.md").read_text(encoding="utf-8")
    script = page.split("<!-- from one file to a server -->\n```\n")[1].split("```")[0]
    name = server.database()  # by the page's createdb
    try:
        for line in script.splitlines()[1:]:
            words = line.replace("postgresql+psycopg://assay@db.example:5432/assay", "URL").split()
            words = [word.replace("URL", server.url(name)) for word in words]
            if words[0] == "export":
                monkeypatch.setenv(*words[1].split("=", 1))
                continue
            told = assay(*words[1:])
            assert told.status == 0, (line, told.err)
        assert "int_flash" in told.out
    finally:
        server.drop(name)


def test_a_server_that_is_not_there_is_one_sentence(
    assay: Assay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSAY_DATABASE_URL", "postgresql://ann:secret@127.0.0.1:1/assay")
    told = assay("list")
    assert (told.status, told.out) == (1, "")
    assert "No database server answers at postgresql://ann@127.0.0.1:1/assay" in told.err
    assert "secret" not in told.err
    assert len(told.err.splitlines()) == 1
    findings = {finding.name: finding for finding in examine()}
    assert not findings["postgres"].good
    assert not findings["catalog"].good
