"""The inbox: new papers decided by key or click, each decision undoable; watches beside them."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from sqlalchemy import Engine
from streamlit.testing.v1 import AppTest

from app.workflows.correct import set_status
from app.workflows.triage import rescore
from db.engine import session_scope
from db.queries import claims as claim_queries
from db.queries import facts as fact_queries
from db.queries import jobs, papers, watches
from tests.app.web.conftest import HOSTILE, Open, words


@pytest.fixture(autouse=True)
def no_runner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.jobs.client.ensure_runner", lambda engine: None)


CLAIM = {
    "metric": "speedup", "value": 2.4, "value_high": None, "unit": "x", "bound": "up_to",
    "subject": "decode", "scope": "end_to_end", "baseline": "vLLM", "hardware": "RTX 4090",
    "own_result": True, "quote": "q", "page": 1, "boxes": [], "places": [], "confidence": 0.9,
}  # fmt: skip


def fill(engine: Engine, count: int, title: str = "A Cache of the Kind {n}") -> None:
    """Put papers into the inbox, the first with the greatest relevance."""
    with session_scope(engine) as session:
        for n in range(count):
            paper = papers.add(
                session,
                title=title.format(n=n),
                arxiv_id=f"2501.{10000 + n}",
                version="v1",
                authors=["Ada Mora"],
                read="abstract" if n % 2 else "full",
            )
            facts: dict[str, Any] = {
                "technique": {"value": "kv_cache", "reasons": [], "evidence": []},
                "relevance": {"value": 1 - n / 1000, "reasons": [], "evidence": []},
            }
            fact_queries.replace_analysis(session, paper.id, facts)
            claim_queries.replace_analysis_claims(session, paper.id, [CLAIM] if n == 0 else [])
        rescore(session, {"kind": "analysis", "ref": "test"})


def status(engine: Engine, paper_id: str) -> str:
    with session_scope(engine) as session:
        return papers.get(session, paper_id).status


def turn(page: AppTest) -> str:
    """The paper whose turn it is."""
    at = page.query_params["at"]
    return at if isinstance(at, str) else at[0]


def said(page: AppTest) -> str:
    return words(page).replace("\\", "")


def unescaped(text: str) -> str:
    """What is left for Markdown to read a meaning into."""
    return re.sub(r"\\.", "", text)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_an_empty_inbox_says_what_to_do(language: str, seeded: Engine, open_page: Open) -> None:
    page = open_page("inbox", lang=language)
    assert not page.error
    assert ("收件箱" in said(page)) is (language == "zh")
    assert page.text_input(key="watch-query")
    assert "inbox-undo" not in [button.key for button in page.button]
    assert page.get("page_link")


def test_without_any_paper(empty: Engine, open_page: Open) -> None:
    page = open_page("inbox")
    assert not page.error
    assert "Nothing waits" in said(page)


def test_a_paper_is_shown_against_the_shortlist(seeded: Engine, open_page: Open) -> None:
    fill(seeded, 3)
    page = open_page("inbox")
    told = said(page)
    assert not page.error
    assert "1 of 3 in the inbox" in told
    assert "of 11 beside the papers of the first report" in told
    assert "Claims up to 2.4x speedup over vLLM, on RTX 4090" in told
    assert "read: full text" in told
    assert "technique: KV cache" in told
    with session_scope(seeded) as session:
        set_status(session, "sage", "shortlisted")
    assert "of 2 on the shortlist" in said(page.run())


def test_decisions_keep_the_place_and_are_undone(seeded: Engine, open_page: Open) -> None:
    fill(seeded, 4)
    page = open_page("inbox")
    order = [turn(page)]
    page.button(key="inbox-next").click().run()
    order.append(turn(page))
    page.button(key="inbox-keep").click().run()
    order.append(turn(page))
    assert len(set(order)) == 3  # the one after it has moved up into its place
    assert status(seeded, order[1]) == "shortlisted"
    assert "2 of 3 in the inbox" in said(page)
    assert "Last decision: Kept" in said(page)
    page.button(key="inbox-reject").click().run()
    assert status(seeded, order[2]) == "rejected"
    page.button(key="inbox-undo").click().run()
    assert (status(seeded, order[2]), turn(page)) == ("inbox", order[2])
    page.button(key="inbox-undo").click().run()
    assert (status(seeded, order[1]), turn(page)) == ("inbox", order[1])
    assert page.button(key="inbox-undo").disabled
    reloaded = open_page("inbox", at=order[2])
    assert turn(reloaded) == order[2]


def test_later_goes_to_the_end(seeded: Engine, open_page: Open) -> None:
    fill(seeded, 3)
    page = open_page("inbox")
    first = turn(page)
    page.button(key="inbox-later").click().run()
    assert turn(page) != first
    assert status(seeded, first) == "inbox"
    page.button(key="inbox-next").click().run()
    page.button(key="inbox-next").click().run()
    assert turn(page) == first
    assert "you put it off" in said(page)
    assert page.button(key="inbox-next").disabled


def test_the_end_says_what_came_of_it(seeded: Engine, open_page: Open) -> None:
    fill(seeded, 2)
    page = open_page("inbox")
    page.button(key="inbox-keep").click().run()
    page.button(key="inbox-reject").click().run()
    assert "1 kept, 1 rejected" in said(page)
    page.button(key="inbox-undo").click().run()
    assert "1 of 1 in the inbox" in said(page)


def test_what_was_decided_elsewhere_is_said(seeded: Engine, open_page: Open) -> None:
    fill(seeded, 2)
    page = open_page("inbox")
    paper = turn(page)
    with session_scope(seeded) as session:
        set_status(session, paper, "building")
    page.button(key="inbox-reject").click().run()
    assert "not in the inbox any more" in said(page)
    assert status(seeded, paper) == "building"
    other = turn(page)
    page.button(key="inbox-keep").click().run()
    with session_scope(seeded) as session:
        set_status(session, other, "done")
    page.button(key="inbox-undo").click().run()
    assert "changed elsewhere" in said(page)
    assert status(seeded, other) == "done"


def test_keys_are_on_the_buttons(seeded: Engine, open_page: Open) -> None:
    fill(seeded, 2)
    page = open_page("inbox")
    keys = {
        name: page.button(key=f"inbox-{name}").proto.shortcut
        for name in ("keep", "reject", "later", "open", "undo", "previous", "next")
    }
    assert keys == {
        "keep": "k", "reject": "x", "later": "l", "open": "o", "undo": "u", "previous": "p",
        "next": "n",
    }  # fmt: skip


def test_hostile_titles_are_text(seeded: Engine, open_page: Open) -> None:
    fill(seeded, 3, HOSTILE + " \u202e" + "long " * 400 + "{n}")
    page = open_page("inbox")
    page.button(key="inbox-keep").click().run()
    assert not page.error
    for element in (*page.markdown, *page.caption):
        left = unescaped(element.value)
        assert "<" not in left and "](javascript" not in left
        assert "\u202e" not in left
    assert all(len(element.value) < 900 for element in page.markdown)


def test_three_hundred_papers_stay_quick(seeded: Engine, open_page: Open) -> None:
    fill(seeded, 300)
    page = open_page("inbox")
    assert "1 of 300" in said(page)
    started = time.perf_counter()
    page.button(key="inbox-next").click().run()
    page.button(key="inbox-keep").click().run()
    assert (time.perf_counter() - started) / 2 < 1.0
    assert "2 of 299" in said(page)


def specs(engine: Engine) -> list[dict[str, Any]]:
    with session_scope(engine) as session:
        return [job.spec for job in jobs.list_active(session) if job.kind == "watch"]


def test_a_watch_is_added_run_paused_removed_and_taken_back(
    seeded: Engine, open_page: Open
) -> None:
    page = open_page("inbox")
    page.text_input(key="watch-name").input("kv [x]")
    page.text_input(key="watch-query").input('abs:"KV cache"')
    next(b for b in page.button if b.label == "Save the watch").click().run()
    assert not page.error
    assert specs(seeded) == [{"names": ["kv [x]"]}]
    assert "Not asked yet" in said(page)
    page.button(key="run-kv [x]").click().run()
    assert len(specs(seeded)) == 1
    page.button(key="pause-kv [x]").click().run()
    with session_scope(seeded) as session:
        assert watches.get(session, "kv [x]").paused
    assert "paused" in said(page)
    page.button(key="remove-kv [x]").click().run()
    with session_scope(seeded) as session:
        assert not watches.all_of(session)
    page.button(key="watch-restore").click().run()
    with session_scope(seeded) as session:
        assert [watch.name for watch in watches.all_of(session)] == ["kv [x]"]


def test_a_failing_watch_says_why_and_when_next(seeded: Engine, open_page: Open) -> None:
    error = {"kind": "bad_request", "message": f"bad {HOSTILE}"}
    result = {
        "state": "failed", "found": 0, "new": [], "versions": [], "left": 0, "failed": [],
        "error": error,
    }  # fmt: skip
    with session_scope(seeded) as session:
        watch = watches.add(session, "kv", f"abs:{HOSTILE}")
        watches.note_result(
            session,
            watch.id,
            failures=3,
            result=result,
            asked_at="2026-11-24T10:00:00+00:00",
            due_at="2026-11-24T11:00:00+00:00",
        )
    page = open_page("inbox")
    assert not page.error
    assert "failures in a row: 3" in said(page)
    assert "bad <script>" in said(page)  # as text: every sign of it is escaped
    assert "Next: 2026-11-24" in said(page)
    assert all("<" not in unescaped(e.value) for e in (*page.caption, *page.markdown))


def test_a_wrong_watch_is_one_sentence(seeded: Engine, open_page: Open) -> None:
    page = open_page("inbox")
    page.text_input(key="watch-name").input("kv")
    next(b for b in page.button if b.label == "Save the watch").click().run()
    assert [e.value.replace("\\", "") for e in page.error] == [
        'The query is empty: give one like abs:"KV cache" AND cat:cs.LG.'
    ]
    assert specs(seeded) == []


def test_the_digest_can_be_taken_away(seeded: Engine, open_page: Open) -> None:
    page = open_page("inbox")
    assert [b.proto.label for b in page.get("download_button")] == [
        "Digest (Markdown)",
        "Digest (Atom)",
    ]
