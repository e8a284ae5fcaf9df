"""Nothing a test does touches the user's own catalog."""

from __future__ import annotations

from pathlib import Path

import pytest

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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip by capability, in one place, with the reason."""
    if not CORPUS.is_dir():
        skip = pytest.mark.skip(reason="the paper corpus isn't beside this checkout")
        for item in items:
            if "corpus" in item.keywords:
                item.add_marker(skip)
