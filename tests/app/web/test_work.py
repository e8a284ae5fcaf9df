"""Work on pages: running a prototype, following jobs, adding papers, the report."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine

from app.jobs.context import log_file
from app.workflows.report import list_snapshots
from db.engine import session_scope
from db.queries import jobs
from tests.app.web.conftest import HOSTILE, Open, words


@pytest.fixture(autouse=True)
def no_runner(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs are queued, and nobody works on them."""
    monkeypatch.setattr("app.jobs.client.ensure_runner", lambda engine: None)


Queue = Callable[..., str]


@pytest.fixture
def queue(seeded: Engine) -> Queue:
    def queued(kind: str = "benchmark", state: str = "queued", **changes: Any) -> str:
        spec = {"prototype": "sampling", "device": "cpu", "quick": True, "cases": []}
        if kind == "add":
            spec = {"sources": ["2410.02367"]}
        with session_scope(seeded) as session:
            job = jobs.create(session, kind=kind, spec=spec, device=None)
            job.state = state
            job.owner = "test"
            for name, value in changes.items():
                setattr(job, name, value)
            return job.id

    return queued


def specs(engine: Engine) -> list[dict[str, Any]]:
    with session_scope(engine) as session:
        return [job.spec for job in jobs.list_active(session)]


def test_run_queues_a_job(seeded: Engine, open_page: Open) -> None:
    page = open_page("paper", paper="sampling", view="prototype")
    page.button(key="bench-run").click().run()
    assert not page.error
    assert [(s["prototype"], s["device"], s["quick"]) for s in specs(seeded)] == [
        ("sampling", "cpu", True)
    ]
    assert "waiting" in words(page)
    page.button(key="bench-run").click().run()
    assert len(specs(seeded)) == 1  # the same work asked for twice is one job


def test_progress_is_shown_and_cancel_asks(queue: Queue, seeded: Engine, open_page: Open) -> None:
    note = {"template": "case {n} of 4", "params": {"n": 1}}
    job = queue(state="running", done=1, total=4, message=note)
    page = open_page("paper", paper="sampling", view="prototype")
    progress = page.get("progress")[0].proto
    assert progress.value == 25
    assert "case 1 of 4" in progress.text
    page.button(key=f"cancel-{job}").click().run()
    with session_scope(seeded) as session:
        asked = jobs.get(session, job)
        assert asked is not None
        assert asked.cancel_requested
    assert "stopping" in words(page)


def test_the_outcome_tells_how_the_score_moved(queue: Queue, open_page: Open) -> None:
    moved = [{"paper": "sampling", "kind": "believed", "before": 4.12, "after": 4.62}]
    queue(state="succeeded", outcome={"scores": moved, "runs": [], "added": 3})
    told = words(open_page("paper", paper="sampling", view="prototype")).replace("\\", "")
    assert "The score moved: 4.12 → 4.62." in told


def test_the_outcome_tells_that_the_score_stays(queue: Queue, open_page: Open) -> None:
    scores = [{"paper": "sampling", "kind": "believed", "before": 4.00862, "after": 4.00914}]
    queue(state="succeeded", outcome={"scores": scores, "runs": [], "added": 3})
    told = words(open_page("paper", paper="sampling", view="prototype")).replace("\\", "")
    assert "The score stays at 4.009." in told


@pytest.mark.parametrize("state", ["failed", "timed_out", "cancelled", "lost"])
def test_what_went_wrong_can_be_tried_again(
    state: str, queue: Queue, seeded: Engine, open_page: Open
) -> None:
    job = queue(state=state, outcome={"error": HOSTILE})
    page = open_page("jobs")
    assert not page.error
    assert not any(re_unescaped(element.value).count("<") for element in page.caption)
    page.button(key=f"retry-{job}").click().run()
    assert len(specs(seeded)) == 1


def re_unescaped(text: str) -> str:
    import re

    return re.sub(r"\\.", "", text)


