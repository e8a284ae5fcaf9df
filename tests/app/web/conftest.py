from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine
from streamlit.testing.v1 import AppTest

from app.home import DATABASE_NAME
from db import schema
from db.engine import open_engine, session_scope
from tests.app.run_documents import document, run
from tests.app.web.measured_catalog import HOSTILE, measured, no_runner
from tests.conftest import PROJECT, copied

ENTRY = PROJECT / "app" / "web" / "main.py"

__all__ = ["HOSTILE", "measured", "no_runner"]

Open = Callable[..., AppTest]


@pytest.fixture(autouse=True)
def fresh_caches() -> Iterator[None]:
    """The caches outlive an AppTest: another test's catalog must not answer."""
    import streamlit as st

    st.cache_data.clear()
    st.cache_resource.clear()
    yield
    st.cache_data.clear()
    st.cache_resource.clear()


@pytest.fixture(scope="session")
def seeded_file(seed_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalog file with the ten papers and one measured run of sampling on a CPU."""
    from app.workflows.triage import rescore
    from db.queries import runs

    path = copied(seed_file, tmp_path_factory.mktemp("seeded"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ASSAY_HOME", str(path.parent))
        engine = open_engine(f"sqlite:///{path}")
        with session_scope(engine) as session:
            runs.import_document(session, document(run("b8-v128256-k0")))
            rescore(session, {"kind": "run", "ref": "test"})
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        engine.dispose()
    return path


@pytest.fixture
def seeded(seeded_file: Path, own_home: Path) -> Engine:
    """The seeded catalog in this test's own data folder."""
    return open_engine(f"sqlite:///{copied(seeded_file, own_home)}")


@pytest.fixture
def empty(own_home: Path) -> Engine:
    """A catalog without any paper."""
    own_home.mkdir(exist_ok=True)
    url = f"sqlite:///{own_home / DATABASE_NAME}"
    schema.upgrade(url)
    return open_engine(url)


@pytest.fixture
def open_page() -> Open:
    """Opens a page of the workbench, with the parameters of its address."""

    def opened(name: str = "ranking", **parameters: str) -> AppTest:
        page = AppTest.from_file(str(ENTRY), default_timeout=30)
        for key, value in parameters.items():
            page.query_params[key] = value
        page.run()
        if name != "ranking":
            for key, value in parameters.items():
                page.query_params[key] = value
            page.switch_page(f"views/{name}.py").run()
        assert not page.exception, page.exception
        return page

    return opened


def words(page: AppTest) -> str:
    """Everything that a page says in Markdown, headings, captions and messages."""
    kinds = ("title", "header", "subheader", "markdown", "caption", "info", "success", "text")
    told = [element.value for kind in kinds for element in getattr(page, kind)]
    told += [element.value for element in (*page.error, *page.warning)]
    told += [f"{metric.label} {metric.value} {metric.delta}" for metric in page.metric]
    return "\n".join(map(str, told))
