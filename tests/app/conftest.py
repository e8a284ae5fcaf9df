from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from app.workflows.opening import create_catalog


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


@pytest.fixture
def catalog(own_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """The seed catalog without any run."""
    nothing = tmp_path / "no-results"
    nothing.mkdir()
    monkeypatch.setattr("app.workflows.opening.SHIPPED_RUNS", nothing)
    engine, _ = create_catalog()
    return engine
