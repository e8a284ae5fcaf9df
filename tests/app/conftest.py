from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine

from app.workflows.opening import create_catalog, open_catalog
from tests.conftest import copied
from tests.postgres_server import TEMPLATE, Server


@dataclass
class Output:
    """What a command printed, and its exit status."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Assay = Callable[..., Output]


@pytest.fixture
def assay(monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> Assay:
    """Runs a command of `assay` in this process."""

    def run(*arguments: str) -> Output:
        from app.cli import main

        monkeypatch.setattr(sys, "argv", ["assay", *arguments])
        capfdbinary.readouterr()
        status = 0
        try:
            main()
        except SystemExit as stop:
            status = stop.code if isinstance(stop.code, int) else 1
        captured = capfdbinary.readouterr()
        return Output(status, captured.out.decode(), captured.err.decode())

    return run


@pytest.fixture(scope="session")
def seeded(server: Server, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a database in PostgreSQL that holds the seed without any run, to be copied."""
    folder = tmp_path_factory.mktemp("seeded")
    name = server.database(TEMPLATE)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("ASSAY_HOME", str(folder))
        patched.setenv("ASSAY_DATABASE_URL", server.url(name))
        patched.setattr("app.workflows.opening.SHIPPED_RUNS", folder)
        engine, _ = create_catalog()
    engine.dispose()
    return name


@pytest.fixture
def closed_engines(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Closes what commands leave to the end of their process, which here is the tests'."""
    opened: list[Engine] = []

    def noted(*arguments: Any, **options: Any) -> Engine:
        opened.append(create_engine(*arguments, **options))
        return opened[-1]

    monkeypatch.setattr("db.postgres.create_engine", noted)
    yield
    for engine in opened:
        engine.dispose()


@pytest.fixture
def catalog(
    backend: str,
    own_home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> Iterator[Engine]:
    """The seed catalog without any run."""
    nothing = tmp_path / "no-results"
    nothing.mkdir()
    monkeypatch.setattr("app.workflows.opening.SHIPPED_RUNS", nothing)
    if backend == "sqlite":
        copied(request.getfixturevalue("seed_file"), own_home)
        yield open_catalog()
        return
    server = request.getfixturevalue("server")
    name = server.database(request.getfixturevalue("seeded"))
    monkeypatch.setenv("ASSAY_DATABASE_URL", server.url(name))
    request.getfixturevalue("closed_engines")
    yield open_catalog()
    server.drop(name)
