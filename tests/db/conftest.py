from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from db import schema
from db.engine import open_engine, session_scope
from tests.db.builders import url_of


@pytest.fixture(scope="session")
def empty_catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalog made by the migrations, to be copied: they run once for all tests."""
    path = tmp_path_factory.mktemp("catalog") / "empty.db"
    schema.upgrade(url_of(path))
    return path


@pytest.fixture
def catalog_path(empty_catalog: Path, tmp_path: Path) -> Path:
    return shutil.copyfile(empty_catalog, tmp_path / "assay.db")


@pytest.fixture
def catalog_url(backend: str, request: pytest.FixtureRequest) -> str:
    """An empty catalog on the test's database."""
    if backend == "postgresql":
        return str(request.getfixturevalue("postgres_url"))
    return url_of(request.getfixturevalue("catalog_path"))


@pytest.fixture
def engine(catalog_url: str) -> Iterator[Engine]:
    engine = open_engine(catalog_url, busy_timeout_ms=300)
    yield engine
    engine.dispose()


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    with session_scope(engine) as session:
        yield session
