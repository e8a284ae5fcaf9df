"""Nothing a test does touches the user's own catalog."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import postgres_server
from tests.postgres_server import TEMPLATE, Server

PROJECT = Path(__file__).parents[1]
CORPUS = PROJECT.parent / "shared" / "corpus"


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test has a data folder of its own, and no network address of arXiv."""
    home = tmp_path / "home"
    monkeypatch.setenv("ASSAY_HOME", str(home))
    monkeypatch.delenv("ASSAY_DATABASE_URL", raising=False)
    # Nobody listens there: a test that would reach the real service fails at once.
    monkeypatch.setenv("ASSAY_ARXIV_URL", "http://127.0.0.1:9/api/query")
    return home


@pytest.fixture(scope="session")
def seed_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalog in SQLite that holds the seed without any run, to be copied: made once."""
    return _made(tmp_path_factory.mktemp("seed"), with_runs=False)


@pytest.fixture(scope="session")
def shipped_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalog in SQLite as `assay init` makes it, to be copied: made once."""
    return _made(tmp_path_factory.mktemp("shipped"), with_runs=True)


def _made(home: Path, *, with_runs: bool) -> Path:
    from app.home import DATABASE_NAME
    from app.workflows.opening import create_catalog

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ASSAY_HOME", str(home))
        patch.delenv("ASSAY_DATABASE_URL", raising=False)
        if not with_runs:
            patch.setattr("app.workflows.opening.SHIPPED_RUNS", home / "none")
        engine, _ = create_catalog()
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return home / DATABASE_NAME


def copied(catalog: Path, home: Path) -> Path:
    """Copy a catalog's file into a data folder; return the copy."""
    home.mkdir(exist_ok=True)
    return shutil.copyfile(catalog, home / catalog.name)


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A PostgreSQL server with an empty catalog to be copied; the test is skipped without one."""
    from db import schema

    reason = postgres_server.missing()
    if reason:
        postgres_server.skip_or_fail(reason)
    with postgres_server.running_server() as running:
        running.execute(f"CREATE DATABASE {TEMPLATE} TEMPLATE template0 STRATEGY file_copy")
        schema.upgrade(running.url(TEMPLATE))
        yield running


@pytest.fixture
def postgres_url(server: Server) -> Iterator[str]:
    """The URL of an empty catalog in PostgreSQL; a test may not change its tables."""
    yield server.url(server.shared())
    server.clean()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run tests on both databases: those of the catalog, and those marked so.

    Tests that look into SQLite's file run on that alone.
    """
    marks = {mark.name for mark in metafunc.definition.iter_markers()}
    is_wanted = "both" in marks or (PROJECT / "tests" / "db") in metafunc.definition.path.parents
    is_possible = "sqlite" not in marks and "catalog_path" not in metafunc.fixturenames
    if "backend" in metafunc.fixturenames and is_wanted and is_possible:
        postgres = pytest.param("postgresql", marks=pytest.mark.postgres)
        metafunc.parametrize("backend", ["sqlite", postgres], indirect=True)


@pytest.fixture
def backend(request: pytest.FixtureRequest) -> str:
    """The database of the test: sqlite or postgresql."""
    return str(getattr(request, "param", "sqlite"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip by capability, in one place, with the reason."""
    if not CORPUS.is_dir():
        skip = pytest.mark.skip(reason="the paper corpus isn't beside this checkout")
        for item in items:
            if "corpus" in item.keywords:
                item.add_marker(skip)
