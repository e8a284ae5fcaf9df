"""Settings: the engine seen, tried, changed and undone; the data folder; what the doctor finds."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine
from streamlit.testing.v1 import AppTest

from app import home
from app.workflows import settings, target_files
from app.workflows.targets import show_target
from tests.app.web.conftest import Open, words


def field(page: AppTest, name: str) -> str:
    return next(n.key for n in page.number_input if n.key.endswith(f"-{name}"))


def text(page: AppTest, ending: str) -> str:
    return next(n.key for n in page.text_input if n.key.endswith(ending))


def press(page: AppTest, label: str) -> AppTest:
    return next(b for b in page.button if b.label == label).click().run()


def test_a_change_is_tried_kept_and_undone(seeded: Engine, open_page: Open) -> None:
    page = open_page("settings")
    assert not page.table
    page.number_input(key=field(page, "devices.datacentre_gpu")).set_value(1.0).run()
    tried = page.table[0].value
    assert len(tried) == 5
    assert "→" in "".join(map(str, tried["Score"]))
    assert not target_files.own_path("llama.cpp").exists()
    press(page, "Save the change")
    assert "needs a reason" in page.error[0].value
    page.text_input(key=text(page, "-why")).input("we serve too")
    page.text_input(key=text(page, "-who")).input("Ada")
    press(page, "Save the change")
    assert not page.error
    assert "The change is saved" in words(page)
    edits = show_target("llama.cpp")["edits"]
    assert [(e["who"], e["why"]) for e in edits] == [("Ada", "we serve too")]
    log = page.table[-1].value.iloc[0]
    assert (log["Who"], log["Why"]) == ("Ada", "we serve too")
    assert "GPU \\= 1, before\\: 0\\.25" in log["What"]
    press(page, "Undo the last edit (1)")
    assert not page.error
    assert not target_files.own_path("llama.cpp").exists()


def test_a_share_that_can_t_be_is_one_sentence(seeded: Engine, open_page: Open) -> None:
    page = open_page("settings", lang="zh")
    page.number_input(key=field(page, "shares.decode")).set_value(0.9).run()
    assert len(page.error) == 1
    assert "的各部分合计 1\\.4" in page.error[0].value
    assert not any(b.label == "保存修改" for b in page.button)


def test_what_the_engine_has_needs_evidence(seeded: Engine, open_page: Open) -> None:
    page = open_page("settings")
    paper = next(s for s in page.selectbox if s.key.endswith("-paper"))
    paper.select("marlin").run()
    state = next(s for s in page.selectbox if s.key.endswith("-marlin-state"))
    state.select("merged").run()
    assert "already there" in " ".join(map(str, page.table[0].value["Recommendation"])) or any(
        "MARLIN" in c.value for c in page.caption
    )
    page.text_input(key=text(page, "-why")).input("landed")
    press(page, "Save the change")
    assert "needs evidence" in page.error[0].value
    page.text_input(key=text(page, "-evidence")).input("PR 5 https://example.org/5").run()
    press(page, "Save the change")
    assert not page.error
    entry = show_target("llama.cpp")["engine"][-1]
    assert (entry["paper"], entry["state"]) == ("marlin", "merged")
    assert entry["evidence"] == [{"text": "PR 5", "url": "https://example.org/5"}]


def test_an_engine_of_one_s_own_is_made_and_used(seeded: Engine, open_page: Open) -> None:
    page = open_page("settings", engine="vllm")
    page.text_input(key="target-new-name").input("ours")
    press(page, "Create it")
    assert not page.error
    assert page.query_params["engine"] in ("ours", ["ours"])
    press(page, "Use this engine")
    assert settings.default_target() == "ours"
    assert next(b for b in page.button if b.label == "In use").disabled
    press(page, "Undo the last edit (1)")
    assert "engine in use" in page.error[0].value
    page.switch_page("views/ranking.py").run()
    assert page.selectbox(key="target").value == "ours"
    assert not page.error


def test_a_broken_file_can_be_undone_here(seeded: Engine, open_page: Open) -> None:
    page = open_page("settings")
    page.number_input(key=field(page, "devices.cpu")).set_value(0.5).run()
    page.text_input(key=text(page, "-why")).input("so")
    press(page, "Save the change")
    target_files.own_path("llama.cpp").write_text("shares = [", encoding="utf-8")
    page.run()
    assert len(page.error) == 1
    assert "can't be used" in page.error[0].value.replace("\\", "")
    press(page, "Undo the last edit (1)")
    assert not page.error


def test_the_catalog_is_backed_up_and_the_language_kept(seeded: Engine, open_page: Open) -> None:
    page = open_page("settings", show="data")
    assert str(home.data_folder()) in page.code[0].value
    assert "catalog" in list(page.table[0].value["What"])
    page.button(key="backup").click().run()
    assert not page.error
    [made] = home.backups_folder().glob("assay-*.db")
    assert made.stat().st_size > 100_000
    page.selectbox(key="usual-language").select("zh").run()
    assert page.title[0].value == "设置"
    assert settings.settings().language == "zh"
    assert open_page("ranking").title[0].value == "排名"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_doctor_says_what_to_do(
    language: str, seeded: Engine, open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page("settings", show="machine", lang=language)
    assert not page.code
    assert len(page.success) == 1
    monkeypatch.setattr("app.workflows.doctor.PACKAGES", ("streamlit", "no-such-package"))
    monkeypatch.setattr("app.workflows.doctor.ENOUGH_GB", 1e9)
    page.button(key="doctor-again").click().run()
    assert [code.value.split()[0] for code in page.code] == ["make", "rm"]
    told = words(page)
    assert "no\\-such\\-package" in told
    assert ("Install what is missing" in told) is (language == "en")
    assert ("待处理" in told) is (language == "zh")


def test_a_setting_s_file_that_can_t_be_written_is_one_sentence(
    seeded: Engine, open_page: Open, own_home: Path
) -> None:
    (own_home / settings.FILE).mkdir()
    page = open_page("settings", engine="vllm")
    press(page, "Use this engine")
    assert len(page.error) == 1
    assert "can't be written" in page.error[0].value.replace("\\", "")
    assert settings.default_target() == "llama.cpp"
