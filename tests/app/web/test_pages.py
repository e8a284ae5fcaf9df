"""Every page on every catalog, in both languages: it draws, and says what there is to say."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine

from app.home import DATABASE_NAME
from tests.app.web.conftest import Open, words

PAGES = ("ranking", "paper", "benchmarks", "report", "add", "jobs", "settings")
CHINESE = {
    "ranking": "排名",
    "paper": "评分",
    "benchmarks": "基准测试",
    "report": "报告",
    "add": "添加论文",
    "jobs": "任务",
    "settings": "设置",
}


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", PAGES)
def test_a_seeded_page_draws(name: str, language: str, seeded: Engine, open_page: Open) -> None:
    page = open_page(name, lang=language)
    assert not page.error
    told = words(page)
    assert told
    assert (CHINESE[name] in told) is (language == "zh")


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", ["ranking", "paper", "report"])
def test_a_page_without_papers_says_where_to_go(
    name: str, language: str, empty: Engine, open_page: Open
) -> None:
    page = open_page(name, lang=language)
    assert not page.error
    expected = {"en": "no papers yet", "zh": "论文库还是空的"}[language]
    assert any(expected in info.value for info in page.info)


@pytest.mark.parametrize("name", ["add", "jobs"])
def test_a_page_without_jobs_says_so(name: str, empty: Engine, open_page: Open) -> None:
    assert len(open_page(name).info) == 1


@pytest.mark.parametrize("name", PAGES)
def test_a_broken_catalog_is_one_sentence(
    name: str, own_home: Path, open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_home.mkdir()
    (own_home / DATABASE_NAME).write_bytes(b"this is no database " * 100)
    page = open_page(name)
    assert len(page.error) == 1
    assert "Traceback" not in page.error[0].value
    assert page.error[0].value.count("\n") == 0


def test_the_first_visit_makes_the_catalog(own_home: Path, open_page: Open) -> None:
    page = open_page()
    assert (own_home / DATABASE_NAME).exists()
    assert len(page.dataframe[0].value) == 10


def test_what_nobody_foresaw_is_one_sentence(
    seeded: Engine, open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("app.web.components.catalog.ranking_of", broken)
    page = open_page()
    assert [("secret" in e.value, "Something went wrong" in e.value) for e in page.error] == [
        (False, True)
    ]


def test_the_language_is_chosen_and_stays(seeded: Engine, open_page: Open) -> None:
    page = open_page()
    assert page.title[0].value == "Ranking"
    page.selectbox(key="language").select("zh").run()
    assert page.title[0].value == "排名"
    assert page.query_params["lang"] in ("zh", ["zh"])
    page.switch_page("views/jobs.py").run()
    assert page.title[0].value == "任务"
    page.selectbox(key="language").select("en").run()
    assert page.title[0].value == "Jobs"


def test_an_unknown_language_reads_english(seeded: Engine, open_page: Open) -> None:
    assert open_page(lang="xx").title[0].value == "Ranking"
