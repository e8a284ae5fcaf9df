from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import Engine

from db.check import check
from db.engine import session_scope
from db.errors import NewerSchemaError, NotACatalogError
from db.models import PrototypeLink
from db.queries import jobs, runs
from tests.db.builders import add_claim, add_paper, document, run, url_of


@pytest.fixture
def path(engine: Engine, catalog_path: Path) -> Path:
    with session_scope(engine) as session:
        add_paper(session)
        add_claim(session)
        session.add(PrototypeLink(paper_id="fast", prototype="sampling"))
        runs.import_document(session, document(run()))
        jobs.create(session, kind="benchmark", spec={})
    engine.dispose()
    return catalog_path


def problems(path: Path, *statements: str) -> list[tuple[str, str]]:
    """What `check` finds after somebody wrote past the program."""
    with sqlite3.connect(path) as connection:
        for statement in statements:
            connection.execute(statement)
    found = check(url_of(path), prototypes=["sampling"])
    return [(problem.kind, str(problem)) for problem in found]


def test_a_whole_catalog_has_no_problems(path: Path) -> None:
    assert problems(path) == []


def test_rows_that_point_nowhere_are_counted(path: Path) -> None:
    found = problems(path, "INSERT INTO prototype_link VALUES ('nobody', 'sampling')")
    assert found == [("row", "1 rows of prototype_link point to a paper that isn't there.")]


def test_a_schema_that_drifted_is_named(path: Path) -> None:
    found = problems(path, "ALTER TABLE paper ADD COLUMN stars", "DROP INDEX ix_job_state")
    assert [kind for kind, _ in found] == ["schema", "schema"]
    text = " ".join(message for _, message in found)
    assert "stars" in text
    assert "ix_job_state" in text


def test_speed_that_was_slipped_past_the_gates_is_found(path: Path) -> None:
    record = json.dumps({**run(), "quality_pass": False})
    found = problems(path, "UPDATE run SET record = json('" + record + "')")
    assert len(found) == 1
    assert found[0][0] == "run"
    assert "claims speed" in found[0][1]


def test_a_speedup_that_was_edited_is_found(path: Path) -> None:
    found = problems(path, "UPDATE run SET speedup = 40.0")
    assert [kind for kind, _ in found] == ["run"]


def test_links_and_claims_that_lead_nowhere_are_found(path: Path) -> None:
    record = json.dumps(run(claims=["fast/speed", "fast/gone"]))
    found = problems(
        path,
        "INSERT INTO prototype_link VALUES ('fast', 'imaginary')",
        "UPDATE run SET record = json('" + record + "')",
    )
    assert [kind for kind, _ in found] == ["link", "link"]
    assert "imaginary" in found[0][1]
    assert "fast/gone" in found[1][1]


def test_a_running_job_without_its_runner_is_found(path: Path) -> None:
    found = problems(path, "UPDATE job SET state = 'running', owner = 'dead'")
    assert [kind for kind, _ in found] == ["job"]
    at_work = "INSERT INTO runner VALUES (1, 'dead', 1, 'here', '2026')"
    assert problems(path, at_work) == []


def test_damage_in_the_file_is_found(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA writable_schema=ON")
        # An index that holds the order of another column: what a torn write leaves behind.
        connection.execute(
            "UPDATE sqlite_master SET sql = replace(sql, '(device_id)', '(device_name)') "
            "WHERE name = 'ix_environment_device_id'"
        )
    found = check(url_of(path))
    assert "file" in {problem.kind for problem in found}
    assert "ix_environment_device_id" in " ".join(str(problem) for problem in found)


def test_other_schemas_are_told_apart(path: Path, tmp_path: Path) -> None:
    (problem,) = check(url_of(tmp_path / "empty.db"))
    assert "holds no catalog" in problem.message
    (problem,) = check(_with_revision(path, "0000"))
    assert "assay db upgrade" in problem.message
    with pytest.raises(NewerSchemaError):
        check(_with_revision(path, "0999"))
    (tmp_path / "text.db").write_text("hello " * 1000)
    with pytest.raises(NotACatalogError):
        check(url_of(tmp_path / "text.db"))


def _with_revision(path: Path, revision: str) -> str:
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", [revision])
    return url_of(path)


TRIGGER = "CREATE TRIGGER evil AFTER INSERT ON note BEGIN DELETE FROM correction; END"
REPLACED = "CREATE TRIGGER search_note_insert AFTER INSERT ON note BEGIN DELETE FROM claim; END"


def test_what_assay_did_not_write_is_found(path: Path) -> None:
    found = problems(
        path,
        TRIGGER,
        "DROP TRIGGER search_note_insert",
        REPLACED,
        "CREATE VIEW bare AS SELECT 1",
        f"UPDATE paper SET title = x'ff00', analysis = '{'[' * 5000}', authors = '[1,'",
        "UPDATE claim SET value = 'much'",
    )
    told = "\n".join(sentence for _, sentence in found)
    for named in (
        "trigger that isn't Assay's (evil)", "(search_note_insert)",
        "view that isn't Assay's (bare)", "1 rows of paper hold in authors",
        "1 rows of paper hold in analysis", "paper hold in title", "claim hold in value",
    ):  # fmt: skip
        assert named in told
    assert len(found) == 7
