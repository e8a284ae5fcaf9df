"""Watches against a replica of arXiv: what is new, what is known, and what goes wrong."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from app.workflows.correct import set_status
from app.workflows.removing import remove_papers
from app.workflows.watch import WatchRun, list_watches, next_due, run_watches
from db.engine import session_scope
from db.errors import NotFoundError
from db.queries import papers as paper_queries
from db.queries import watches
from tests.analyzers.arxiv_server import Answer, Entry, Replica, replica
from tests.app.arxiv import publish

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Replica]:
    with replica() as state:
        monkeypatch.setenv("ASSAY_ARXIV_URL", f"{state.url}/api/query")
        state.papers.clear()
        yield state


def add(engine: Engine, name: str = "kv", query: str = "abs:cache", **values: Any) -> None:
    with session_scope(engine) as session:
        watches.add(session, name, query, **values)


def run(engine: Engine, *names: str, at: datetime = NOON) -> WatchRun:
    [result] = run_watches(engine, names, clock=lambda: at)
    return result


def status(engine: Engine, paper_id: str) -> str:
    with session_scope(engine) as session:
        return paper_queries.get(session, paper_id).status


def pdfs(server: Replica) -> int:
    return sum(path.startswith("/pdf/") for _, path in server.asked)


def test_only_what_is_new_is_read(catalog: Engine, server: Replica) -> None:
    publish(server, "2412.90001", "Fast Caches for Everyone")
    publish(server, "2412.90002", "Slow Caches for Nobody", has_pdf=False)
    add(catalog)
    first = run(catalog)
    assert {p["paper_id"]: p["read"] for p in first.new} == {
        "2412.90001": "full",
        "2412.90002": "abstract",
    }
    assert [f["source"] for f in first.by_abstract] == ["2412.90002v1"]
    assert "Only its abstract was read" in first.by_abstract[0]["message"]
    assert first.is_whole and first.found == 2
    assert [p["rank"] for p in first.new] == sorted(p["rank"] for p in first.new)
    assert all(p["of"] == 12 and p["shortlist_of"] == 11 for p in first.new)
    assert status(catalog, "2412.90001") == "inbox"

    asked = pdfs(server)
    again = run(catalog)
    assert (again.new, again.known, again.found) == ([], 2, 2)
    publish(server, "2412.90003", "Newer Caches for Everyone")
    third = run(catalog)
    assert [p["paper_id"] for p in third.new] == ["2412.90003"]
    assert pdfs(server) == asked + 1


def test_a_new_version_is_told_and_keeps_the_decision(catalog: Engine, server: Replica) -> None:
    publish(server, "2412.90001", "Fast Caches for Everyone")
    add(catalog)
    run(catalog)
    with session_scope(catalog) as session:
        set_status(session, "2412.90001", "rejected")
    publish(server, "2412.90001", "Faster Caches for Everyone", version=2)
    second = run(catalog)
    assert second.versions == [
        {"paper_id": "2412.90001", "arxiv_id": "2412.90001", "before": "v1", "after": "v2"}
    ]
    assert not second.new
    assert status(catalog, "2412.90001") == "rejected"
    assert not run(catalog).versions


def test_a_paper_that_was_removed_stays_away(catalog: Engine, server: Replica) -> None:
    publish(server, "2412.90001", "Fast Caches for Everyone")
    add(catalog)
    run(catalog)
    with session_scope(catalog) as session:
        remove_papers(session, ["2412.90001"])
    publish(server, "2412.90001", "Faster Caches for Everyone", version=2)
    assert not run(catalog).new


def test_more_than_fits_waits_for_the_next_time(catalog: Engine, server: Replica) -> None:
    for number in range(5):
        publish(server, f"2412.9000{number}", f"A Cache of the Kind {number}", has_pdf=False)
    add(catalog, most=10)
    with session_scope(catalog) as session:
        watches.note_result(session, watches.get(session, "kv").id, most=2)
    counts = [(len(r.new), r.left) for r in (run(catalog), run(catalog))]
    # The first time takes the newest, and does not go back for what is older than the watch.
    assert counts[0] == (2, 0)
    with session_scope(catalog) as session:
        watches.note_result(session, watches.get(session, "kv").id, covered_to="2024-09-01T00:00")
    more = [run(catalog) for _ in range(3)]
    assert sum(len(r.new) for r in more) + counts[1][0] == 3
    assert more[-1].left == 0


def test_a_failing_query_costs_itself_only(catalog: Engine, server: Replica) -> None:
    publish(server, "2412.90001", "Fast Caches for Everyone", has_pdf=False)
    add(catalog, "a", "((broken")
    add(catalog, "b", "abs:cache")
    why = b"<feed><entry><id>https://arxiv.org/api/errors#x</id><summary>bad query</summary>"
    server.script.append(Answer(400, why + b"</entry></feed>"))
    broken, good = run_watches(catalog, clock=lambda: NOON)
    assert (broken.state, good.state) == ("failed", "ok")
    assert broken.error and "bad query" in broken.error["message"]
    assert len(good.new) == 1
    with session_scope(catalog) as session:
        listed = {w["name"]: w for w in list_watches(session)}
    assert (listed["a"]["failures"], listed["b"]["failures"]) == (1, 0)
    assert "bad query" in listed["a"]["result"]["error"]["message"]
    assert listed["a"]["next_at"] == "2026-11-25T12:00:00.000000+00:00"  # no use asking sooner


def test_offline_is_told_once_and_asked_once(catalog: Engine) -> None:
    add(catalog, "a")
    add(catalog, "b")
    results = run_watches(catalog, clock=lambda: NOON)
    assert [r.state for r in results] == ["failed", "failed"]
    assert len({r.error["message"] for r in results if r.error}) == 1
    with session_scope(catalog) as session:
        due = [watch["next_at"] for watch in list_watches(session)]
    assert due == ["2026-11-24T12:15:00.000000+00:00"] * 2


def test_a_list_that_breaks_off_loses_nothing(catalog: Engine, server: Replica) -> None:
    for number in range(102):
        server.papers[f"2412.{90000 + number}"] = Entry(f"A Cache of the Kind {number}")
    add(catalog, most=1)
    with session_scope(catalog) as session:
        watches.note_result(session, watches.get(session, "kv").id, covered_to="2024-08-30T00:00")
    server.script += [Answer(body=server.feed(list(server.papers), 0, 100, "q")), Answer(500)]
    broken = run(catalog)
    assert (broken.state, len(broken.new), broken.left) == ("partial", 1, 99)
    assert broken.error and "first 100 results" in broken.error["message"]
    with session_scope(catalog) as session:
        assert watches.get(session, "kv").covered_to == "2024-08-30T00:00"
    whole = run(catalog)
    assert (whole.state, len(whole.new), whole.left) == ("ok", 1, 100)


def test_what_a_killed_process_had_stored_is_told_the_next_time(
    catalog: Engine, server: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(server, "2412.90001", "Fast Caches for Everyone", has_pdf=False)
    add(catalog)
    with monkeypatch.context() as patch:
        patch.setattr("app.workflows.watch_asking.Asking._settle", die)
        with pytest.raises(KeyboardInterrupt):
            run(catalog)
    told = run(catalog)
    assert [p["paper_id"] for p in told.new] == ["2412.90001"]
    assert not run(catalog).new


def die(*arguments: object) -> None:
    raise KeyboardInterrupt


def test_names_are_checked(catalog: Engine) -> None:
    with pytest.raises(NotFoundError, match="nor any other"):
        run_watches(catalog, ["nothing"])
    add(catalog)
    with pytest.raises(NotFoundError, match="Watches: kv"):
        run_watches(catalog, ["nothing"])


@pytest.mark.parametrize(
    ("failures", "kind", "wait"),
    [
        (0, "", timedelta(days=1)),
        (1, "offline", timedelta(minutes=15)),
        (3, "rate_limited", timedelta(hours=1)),
        (40, "offline", timedelta(days=1)),
        (1, "refused", timedelta(days=1)),
        (1, "bad_request", timedelta(days=1)),
    ],
)
def test_failures_back_off(failures: int, kind: str, wait: timedelta) -> None:
    assert next_due("day", NOON, failures, kind) == NOON + wait
