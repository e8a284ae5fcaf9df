"""What the ranking says to somebody who has just begun."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine

from tests.app.web.conftest import Open, words


@pytest.mark.parametrize("language", ["en", "zh"])
def test_an_empty_catalog_is_filled_by_a_click(
    language: str, empty: Engine, open_page: Open
) -> None:
    page = open_page(lang=language)
    told = words(page).replace("\\", "")
    steps = {"en": ("1. Load", "2. Add", "3. Measure"), "zh": ("1. 载入", "2. 添加", "3. 实测")}
    assert all(step in told for step in steps[language])
    assert len(page.get("page_link")) == 2
    page.button(key="load-seed").click().run()
    assert not page.error
    assert len(page.dataframe[0].value) == 10
    told = words(page).replace("\\", "")
    assert ("Papers in the catalog: 10" in told) is (language == "en")


def test_the_ten_papers_alone_are_not_the_end(seeded: Engine, open_page: Open) -> None:
    from db.engine import session_scope
    from db.queries import papers

    page = open_page()
    assert len(page.get("page_link")) == 2
    assert "First steps" in words(page)
    with session_scope(seeded) as session:
        papers.add(session, title="One of my own", arxiv_id="2401.00001", read="record")
        from app.workflows.triage import rescore

        rescore(session, {"kind": "analysis", "ref": "test"})
    page = open_page()
    assert "First steps" not in words(page)
