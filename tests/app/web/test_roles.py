"""What each role sees and may do on the pages; that whatever was done has a name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sqlalchemy import Engine

from app.errors import AssayError
from app.web.components import access
from app.workflows.paper import show_paper
from db.engine import session_scope
from db.queries import actions, jobs
from tests.app.test_team import TEAM
from tests.app.web.conftest import Open, words
from tests.conftest import PROJECT

PAGES = ("ranking", "paper", "inbox", "benchmarks", "report", "add", "jobs", "settings")


class Login:
    """Says who looks, as the header of a trusted proxy would."""

    def __init__(self) -> None:
        self.name = ""

    def __call__(self, members: object) -> str:
        return self.name


@pytest.fixture
def login(own_home: Path, seeded: Engine, monkeypatch: pytest.MonkeyPatch) -> Login:
    """A workbench for a team over the seeded catalog."""
    (own_home / "team.toml").write_text(TEAM)
    monkeypatch.setenv("ASSAY_TEAM", str(own_home / "team.toml"))
    monkeypatch.setattr("app.jobs.client.ensure_runner", lambda engine: False)
    known = Login()
    monkeypatch.setattr(access, "_name", known)
    return known


def test_who_is_not_of_the_team_sees_nothing(login: Login, open_page: Open) -> None:
    login.name = "eve@evil.example"
    page = open_page()
    assert not page.dataframe
    assert "eve@evil.example is not of this workbench" in page.error[0].value.replace("\\", "")
    page.switch_page("views/paper.py").run()
    assert not page.subheader and len(page.error) == 1


@pytest.mark.parametrize("language", ["en", "zh"])
def test_who_may_read_is_offered_nothing_else(login: Login, open_page: Open, language: str) -> None:
    login.name = "eve@example.org"
    offered: set[str] = set()
    page = open_page(lang=language)
    for name in PAGES:
        page.switch_page(f"views/{name}.py").run()
        assert not page.exception and not page.error, name
        offered |= {button.key or button.label for button in page.button if not button.disabled}
        assert "eve@example.org" in words(page).replace("\\", "")
    page.query_params["view"] = "notes"
    page.switch_page("views/paper.py").run()
    offered |= {button.key or button.label for button in page.button if not button.disabled}
    assert not {key for key in offered if not _only_looks(key)}, offered
    assert not page.text_input and not page.text_area


def _only_looks(key: str) -> bool:
    return bool(re.match(r"compare|details|all-jobs|bench-back|doctor|inbox-(open|next|prev)", key))


def test_no_page_can_do_what_the_role_does_not_let(login: Login, own_home: Path) -> None:
    from app.web.components import context, work

    login.name = "eve@example.org"
    with pytest.raises(AssayError, match=r"eve@example.org may not .* the role curate"):
        context.writing().__enter__()
    for kind in ("benchmark", "add", "watch"):
        with pytest.raises(AssayError, match="may not"):
            work.submit(kind, {})
    login.name = "bob@example.org"
    with pytest.raises(AssayError, match="the role run"):
        work.submit("benchmark", {"prototype": "sampling"})
    with pytest.raises(AssayError, match="the role run"):
        work.cancel("benchmark", "x")
    login.name = ""
    with pytest.raises(AssayError, match="– may not"):
        access.require("read")


def test_what_a_curator_does_has_their_name(login: Login, open_page: Open, seeded: Engine) -> None:
    login.name = "bob@example.org"
    page = open_page("paper", paper="sage", view="facts")
    assert not [box for box in page.text_input if box.key and "who" in box.key], "nobody is asked"
    page.text_input(key="correct-why-sage-relevance").set_value("seen in the code")
    page.number_input(key="correct-value-sage-relevance").set_value(0.4)
    button = next(b for b in page.button if b.label == "Save the correction")
    button.click().run()
    assert not page.exception and not page.error
    with session_scope(seeded) as session:
        shown = show_paper(session, "sage")
    assert shown["edits"][0]["who"] == "bob@example.org"
    assert shown["history"][-1]["cause"].endswith("(bob@example.org)")


def test_what_is_run_has_a_name_and_a_limit(login: Login, open_page: Open, seeded: Engine) -> None:
    login.name = "ann@example.org"
    page = open_page("paper", paper="sampling", view="prototype")
    for _ in range(3):
        page.button(key="bench-run").click().run()
    assert not page.exception
    assert "2 times within an hour" in page.error[0].value
    with session_scope(seeded) as session:
        queued = jobs.list_active(session)
        told = [(a.who, a.what, a.subject) for a in actions.newest(session)]
    assert [job.asked_by for job in queued] == ["ann@example.org"], "asked twice, it is one job"
    assert told == [("ann@example.org", "measure", "sampling")] * 2
    page.switch_page("views/jobs.py").run()
    assert "asked for by ann@example.org" in words(page).replace("\\", "")
    page.query_params["show"] = "people"
    page.switch_page("views/settings.py").run()
    assert any("Who did what" in heading.value for heading in page.subheader)
    assert "measured" in str(page.table[0].value)


@pytest.mark.parametrize(
    "source",
    ["/etc/passwd", "~/.ssh/id_rsa", "file:///etc/passwd", "../secret.pdf", "http://10.0.0.1/x"],
)
def test_nobody_reads_the_server_by_its_paths(
    login: Login, open_page: Open, seeded: Engine, source: str
) -> None:
    login.name = "bob@example.org"
    page = open_page("add")
    page.text_area(key="add-text").set_value(f"2410.02367\n{source}")
    next(button for button in page.button if button.label == "Add").click().run()
    assert "is no arXiv id or address" in page.error[0].value
    with session_scope(seeded) as session:
        assert jobs.list_active(session) == []


def test_alone_nothing_is_asked_or_written(
    open_page: Open, seeded: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.jobs.client.ensure_runner", lambda engine: False)
    page = open_page("paper", paper="sampling", view="prototype")
    page.button(key="bench-run").click().run()
    assert not page.exception and not page.error
    with session_scope(seeded) as session:
        assert [job.asked_by for job in jobs.list_active(session)] == [None]
        assert actions.newest(session) == []
    page.switch_page("views/settings.py").run()
    assert "People" not in str([group.options for group in page.button_group])


GUARDED = {
    r"jobs\.(submit|cancel|retry)\(": {"work.py"},
    r"\bsession_scope\(": {"context.py"},
    r"\b(import_run_contents|back_up|save_upload|create_target|init_catalog|change)\(": {
        "bench_files.py", "data_folder.py", "adding.py", "target.py", "first_steps.py", "notes.py",
    },
}  # fmt: skip
"""What changes something, and the only files that may call it: each asks `access` first."""


def test_every_change_goes_by_who_may() -> None:
    for path in (PROJECT / "app" / "web").rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        for pattern, places in GUARDED.items():
            if re.search(pattern, source):
                assert path.name in places, (path.name, pattern)
    for name in ("bench_files", "data_folder", "adding", "target", "first_steps"):
        source = (PROJECT / "app/web/components" / f"{name}.py").read_text(encoding="utf-8")
        assert "access.act(" in source or "access.require(" in source, name
