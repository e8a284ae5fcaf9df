from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from sqlalchemy import Engine

from db.backup import backup
from db.check import check
from db.engine import open_engine, session_scope
from db.errors import CatalogError, NotSetUpError
from db.parts import new_part
from db.queries import papers
from tests.conftest import PROJECT
from tests.db.builders import add_paper, url_of

pytestmark = pytest.mark.sqlite  # PostgreSQL has its own backups


@pytest.fixture
def filled(engine: Engine) -> Engine:
    with session_scope(engine) as session:
        add_paper(session)
    return engine


def titles(path: Path) -> list[str]:
    engine = open_engine(url_of(path))
    with session_scope(engine) as session:
        found = [row.title for row in papers.list_papers(session)]
    engine.dispose()
    return found


def test_a_backup_is_a_whole_catalog_in_one_file(filled: Engine, tmp_path: Path) -> None:
    target = backup(filled, tmp_path / "copy.db")
    assert target == tmp_path / "copy.db"
    assert {path.name for path in tmp_path.glob("*copy.db*")} == {"copy.db"}
    with sqlite3.connect(target) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    assert titles(target) == ["The paper called fast"]
    assert check(url_of(target)) == []


def test_what_a_killed_process_left_is_deleted(filled: Engine, tmp_path: Path) -> None:
    killed = (
        "import os, signal\n"
        "from pathlib import Path\n"
        "from db.parts import new_part\n"
        "new_part(Path('copy.db').absolute()), new_part(Path('other.db').absolute())\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    environment = {"PYTHONPATH": str(PROJECT)}
    subprocess.run([sys.executable, "-c", killed], cwd=tmp_path, env=environment)
    left = [file for file in tmp_path.iterdir() if file.suffix == ".part"]
    assert len(left) == 2
    left[0].with_name(f"{left[0].name}-wal").touch()
    ours = left[0].name.split(".")[-2].partition("-")[0]
    elsewhere = tmp_path / left[0].name.replace(ours, "0" * 8)
    kept = {tmp_path / ".mine.part", new_part(tmp_path / "copy.db"), elsewhere}
    for file in kept:
        file.touch()
    backup(filled, tmp_path / "copy.db")
    found = {file for file in tmp_path.iterdir() if file.name.startswith(".")}
    assert found == kept, "another's at work here, another machine's, another program's"


def test_a_folder_gets_a_dated_file(filled: Engine, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    assert backup(filled, folder).name.startswith("assay-20")
    assert len(list(folder.iterdir())) == 1


def test_nothing_is_overwritten(filled: Engine, tmp_path: Path) -> None:
    target = tmp_path / "precious.txt"
    target.write_text("precious")
    with pytest.raises(CatalogError, match="overwrites nothing"):
        backup(filled, target)
    assert target.read_text() == "precious"


def test_a_folder_that_is_not_there_is_named(filled: Engine, tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="another folder"):
        backup(filled, tmp_path / "nowhere" / "copy.db")


def test_no_catalog_no_backup(tmp_path: Path) -> None:
    engine = open_engine(url_of(tmp_path / "empty.db"))
    with pytest.raises(NotSetUpError, match="nothing to back up"):
        backup(engine, tmp_path / "copy.db")
    assert not (tmp_path / "copy.db").exists()
    engine.dispose()


def test_a_failed_backup_leaves_nothing_behind(
    filled: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, other: Path) -> None:
        raise OSError(28, "No space left on device")

    folder = tmp_path / "backups"
    folder.mkdir()
    monkeypatch.setattr(Path, "hardlink_to", full)
    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(CatalogError, match="No space left"):
        backup(filled, folder)
    assert list(folder.iterdir()) == []


def test_a_file_system_without_links_works_too(
    filled: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsupported(self: Path, other: Path) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(Path, "hardlink_to", unsupported)
    assert titles(backup(filled, tmp_path / "copy.db")) == ["The paper called fast"]


def test_writing_goes_on_during_a_backup(filled: Engine, tmp_path: Path) -> None:
    stop = threading.Event()
    written = []

    def write() -> None:
        while not stop.is_set():
            with session_scope(filled) as session:
                written.append(add_paper(session, f"p{len(written)}", abstract="x" * 5000).id)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        copies = [backup(filled, tmp_path / f"{n}.db") for n in range(3)]
    finally:
        stop.set()
        writer.join()
    assert written
    for copy in copies:
        assert check(url_of(copy)) == []


def test_restoring_is_copying_back(filled: Engine, catalog_path: Path, tmp_path: Path) -> None:
    copy = backup(filled, tmp_path / "copy.db")
    with session_scope(filled) as session:
        papers.remove(session, "fast")
    filled.dispose()
    catalog_path.write_bytes(copy.read_bytes())
    for suffix in ("-wal", "-shm"):
        catalog_path.with_name(catalog_path.name + suffix).unlink(missing_ok=True)
    assert titles(catalog_path) == ["The paper called fast"]
