from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from db.engine import session_scope
from tests.app.reports import small_catalog


@pytest.fixture
def small(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """A catalog of three papers; versions that change with every release are held still."""
    monkeypatch.setattr("app.workflows.report_basis._program", lambda: "1.2.3")
    monkeypatch.setattr("app.reports.origin.HEAD", "0001")
    return small_catalog.build(own_home)


@pytest.fixture
def session(small: Engine) -> Iterator[Session]:
    with session_scope(small) as session:
        yield session