def test_one_job_has_an_address(queue: Queue, open_page: Open) -> None:
    ended = "2026-03-01T12:00:00+00:00"
    job = queue(state="failed", outcome={"error": "the first"}, finished_at=ended)
    queue(state="failed", outcome={"error": "the second"})
    log_file(job).write_text(f"printed by its programs: {HOSTILE}\n")
    page = open_page("jobs", job=job)
    told = words(page)
    assert "the first" in told
    assert page.code[0].value == f"printed by its programs: {HOSTILE}"
    assert told.replace("\\", "").count("2026-03-01") == 2, "in its card, and among its times"
    assert "the second" not in told
    assert "no such job" in words(open_page("jobs", job="nothing"))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_state_has_a_word(language: str, queue: Queue, open_page: Open) -> None:
    for state in ("failed", "timed_out", "cancelled", "lost", "succeeded"):
        queue(state=state, outcome={})
    told = words(open_page("jobs", lang=language))
    assert "timed_out" not in told
    assert ("运行" in told or "采样" in told or "测量" in told) is (language == "zh")


def test_ids_become_one_job(seeded: Engine, open_page: Open) -> None:
    page = open_page("add")
    page.text_area(key="add-text").input("2410.02367\n\n  2409.16997, 2410.02367")
    page.button[0].click().run()
    assert not page.error
    assert [spec["sources"] for spec in specs(seeded)] == [["2410.02367", "2409.16997"]]


def test_a_query_becomes_a_job(seeded: Engine, open_page: Open) -> None:
    page = open_page("add")
    page.text_input(key="add-query-text").input('abs:"KV cache"')
    next(b for b in page.button if b.label == "Search and add").click().run()
    assert [(s["sources"], s["query"]) for s in specs(seeded)] == [([], 'abs:"KV cache"')]


def test_an_upload_is_kept_under_a_safe_name(seeded: Engine, open_page: Open) -> None:
    page = open_page("add")
    page.file_uploader(key="add-upload").set_value(
        [("../../evil <b>.md", b"# A paper\n\nIt is 2x faster.", "text/markdown")]
    )
    next(b for b in page.button if b.label == "Add the files").click().run()
    assert not page.error
    [source] = specs(seeded)[0]["sources"]
    assert "/home/papers/" in source
    assert ".." not in source
    assert "<" not in source


def test_an_empty_form_adds_nothing(seeded: Engine, open_page: Open) -> None:
    page = open_page("add")
    page.button[0].click().run()
    assert len(page.warning) == 1
    assert specs(seeded) == []


def test_too_many_ids_are_one_sentence(seeded: Engine, open_page: Open) -> None:
    page = open_page("add")
    page.text_area(key="add-text").input(" ".join(f"2410.{n:05}" for n in range(201)))
    page.button[0].click().run()
    assert len(page.error) == 1
    assert specs(seeded) == []


def test_each_source_has_its_result(queue: Queue, open_page: Open) -> None:
    outcome = {
        "added": ["sage"],
        "updated": [],
        "failed": [{"source": "/x/broken.pdf", "kind": "broken", "message": f"It is {HOSTILE}."}],
    }
    queue("add", "succeeded", outcome=outcome)
    told = words(open_page("add"))
    assert "Not added" in told
    assert "broken\\.pdf" in told
    assert "<" not in re_unescaped(told)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("chosen", ["md", "html", "csv", "json", "bibtex", "pdf", "docx"])
def test_the_report_is_shown_as_it_is_downloaded(
    chosen: str, language: str, seeded: Engine, open_page: Open
) -> None:
    page = open_page("report", format=chosen, **{"in": language})
    assert not page.error
    assert page.get("download_button")
    if chosen == "md":
        assert ("更正" in page.code[0].value) is (language == "zh")
        assert "SageAttention" in page.code[0].value
    elif chosen in ("csv", "json", "bibtex"):
        assert "SageAttention" in page.code[0].value
    elif chosen in ("pdf", "docx"):
        assert page.info
        assert page.get("iframe")[0].proto.src.startswith("data:text/html")
    else:
        assert page.get("iframe")[0].proto.src.startswith("data:text/html")


def test_a_report_can_be_kept(seeded: Engine, open_page: Open) -> None:
    page = open_page("report")
    with session_scope(seeded) as session:
        before = len(list_snapshots(session))
    page.button(key="report-keep").click().run()
    assert not page.error
    assert "Saved as report" in words(page).replace("\\", "")
    with session_scope(seeded) as session:
        assert len(list_snapshots(session)) == before + 1
